//! What the media unit of this node says of its legs, for the call records: the newest of each, and a
//! while after its end the last word.
import type { LegStatistics } from '../bus/messages.ts'
import { limits } from '../limits.ts'

interface Entry {
  readonly statistics: LegStatistics
  readonly atMs: number
}

export class LegStatisticsBook {
  /** In the order of the news. */
  readonly #entries = new Map<string, Entry>()

  take(legs: readonly LegStatistics[], nowMs: number): void {
    for (const statistics of legs) {
      const { mediaId } = statistics
      this.#entries.delete(mediaId)
      this.#entries.set(mediaId, { statistics, atMs: nowMs })
    }
    for (const [mediaId, { atMs }] of this.#entries) {
      const isOld = nowMs - atMs > limits.legStatisticsKeptMs
      if (!isOld && this.#entries.size <= 2 * limits.legsMax) return
      this.#entries.delete(mediaId)
    }
  }

  /** Null: nothing was said yet, or it is long ago. A leg that ended has said its last word when
   * `ended` is true. */
  of(mediaId: string): LegStatistics | null {
    return this.#entries.get(mediaId)?.statistics ?? null
  }
}
