//! A receiver's judgement of beacons: which are news, which are recordings, and since when there is
//! silence. Pure: the bytes were checked before, times are given.
import { limits } from '../limits.ts'
import type { Beacon } from '../wire/beacon.ts'

/** Nodes that are told apart; they are authentic, so a pair has two. */
const nodesMax = 8

interface Last {
  readonly boot: string
  readonly sequence: number
  readonly term: number
  readonly sentAtMs: number
}

export interface BeaconCounters {
  shown: number
  /** The tag is wrong: not made with the key of this site. */
  forged: number
  /** Authentic, but not after the grammar. */
  malformed: number
  /** Repeated, overtaken, or recorded long ago. */
  old: number
}

export class BeaconWatch {
  readonly #ageMsMax: number
  readonly #last = new Map<string, Last>()
  #heardAtMs: number
  readonly counters: BeaconCounters = { shown: 0, forged: 0, malformed: 0, old: 0 }

  /** @param ageMsMax older by the wall clock than this is a recording; infinity: clocks differ here. */
  constructor(startedAtMs: number, ageMsMax: number) {
    this.#heardAtMs = startedAtMs
    this.#ageMsMax = ageMsMax
  }

  /** @param now milliseconds: `monotonicMs` of any clock that does not jump, `wallMs` since 1970.
   * @returns the beacon when it is news, else null. */
  take(
    decoded: Beacon | string,
    now: { readonly monotonicMs: number; readonly wallMs: number },
  ): Beacon | null {
    if (typeof decoded === 'string') {
      if (decoded === 'forged') this.counters.forged += 1
      else this.counters.malformed += 1
      return null
    }
    if (!this.#isNews(decoded, now.wallMs)) {
      this.counters.old += 1
      return null
    }
    const { node, boot, sequence, term, sentAt } = decoded
    this.#last.delete(node)
    if (this.#last.size >= nodesMax) {
      const [oldest] = this.#last.keys()
      if (oldest !== undefined) this.#last.delete(oldest)
    }
    this.#last.set(node, { boot, sequence, term, sentAtMs: Date.parse(sentAt) })
    this.counters.shown += 1
    if (decoded.role === 'primary') this.#heardAtMs = now.monotonicMs
    return decoded
  }

  /** Milliseconds without a beacon of a primary, when that is too long; else null. */
  silentMs(monotonicMs: number): number | null {
    const silent = monotonicMs - this.#heardAtMs
    return silent >= limits.beaconSilentMs ? silent : null
  }

  /** A boot counts its beacons. A new boot comes later by the clock, or in a newer term. */
  #isNews({ node, boot, sequence, term, sentAt }: Beacon, wallMs: number): boolean {
    const sentAtMs = Date.parse(sentAt)
    if (!(Math.abs(wallMs - sentAtMs) <= this.#ageMsMax)) return false
    const last = this.#last.get(node)
    if (last === undefined) return true
    if (boot === last.boot) return sequence > last.sequence && term >= last.term
    return term > last.term || (term === last.term && sentAtMs > last.sentAtMs)
  }
}
