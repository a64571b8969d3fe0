//! Asks the other systems whether they are there, by OPTIONS (RFC 3261 11), on the primary only. What is known
//! is in table 2 for both nodes: a new primary begins with it, and asks anew (ADR 0031).
import { limits } from '../../limits.ts'
import { keyOfTrunk, trunkOfKey } from '../../tables/position.ts'
import type { Endpoint, SipRequest } from '../../wire/sip/message.ts'
import { Deadlines } from '../deadlines.ts'
import { ownContact } from '../dialog/dialog.ts'
import type { CoreEffect, Now } from '../effects.ts'
import type { TrunkPlan } from '../plan.ts'
import { allowHeader, supportedHeader } from '../registrar/capabilities.ts'
import type { TransactionEvent } from '../transaction/layer-types.ts'
import type { Exchange } from '../wired/exchange.ts'
import { placeOf } from './places.ts'
import { isUncertain, newProbing, type ProbeEvent, type Probing, stepProbing } from './probing.ts'

/** A trunk as it is shown. */
export interface TrunkState {
  readonly name: string
  readonly displayName: string
  /** `unwatched`: it is not asked. */
  readonly state: Probing['state'] | 'unwatched'
  /** `address:port`; null: the gateway is not registered. */
  readonly place: string | null
  readonly calls: number
  readonly capacity: number
}

export class TrunkProber {
  readonly #exchange: Exchange
  readonly #probings = new Map<string, Probing>()
  /** Trunk of each open OPTIONS. */
  readonly #open = new Map<string, string>()
  readonly #deadlines = new Deadlines<'ask' | 'silent'>()
  #isNew = false

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** The node serves, or the site has changed: `advance` asks all that are to be asked. */
  changed(): void {
    this.#isNew = true
  }

