//! Whether a unit stands still, by its signs of life. Pure: time is an argument, CLOCK_MONOTONIC in
//! milliseconds.
import { limits } from '../limits.ts'

/** A pause of the supervisor itself is no proof: what a unit said meanwhile waits to be read. */
const ownPauseMsMax = 2_000

export class PulseWatch {
  #startedAt: number | null = null
  #beatAt: number | null = null
  #lookedAt: number | null = null

  /** The unit was started. */
  begin(now: number): void {
    this.#startedAt = now
    this.#beatAt = null
  }

  /** It was running before. @param isNew it may still be starting */
  adopt(now: number, isNew: boolean): void {
    this.#startedAt = now
    this.#beatAt = isNew ? null : now
  }

  beat(now: number): void {
    this.#beatAt = now
  }

  /** The unit is gone. */
  end(): void {
    this.#startedAt = null
  }

  /** @returns for how long it has stood still, when that is too long. */
  look(now: number): number | null {
    const pausedMs = this.#lookedAt === null ? 0 : now - this.#lookedAt
    this.#lookedAt = now
    if (this.#startedAt === null) return null
    if (pausedMs > ownPauseMsMax) {
      if (this.#beatAt === null) this.#startedAt = now
      else this.#beatAt = now
      return null
    }
    const stillMs = now - (this.#beatAt ?? this.#startedAt)
    const patienceMs = this.#beatAt === null ? limits.unitStartMsMax : limits.unitHangMsMax
    return stillMs >= patienceMs ? stillMs : null
  }
}
