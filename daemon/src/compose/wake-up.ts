//! The one timer of a loop. It may be brought forward, never put off: a loop that is told of each
//! datagram what is due next must come round under a stream of datagrams too.
import { monotonicMs } from '../platform/clock.ts'

export class WakeUp {
  readonly #idleMs: number
  readonly #run: () => void
  #timer: NodeJS.Timeout | null = null
  #armedMs = Number.POSITIVE_INFINITY

  /** @param idleMs longest sleep, in milliseconds. */
  constructor(idleMs: number, run: () => void) {
    this.#idleMs = idleMs
    this.#run = run
  }

  /** Runs at this time of the monotonic clock, or before. */
  at(dueMs: number): void {
    const nowMs = monotonicMs()
    const wantedMs = Math.max(nowMs, Math.min(dueMs, nowMs + this.#idleMs))
    if (this.#timer !== null && this.#armedMs <= wantedMs) return
    this.end()
    this.#armedMs = wantedMs
    this.#timer = setTimeout(
      () => {
        this.end()
        this.#run()
      },
      Math.ceil(wantedMs - nowMs),
    )
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#armedMs = Number.POSITIVE_INFINITY
  }
}