  #begin(now: Now): void {
    this.#isNew = false
    const { trunks } = this.#exchange.plan
    const wanted = new Set(trunks.filter(isWatched).map(({ name }) => name))
    for (const name of [...this.#probings.keys()]) if (!wanted.has(name)) this.#forget(name)
    const { position } = this.#exchange.options.tables
    for (const { position: key } of [...position.values()]) {
      const name = trunkOfKey(key)
      if (name !== null && !wanted.has(name)) position.delete(key)
    }
    let delayMs = 0
    for (const name of wanted) {
      if (this.#probings.has(name)) continue
      this.#probings.set(name, { ...newProbing(now.monotonicMs), state: this.#known(name) })
      this.#deadlines.start(name, 'ask', now.monotonicMs + delayMs)
      // Not all in one moment.
      delayMs += limits.trunkProbeStaggerMs
    }
  }

  clear(): void {
    this.#probings.clear()
    this.#open.clear()
    this.#deadlines.clear()
    this.#isNew = false
  }

  /** What both nodes know. */
  #known(name: string): Probing['state'] {
    const record = this.#exchange.options.tables.position.get(keyOfTrunk(name))
    if (record === undefined) return 'unknown'
    return record.connection === 'connected' ? 'up' : 'down'
  }

  isThere(name: string): boolean {
    return (this.#probings.get(name)?.state ?? this.#known(name)) !== 'down'
  }

  nextMs(): number | null {
    return this.#isNew ? 0 : this.#deadlines.nextMs()
  }

  advance(now: Now): CoreEffect[] {
    if (this.#isNew) this.#begin(now)
    const effects: CoreEffect[] = []
    const { monotonicMs } = now
    for (
      let due = this.#deadlines.take(monotonicMs);
      due !== null;
      due = this.#deadlines.take(monotonicMs)
    ) {
      if (due.name === 'ask') effects.push(...this.#ask(due.owner, now))
      else effects.push(...this.#told(due.owner, 'missed', now))
    }
    return effects
  }

  /** The end of a transaction. @returns null when it is none of a probe. */
  answered(event: TransactionEvent, now: Now): CoreEffect[] | null {
    if (event.kind !== 'response' && event.kind !== 'timeout') return null
    const name = this.#open.get(event.id)
    if (name === undefined) return null
    if (event.kind === 'timeout') {
      this.#open.delete(event.id)
      return []
    }
    const { status } = event.response
    if (status < 200) return []
    this.#open.delete(event.id)
    if (!this.#deadlines.stop(name, 'silent')) return []
    // Whatever it says, it is there; but for what a proxy says of the system behind it.
    const isAway = status === 408 || status === 503 || status === 504
    return this.#told(name, isAway ? 'missed' : 'answered', now)
  }

  /** For people. */
  states(nowWallMs: number): TrunkState[] {
    const { plan, options, trunkLoad } = this.#exchange
    return plan.trunks.map((trunk) => {
      const place = placeOf(trunk, { plan, tables: options.tables }, nowWallMs)
      return {
        name: trunk.name,
        displayName: trunk.displayName,
        state: isWatched(trunk)
          ? (this.#probings.get(trunk.name)?.state ?? this.#known(trunk.name))
          : 'unwatched',
        place: place === null ? null : `${place.address}:${place.port}`,
        calls: trunkLoad.of(trunk.name),
        capacity: trunk.capacity,
      }
    })
  }

  #ask(name: string, now: Now): CoreEffect[] {
    const trunk = this.#exchange.plan.trunks.find((one) => one.name === name)
    if (trunk === undefined || !isWatched(trunk)) return []
    const { plan, options, layer } = this.#exchange
    const place = placeOf(trunk, { plan, tables: options.tables }, now.wallMs)
    if (place === null) return this.#told(name, 'missed', now)
    const request = optionsTo(trunk, place, this.#exchange)
    const { id, output } = layer.request(request, place, now.monotonicMs)
    this.#open.set(id, name)
    this.#deadlines.start(name, 'silent', now.monotonicMs + trunk.responseSeconds * 1000)
    return output.send.map((outgoing) => {
      return { kind: 'send', session: '', outgoing, afterReplication: false }
    })
  }

  #told(name: string, event: ProbeEvent, now: Now): CoreEffect[] {
    const before = this.#probings.get(name)
    const trunk = this.#exchange.plan.trunks.find((one) => one.name === name)
    if (before === undefined || trunk === undefined) return []
    const after = stepProbing(before, event, now.monotonicMs)
    this.#probings.set(name, after)
    const periodMs = trunk.optionsSeconds * 1000
    const waitMs = isUncertain(after) ? Math.min(periodMs, limits.trunkProbeAgainMs) : periodMs
    this.#deadlines.start(name, 'ask', now.monotonicMs + waitMs)
    if (after.state === before.state) return []
    this.#exchange.options.tables.position.put({
      position: keyOfTrunk(name),
      loginName: '',
      connection: after.state === 'up' ? 'connected' : 'disconnected',
      expiresAtMs: 0,
    })
    const level = after.state === 'down' ? 'warn' : 'info'
    const fields = { trunk: name, state: after.state }
    return [{ kind: 'log', level, text: 'a trunk has changed', fields }]
  }

  #forget(name: string): void {
    this.#probings.delete(name)
    this.#deadlines.stop(name, 'ask')
    this.#deadlines.stop(name, 'silent')
  }
}

function isWatched({ optionsSeconds }: TrunkPlan): boolean {
  return optionsSeconds > 0
}

function optionsTo({ name }: TrunkPlan, place: Endpoint, { options }: Exchange): SipRequest {
  const own = ownContact(options, name)
  const host = place.address.includes(':') ? `[${place.address}]` : place.address
  const uri = { ...own.uri, user: null, host, port: place.port }
  const token = options.newToken()
  return {
    kind: 'request',
    method: 'OPTIONS',
    uri,
    via: [],
    from: { ...own, parameters: new Map([['tag', token]]) },
    to: { displayName: null, uri, parameters: new Map() },
    callId: `${options.newToken()}@${options.address}`,
    cseq: { number: 1, method: 'OPTIONS' },
    contact: [own],
    route: [],
    recordRoute: [],
    maxForwards: limits.sipMaxForwards,
    headers: [allowHeader, supportedHeader, { name: 'Accept', value: 'application/sdp' }],
    body: '',
  }
}
