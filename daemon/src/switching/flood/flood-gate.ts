//! Who may say how much (ADR 0023): the first thing that happens to a datagram on the SIP port, before it is
//! parsed, on either node. Each source has a budget, strangers one together beside it; what is over it is
//! dropped, but for what belongs to a call or a registration of a telephone at that address.
import { limits } from '../../limits.ts'
import type { Endpoint } from '../../wire/sip/message.ts'
import { callIdIn } from './call-id.ts'
import type { KnownSources } from './known-sources.ts'

/** A token bucket and what became of its source. */
interface Source {
  readonly address: string
  tokens: number
  atMs: number
  /** Datagrams since the last look, and those of them that were dropped. */
  heard: number
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
  /** Of strangers for whom the table has no room. */
  readonly #rest = newSource(others, 0)
  #lookedAtMs = 0
  #dropped = 0

  constructor(known: KnownSources) {
    this.#known = known
    this.#all.tokens = limits.floodStrangersBurst
  }

  /** Datagrams dropped since the start. */
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
    const source = budget > 0 ? this.#phone(from, budget, nowMs) : this.#stranger(from, nowMs)
    source.heard += 1
    if (budget > 0) {
      if (take(source, cost, { rate: budget, burst: budgetBurst(budget), nowMs })) return true
    } else if (this.#takeOfStranger(source, cost, nowMs)) return true
    if (this.#known.hasAddress(from.address) && this.#belongsToCall(bytes, from, nowMs)) return true
    source.dropped += 1
    this.#dropped += 1
    return false
  }

  /** To be called about once a second. @returns floods that are under way, the largest first. */
  look(nowMs: number): Flood[] {
    const seconds = Math.max((nowMs - this.#lookedAtMs) / 1_000, 0.001)
    this.#lookedAtMs = nowMs
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
    const own = { rate: limits.floodStrangerPerSecond, burst: limits.floodStrangerBurst, nowMs }
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
  return { address, tokens: 0, atMs, heard: 0, dropped: 0, floodAtMs: null, detail: '' }
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
