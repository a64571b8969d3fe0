//! Runs test files, each in a test runner of its own, so many at a time, in the order given.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Witness } from '../soak/witness.ts'
import type { FileRun } from './verdict.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'test/e2e')
const runner = join(root, 'node_modules/ava/entrypoints/cli.js')
/** A capture hands its last lines over this late, and the sleepers theirs. */
const settleMs = 200

export class Lanes {
  readonly #witness: Witness
  readonly #running = new Map<
    string,
    { readonly child: ChildProcess; readonly beside: Set<string> }
  >()
  #isStopped = false

  constructor(witness: Witness) {
    this.#witness = witness
  }

  /** @param told is called with each run as it ends. */
  async run(
    names: readonly string[],
    count: number,
    told: (run: FileRun) => void,
  ): Promise<FileRun[]> {
    const waiting = [...names]
    const runs: FileRun[] = []
    const lane = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        if (this.#isStopped) return
        const run = await this.#one(name)
        runs.push(run)
        told(run)
      }
    }
    await Promise.all(Array.from({ length: count }, lane))
    return runs
  }

  /** No more files; those that run remove their labs first. */
  stop(signal: 'SIGINT' | 'SIGTERM'): void {
    this.#isStopped = true
    // Ctrl-C has reached them already: they are in the group of the terminal.
    if (signal === 'SIGTERM') for (const { child } of this.#running.values()) child.kill(signal)
  }

  async #one(name: string): Promise<FileRun> {
    const beside = new Set(this.#running.keys())
    for (const other of this.#running.values()) other.beside.add(name)
    const fromMs = Date.now()
    const config = join(folder, 'ava.config.js')
    const args = ['--config', config, '--concurrency', '1', join(folder, `${name}.test.ts`)]
    // This Node: the one of the system, which stands first in the path now, may be too old.
    const child = spawn(process.execPath, [runner, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running.set(name, { child, beside })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString('utf8')
      })
    }
    const exitCode = await new Promise<number>((resolve) => {
      child.once('error', () => resolve(1))
      child.once('close', (code) => resolve(code ?? 1))
    })
    this.#running.delete(name)
    const toMs = Date.now()
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    const stoodStill = this.#witness.longest(fromMs, toMs)
    return { name, exitCode, tookMs: toMs - fromMs, beside: [...beside], stoodStill, output }
  }
}
