//! Another version of the program, from the history of this repository: what a pair is upgraded from.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '../..')
const modules = ['node_modules', 'daemon/node_modules']

/** @returns the `vccsd` of that commit, with the packages of this one. Throws when there is no such commit. */
export function programOfCommit(commit: string): string {
  const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args])
  const name = git('rev-parse', '--verify', `${commit}^{commit}`).toString().trim()
  const tree = join(repository, 'build/versions', name)
  if (!existsSync(tree)) {
    const part = `${tree}.part`
    rmSync(part, { recursive: true, force: true })
    mkdirSync(part, { recursive: true })
    const bytes = execFileSync('git', ['-C', repository, 'archive', name], {
      maxBuffer: 256 * 1024 * 1024,
    })
    execFileSync('tar', ['-x', '-C', part], { input: bytes })
    for (const folder of modules) {
      if (existsSync(join(repository, folder))) {
        symlinkSync(join(repository, folder), join(part, folder))
      }
    }
    execFileSync(process.execPath, ['scripts/build-mixer.ts'], { cwd: part })
    renameSync(part, tree)
  }
  return join(tree, 'daemon/bin/vccsd')
}
