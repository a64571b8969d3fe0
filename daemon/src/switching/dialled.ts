//! Digits that terminals dial in their media. Both nodes hear them; the primary gives them to the services,
//! the standby remembers them for a moment. What the primary did not do any more before it died is done
//! after the take-over, once: the member's record says which key press was the last one.
import { limits } from '../limits.ts'

/** One press of a key. */
export interface Dialled {
  readonly mediaId: string
  /** One of `0`..`9`, `*`, `#`, `A`..`D`, `!` (flash). */
  readonly digit: string
  /** Tells it from every other one of its leg; the same on both nodes. */
  readonly mark: string
}

interface Heard {
  readonly dialled: Dialled
  readonly atMs: number
}

export class HeardDigits {
  #ring: Heard[] = []
  #waiting: Dialled[] = []
  #beganMs = 0

  /** Those that wait to be done. */
  get size(): number {
    return this.#waiting.length
  }

  /** What this standby leaves to its primary. */
  keep(dialled: Dialled, nowMs: number): void {
    this.#ring.push({ dialled, atMs: nowMs })
    const old = this.#ring.findIndex(({ atMs }) => nowMs - atMs <= limits.heardMs)
    if (old > 0) this.#ring.splice(0, old)
    if (this.#ring.length > limits.heardMax) this.#ring.shift()
  }

  /** This node serves now. `servedAtMs` as for `HeardMessages`.
   * @param lastOf the mark of what was done last for a leg */
  begin(
    servedAtMs: number | null,
    nowMs: number,
    lastOf: (mediaId: string) => string | null,
  ): void {
    const earliestMs = nowMs - limits.heardMs
    const fromMs = Math.max(earliestMs, (servedAtMs ?? 0) - limits.heardMarginMs)
    const ring = this.#ring
    this.clear()
    this.#beganMs = nowMs
    for (const [n, { dialled, atMs }] of ring.entries()) {
      const { mediaId } = dialled
      const last = lastOf(mediaId)
      const isDone = ring
        .slice(n)
        .some((later) => later.dialled.mediaId === mediaId && later.dialled.mark === last)
      if (atMs >= fromMs && !isDone) this.#waiting.push(dialled)
    }
  }

  /** Monotonic milliseconds of the next call of `take`; null: nothing waits. */
  nextMs(): number | null {
    return this.#waiting.length === 0 ? null : this.#beganMs
  }

  take(): Dialled[] {
    return this.#waiting.splice(0)
  }

  clear(): void {
    this.#ring = []
    this.#waiting = []
  }
}
