//! What the host of a virtual machine takes of a core: time in which the core had work and did not run
//! (`steal` in /proc/stat). A figure in milliseconds of such a moment is the host's.
import { readFileSync } from 'node:fs'

interface Sample {
  readonly atMs: number
  /** Since the machine started. */
  readonly stolenMs: number
}

const periodMs = 250
/** Of the kernel's counters: 100 a second on every Linux that Node runs on. */
const tickMs = 10
/** Position of `steal` behind the name of the core. */
const stealField = 8

export class StolenTime {
  readonly #core: number
  readonly #samples: Sample[] = []
  readonly #timer: NodeJS.Timeout

  private constructor(core: number) {
    this.#core = core
    this.#take()
    this.#timer = setInterval(() => this.#take(), periodMs)
  }

  static watch(core: number): StolenTime {
    return new StolenTime(core)
  }

  stop(): readonly Sample[] {
    clearInterval(this.#timer)
    this.#take()
    return this.#samples
  }

  #take(): void {
    const stolenMs = stolenOf(readFileSync('/proc/stat', 'utf8'), this.#core)
    this.#samples.push({ atMs: Date.now(), stolenMs })
  }
}

/** Milliseconds, from the text of /proc/stat. */
export function stolenOf(stat: string, core: number): number {
  const line = stat.split('\n').find((one) => one.startsWith(`cpu${core} `)) ?? ''
  return Number(line.split(' ')[stealField] ?? 0) * tickMs
}

/** Share of the time from one moment to the other, by the samples around them. */
export function stolenShare(samples: readonly Sample[], fromMs: number, toMs: number): number {
  const first = samples.findLast(({ atMs }) => atMs <= fromMs) ?? samples[0]
  const last = samples.find(({ atMs }) => atMs >= toMs) ?? samples.at(-1)
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
  return (last.stolenMs - first.stolenMs) / (last.atMs - first.atMs)
}
