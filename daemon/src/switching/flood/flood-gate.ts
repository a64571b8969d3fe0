//! Who may say how much (ADR 0023): the first thing that happens to a datagram on the SIP port, before it is
//! parsed, on either node. Each source has a budget, strangers one together beside it; what is over it is
//! dropped, but for what belongs to a call or a registration of a telephone at that address.
import { limits } from '../../limits.ts'
import type { Endpoint } from '../../wire/sip/message.ts'
import { callIdIn } from './call-id.ts'
import type { KnownSources } from './known-sources.ts'
import { type Counted, type SetFilter, Throttle } from './throttle.ts'

/** A token bucket and what became of its source. */
interface Source extends Counted {
  tokens: number
  atMs: number
  /** Of those since the last look, here or by the kernel. */
  dropped: number
  /** Last look that found a flood; null: none yet, or it has ended. */
  floodAtMs: number | null
  detail: string
}

interface Flood {
  readonly address: string
  readonly detail: string
}

/** Sources that are told by name; the others are one. */
const others = 'other addresses'

export class FloodGate {
  readonly #known: KnownSources
  readonly #strangers = new Map<string, Source>()
  /** By address and port. */
  readonly #phones = new Map<string, Source>()
  /** For calls and registrations of telephones whose budget is used up. */
  readonly #reserves = new Map<string, Source>()
  readonly #all = newSource(others, 0)
  /** Of strangers for whom the table has no room, and what the kernel drops of all that have no name. */
  readonly #rest = newSource(others, 0)
  readonly #throttle: Throttle
  #lookedAtMs = 0
  #dropped = 0

  constructor(known: KnownSources, setFilter: SetFilter = () => false) {
    this.#known = known
    this.#throttle = new Throttle(known, setFilter)
    this.#all.tokens = limits.floodStrangersBurst
  }

  /** Datagrams dropped since the start, and about those that the kernel dropped. */
  get dropped(): number {
    return this.#dropped
  }

  /** Sources in memory. */
  get size(): number {
    return this.#strangers.size + this.#phones.size + this.#reserves.size
  }

