//! Legs of members who have left while others go on. Both media units end such a leg at its tick
//! (`endLeg`); its record goes when that tick is over for certain. In memory only: the tick is in the record.
import { limits } from '../../limits.ts'

/** The last tick, and one for clocks that differ. */
const waitMs = (limits.decisionLeadTicks + 2) * limits.tickMs

export class EndingLegs {
  readonly #dueMs = new Map<string, number>()

  get size(): number {
    return this.#dueMs.size
  }

  add(mediaId: string, nowMs: number): void {
    this.#dueMs.set(mediaId, nowMs + waitMs)
  }

  /** Monotonic milliseconds of the next call of `take`; null: nothing waits. */
  nextMs(): number | null {
    for (const dueMs of this.#dueMs.values()) return dueMs
    return null
  }

  /** The media IDs whose records can go. */
  take(nowMs: number): string[] {
    const due: string[] = []
    for (const [mediaId, dueMs] of this.#dueMs) {
      if (dueMs > nowMs) break
      this.#dueMs.delete(mediaId)
      due.push(mediaId)
    }
    return due
  }

  clear(): void {
    this.#dueMs.clear()
  }
}
