//! How far apart the heartbeats of a node are on a link (S1.64), as the other end of it hears them. Pure.
import { percentile } from './bounds.ts'

export interface HeartbeatFigures {
  readonly count: number
  readonly meanMs: number
  readonly p1Ms: number
  readonly p99Ms: number
}

export class HeartbeatMeter {
  readonly #times: number[] = []

  heard(timeMs: number): void {
    this.#times.push(timeMs)
  }

  /** Null: too few to say. */
  figures(): HeartbeatFigures | null {
    const times = this.#times
    const [first, last] = [times[0], times.at(-1)]
    if (first === undefined || last === undefined || times.length < 3) return null
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time))
    const rounded = (value: number) => Math.round(value * 10) / 10
    return {
      count: times.length,
      meanMs: rounded((last - first) / (times.length - 1)),
      p1Ms: rounded(percentile(gaps, 1) ?? 0),
      p99Ms: rounded(percentile(gaps, 99) ?? 0),
    }
  }
}