  /** @returns false: the datagram is dropped. */
  admit(bytes: Uint8Array, from: Endpoint, nowMs: number): boolean {
    // Who may say much in one datagram may say fewer of them.
    const cost = 1 + Math.floor(bytes.length / limits.floodTokenBytes)
    const budget = this.#known.budgetOf(from)
    const isStranger = budget === 0
    const source = isStranger ? this.#stranger(from, nowMs) : this.#phone(from, budget, nowMs)
    const isKnown = this.#known.hasAddress(from.address)
    const weight = this.#throttle.count(source, isKnown)
    const isIn =
      (isStranger
        ? this.#takeOfStranger(source, cost, nowMs)
        : take(source, cost, { rate: budget, burst: budgetBurst(budget), nowMs })) ||
      (isKnown && this.#belongsToCall(bytes, from, nowMs))
    // What the kernel drops of all others together is blamed on none of them by name.
    const blamed = source.heavyAtMs === null ? this.#rest : source
    blamed.dropped += weight - 1
    if (!isIn) source.dropped += 1
    this.#dropped += isIn ? weight - 1 : weight
    if (!isIn && !isKnown) this.#throttle.exceeded(source === this.#rest ? null : source, nowMs)
    return isIn
  }

  /** To be called about once a second. @returns floods that are under way, the largest first. */
  look(nowMs: number): Flood[] {
    const seconds = Math.max((nowMs - this.#lookedAtMs) / 1_000, 0.001)
    this.#lookedAtMs = nowMs
    this.#throttle.look(this.#strangers.values(), nowMs)
    const floods: { source: Source; dropped: number }[] = []
    for (const sources of [this.#strangers, this.#phones]) {
      for (const [key, source] of sources) {
        const { dropped } = source
        if (judge(source, { seconds, nowMs })) floods.push({ source, dropped })
        else if (nowMs - source.atMs > limits.floodForgetMs) sources.delete(key)
      }
    }
    for (const [key, { atMs }] of this.#reserves) {
      if (nowMs - atMs > limits.floodForgetMs) this.#reserves.delete(key)
    }
    floods.sort((one, other) => other.dropped - one.dropped)
    const named = floods.splice(0, limits.floodAlarmsMax).map(({ source }) => told(source))
    const isRest = judge(this.#rest, { seconds, nowMs })
    if (floods.length === 0 && !isRest) return named
    return [...named, { address: others, detail: `${floods.length} more addresses, or many` }]
  }

  #phone(from: Endpoint, budget: number, nowMs: number): Source {
    const key = `${from.address}:${from.port}`
    const known = this.#phones.get(key)
    if (known !== undefined) return known
    const source = newSource(from.address, nowMs)
    source.tokens = budgetBurst(budget)
    this.#phones.set(key, source)
    return source
  }

  #stranger({ address }: Endpoint, nowMs: number): Source {
    const known = this.#strangers.get(address)
    if (known !== undefined) return known
    if (this.#strangers.size >= limits.floodSourcesMax) return this.#rest
    const source = newSource(address, nowMs)
    source.tokens = limits.floodStrangerBurst
    this.#strangers.set(address, source)
    return source
  }

  #takeOfStranger(source: Source, cost: number, nowMs: number): boolean {
    const own =
      source.heavyAtMs === null
        ? { rate: limits.floodStrangerPerSecond, burst: limits.floodStrangerBurst, nowMs }
        : { rate: limits.floodThrottledPerSecond, burst: limits.floodThrottledPerSecond, nowMs }
    if (!take(source, cost, own)) return false
    const all = { rate: limits.floodStrangersPerSecond, burst: limits.floodStrangersBurst, nowMs }
    return take(this.#all, cost, all)
  }

  /** A BYE must get through, whoever else sends from the address of its telephone or pretends to. */
  #belongsToCall(bytes: Uint8Array, { address }: Endpoint, nowMs: number): boolean {
    const callId = callIdIn(bytes)
    if (callId === null || !this.#known.hasCallId(callId)) return false
    const rate = limits.floodPhonePerSecond
    let reserve = this.#reserves.get(callId)
    if (reserve === undefined) {
      reserve = newSource(address, nowMs)
      reserve.tokens = budgetBurst(rate)
      this.#reserves.set(callId, reserve)
    }
    return take(reserve, 1, { rate, burst: budgetBurst(rate), nowMs })
  }
}

function newSource(address: string, atMs: number): Source {
  const flood = { dropped: 0, floodAtMs: null, detail: '' }
  return { address, tokens: 0, atMs, heard: 0, weight: 1, heavyAtMs: null, ...flood }
}

/** What a telephone says at once when it starts, or a gateway when all its lines ring. */
function budgetBurst(budget: number): number {
  return budget * limits.floodBurstSeconds
}

function take(
  source: Source,
  cost: number,
  { rate, burst, nowMs }: { rate: number; burst: number; nowMs: number },
): boolean {
  const refill = (Math.max(nowMs - source.atMs, 0) * rate) / 1_000
  source.tokens = Math.min(source.tokens + refill, burst)
  source.atMs = nowMs
  if (source.tokens < cost) return false
  source.tokens -= cost
  return true
}

/** @returns whether its flood is under way. */
function judge(source: Source, { seconds, nowMs }: { seconds: number; nowMs: number }): boolean {
  const perSecond = (count: number) => Math.round(count / seconds)
  if (perSecond(source.dropped) >= limits.floodAlarmPerSecond) {
    source.floodAtMs = nowMs
    source.detail = `${perSecond(source.dropped)} of ${perSecond(source.heard)} messages a second dropped`
  } else if (source.floodAtMs !== null && nowMs - source.floodAtMs >= limits.floodEndsMs) {
    source.floodAtMs = null
  }
  source.heard = 0
  source.dropped = 0
  return source.floodAtMs !== null
}

function told({ address, detail }: Source): Flood {
  return { address, detail }
}
