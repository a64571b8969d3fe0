//! What a reader must know of the machine to compare its figures with those of another one.
import { spawnSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'

export interface MachineFacts {
  readonly cores: number
  readonly processor: string
  readonly memoryMiB: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  readonly date: string
  /** Above the number of cores: others used the machine. */
  readonly loadOfOneMinute: number
}

export function machineFacts(): MachineFacts {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    commit: commit(),
    date: new Date().toISOString(),
    loadOfOneMinute: loadavg()[0] ?? 0,
  }
}

/** What a soak and the fail-over matrix themselves write. */
const notOfIt = [
  ':!/docs/scoreboard.json',
  ':!/SCOREBOARD.md',
  ':!/docs/failover-matrix.json',
  ':!/docs/failover-matrix.md',
]

/** `-changed`: the tree held changes that are in no commit. */
function commit(): string {
  const git = (...args: string[]) =>
    spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).stdout?.trim() ?? ''
  const hash = git('rev-parse', '--short', 'HEAD')
  if (hash === '') return 'unknown'
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/', ...notOfIt)
  return changed === '' ? hash : `${hash}-changed`
}
