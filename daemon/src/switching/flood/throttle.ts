//! Strangers that send very much (ADR 0034): the kernel drops most of theirs before it queues it, so that the queue
//! and the processor are left to the telephones. Says what the kernel is to drop, and for how many a datagram
//! stands that comes through. An address where a telephone is known is never among them.
import { limits } from '../../limits.ts'
import type { KnownSources } from './known-sources.ts'
import type { FilterRules } from './source-filter.ts'

/** What is counted of a source. */
export interface Counted {
  readonly address: string
  /** Datagrams since the last look, with those that the kernel dropped. */
  heard: number
  /** For so many stands one that comes through. */
  weight: number
  /** When it last was heavy; null: it is not throttled. */
  heavyAtMs: number | null
}

/** Tells the kernel what to drop. @returns false when it drops nothing. */
export type SetFilter = (rules: FilterRules) => boolean

export class Throttle {
  readonly #known: KnownSources
  readonly #setFilter: SetFilter
  /** All strangers but those that are throttled by name. */
  readonly #others: Counted = { address: '', heard: 0, weight: 1, heavyAtMs: null }
  #named: Counted[] = []
  /** What the kernel was told last, and whether it does so. */
  #told = ' '
  #isInForce = false
  #lookedAtMs = 0

  constructor(known: KnownSources, setFilter: SetFilter) {
    this.#known = known
    this.#setFilter = setFilter
  }

  /** A datagram came through. @returns for how many it stands. */
  count(source: Counted, isKnown: boolean): number {
    if (isKnown) {
      source.heard += 1
      return 1
    }
    const counted = source.heavyAtMs === null ? this.#others : source
    source.heard += counted.weight
    if (counted === this.#others) counted.heard += counted.weight
    return counted.weight
  }

  /** It was one too many: who is heavy already is throttled at once.
   * @param source of a stranger; null: of one that has no place in memory. */
  exceeded(source: Counted | null, nowMs: number): void {
    const others = this.#others
    const seconds = Math.max(nowMs - this.#lookedAtMs, limits.floodThrottleMs) / 1_000
    const begins = (one: Counted) => one.heavyAtMs === null && isHeavy(one.heard, seconds)
    if (source !== null && begins(source) && this.#named.length < limits.floodThrottledMax) {
      source.heavyAtMs = nowMs
      // Those in the queue of the kernel came before.
      source.weight = 1
      this.#named.push(source)
      others.heard -= source.heard
      this.#tellKernel()
      return
    }
    // One that sends as much as all others together is about to be named.
    if (!begins(others) || !isHeavy(others.heard - (source?.heard ?? 0), seconds)) return
    others.heavyAtMs = nowMs
    this.#tellKernel()
    others.weight = this.#weight(limits.floodOthersOneIn)
  }

  /** Who is throttled from now on; to be called about once a second, before `heard` is set back. */
  look(strangers: Iterable<Counted>, nowMs: number): void {
    const sinceMs = this.#lookedAtMs
    const seconds = Math.max((nowMs - sinceMs) / 1_000, 0.001)
    const others = this.#others
    this.#lookedAtMs = nowMs
    this.#named = []
    for (const source of strangers) this.#judge(source, { seconds, nowMs })
    // Those that made it heavy since the last look may have been named meanwhile.
    const isDoubtful = others.heavyAtMs !== null && others.heavyAtMs > sinceMs
    judge(others, { seconds, nowMs })
    if (isDoubtful && others.heavyAtMs !== nowMs) others.heavyAtMs = null
    others.heard = 0
    this.#tellKernel()
    for (const source of this.#named) source.weight = this.#weight(limits.floodThrottledOneIn)
    others.weight = others.heavyAtMs === null ? 1 : this.#weight(limits.floodOthersOneIn)
  }

  #judge(source: Counted, at: { seconds: number; nowMs: number }): void {
    const wasNamed = source.heavyAtMs !== null
    judge(source, at)
    if (source.heavyAtMs === null) return
    const isFull = this.#named.length >= limits.floodThrottledMax
    if (isFull || this.#known.hasAddress(source.address)) {
      source.heavyAtMs = null
      return
    }
    this.#named.push(source)
    if (!wasNamed) this.#others.heard -= source.heard
  }

  #weight(oneIn: number): number {
    return this.#isInForce ? oneIn : 1
  }

  #tellKernel(): void {
    const addresses = this.#named.map(({ address }) => address).sort()
    const isForOthers = this.#others.heavyAtMs !== null
    const told = `${addresses.join()} ${isForOthers ? this.#known.version : ''}`
    if (told === this.#told) return
    this.#told = told
    const known = isForOthers ? this.#known.addresses() : []
    this.#isInForce = this.#setFilter({
      throttled: { addresses, oneIn: limits.floodThrottledOneIn },
      others: isForOthers ? { known, oneIn: limits.floodOthersOneIn } : null,
    })
  }
}

function isHeavy(heard: number, seconds: number): boolean {
  return heard >= limits.floodThrottlePerSecond * seconds
}

function judge(source: Counted, { seconds, nowMs }: { seconds: number; nowMs: number }): void {
  if (isHeavy(source.heard, seconds)) source.heavyAtMs = nowMs
  else if (source.heavyAtMs !== null && nowMs - source.heavyAtMs >= limits.floodEndsMs) {
    source.heavyAtMs = null
  }
}
