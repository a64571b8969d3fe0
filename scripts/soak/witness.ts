//! Tells a fault of the product from one of the machine that it shares with everything else here. A
//! sleeper that is pinned to a processor and stands before all that the lab does is late only when
//! the processor itself did not run: the host had it taken away. One with the priority of the media
//! unit is late when all processors were busy with what stands before that. Where no program may have such
//! a priority the daemons have none either, and a sleeper without one tells how long they were not run.
import { cpus } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { mayBeRealtime, type Programs } from '../net/processes.ts'

/** As in `daemon/src/media/start.ts`. */
const mediaPriority = 10
const firstPriority = 60
const standstillsMax = 10_000

interface Standstill {
  readonly who: string
  readonly endMs: number
  readonly lengthMs: number
}

export class Witness {
  readonly #standstills: Standstill[] = []

  static start(programs: Programs): Witness {
    const witness = new Witness()
    const watch = (who: string, prefix: readonly string[]) => {
      const sleeper = join(import.meta.dirname, 'sleeper.ts')
      const [command = '', ...args] = [...prefix, process.execPath, sleeper]
      const program = programs.start({ command, args })
      if (program.stdout === null) return
      createInterface({ input: program.stdout }).on('line', (line) => {
        const [atMs, lengthMs] = line.split(' ').map(Number)
        if (atMs !== undefined && lengthMs !== undefined)
          witness.#note({ who, endMs: atMs, lengthMs })
      })
    }
    const fifo = (priority: number) => (mayBeRealtime() ? ['chrt', '--fifo', String(priority)] : [])
    for (const [cpu] of cpus().entries()) {
      watch(`processor ${cpu}`, ['taskset', '-c', `${cpu}`, ...fifo(firstPriority)])
    }
    watch('media priority', fifo(mediaPriority))
    return witness
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
