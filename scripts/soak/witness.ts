//! Tells a fault of the product from one of the machine that it shares with everything else here. A
//! sleeper that is pinned to a processor and stands before all that the lab does is late only when
//! the processor itself did not run: the host had it taken away. One with the priority of the media
//! unit is late when all processors were busy with what stands before that. Where no program may have such
//! a priority the daemons have none either, and a sleeper without one tells how long they were not run.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { mayBeRealtime, type Programs } from '../net/processes.ts'

/** As in `daemon/src/media/start.ts`. */
const mediaPriority = 10
const firstPriority = 60
const standstillsMax = 10_000

interface Sleeper {
  readonly who: string
  readonly prefix: readonly string[]
  readonly priority: number
}

interface Standstill {
  readonly who: string
  readonly endMs: number
  readonly lengthMs: number
}

export class Witness {
  readonly #standstills: Standstill[] = []

  /** Begins as everybody else and gets its priority when it sleeps: a program that starts with it stands before
   * all units of both nodes for as long as it compiles. */
  static async start(programs: Programs): Promise<Witness> {
    const witness = new Witness()
    const sleepers = cpus().map((_cpu, number) =>
      witness.#watch(programs, {
        who: `processor ${number}`,
        prefix: ['taskset', '-c', `${number}`],
        priority: firstPriority,
      }),
    )
    sleepers.push(
      witness.#watch(programs, { who: 'media priority', prefix: [], priority: mediaPriority }),
    )
    await Promise.all(sleepers)
    return witness
  }

  async #watch(programs: Programs, { who, prefix, priority }: Sleeper): Promise<void> {
    const program = join(import.meta.dirname, 'sleeper.ts')
    // Without helper threads of V8, which would have a lower priority than the thread that waits for them.
    const node = [process.execPath, '--single-threaded', program]
    const [command = '', ...args] = [...prefix, ...node]
    const sleeper = programs.start({ command, args })
    if (sleeper.stdout === null) return
    const lines = createInterface({ input: sleeper.stdout })
    await Promise.race([once(lines, 'line'), once(sleeper, 'exit')])
    if (mayBeRealtime()) spawnSync('chrt', ['--fifo', '--pid', `${priority}`, `${sleeper.pid}`])
    lines.on('line', (line) => {
      const [atMs, lengthMs] = line.split(' ').map(Number)
      if (atMs !== undefined && lengthMs !== undefined) this.#note({ who, endMs: atMs, lengthMs })
    })
  }

  #note(standstill: Standstill): void {
    this.#standstills.push(standstill)
    if (this.#standstills.length > standstillsMax) this.#standstills.shift()
  }

  /** Longest standstill that touched this time; 0: none was seen. */
  longest(fromMs: number, toMs: number): { readonly who: string; readonly lengthMs: number } {
    let longest: Standstill = { who: 'nobody', endMs: 0, lengthMs: 0 }
    for (const one of this.#standstills) {
      if (one.endMs < fromMs || one.endMs - one.lengthMs > toMs) continue
      if (one.lengthMs > longest.lengthMs) longest = one
    }
    return { who: longest.who, lengthMs: Math.round(longest.lengthMs) }
  }
}
