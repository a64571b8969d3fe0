//! The SIP port before the core: what is over the budget of its source is dropped here, on either node, and
//! the operator hears of it.
import type { AlarmReport } from '../oam/alarm-list.ts'
import type { CoreCounters } from '../switching/core-types.ts'
import { FloodGate } from '../switching/flood/flood-gate.ts'
import { KnownSources } from '../switching/flood/known-sources.ts'
import type { Tables } from '../tables/tables.ts'
import type { User } from '../tables/user.ts'
import type { Conference } from '../tables/wired-conference.ts'
import type { Endpoint } from '../wire/sip/message.ts'
import type { Alarms } from './alarms.ts'

interface FrontDoorParts {
  readonly tables: Tables
  readonly alarms: Pick<Alarms, 'reconcile'>
  counters(): Pick<CoreCounters, 'requestsRefused' | 'requestsUnsent'>
  /** Where other systems are. */
  peers(): readonly Endpoint[]
  /** A datagram that may come in. */
  receive(bytes: Uint8Array, from: Endpoint): void
}

/** The alarm of refused requests ends when there was none for this long. */
const fullMs = 60_000

export class FrontDoor {
  readonly #parts: FrontDoorParts
  readonly #gate: FloodGate
  readonly #known = new KnownSources()
  #refused = 0
  #refusedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: FrontDoorParts) {
    this.#parts = parts
    const known = this.#known
    this.#gate = new FloodGate(known)
    parts.tables.onChange(({ address: { table } }, previous, next) => {
      if (table === 'user') known.userChanged(previous as User | null, next as User | null)
      else if (table === 'wired-conference') {
        known.sessionChanged(previous as Conference | null, next as Conference | null)
      }
    })
  }

  /** A datagram on the SIP port. */
  take(bytes: Uint8Array, from: Endpoint, nowMs: number): void {
    if (this.#gate.admit(bytes, from, nowMs)) this.#parts.receive(bytes, from)
  }

  /** To be called about once a second. */
  watch(nowMs: number): void {
    this.#known.peersAre(this.#parts.peers())
    const floods = this.#gate.look(nowMs)
    const reports = floods.map(({ address, detail }) => {
      return { code: 'sip-flood', subject: address, detail }
    })
    this.#parts.alarms.reconcile('front-door', [...reports, ...this.#full(nowMs)])
  }

  #full(nowMs: number): AlarmReport[] {
    const { requestsRefused, requestsUnsent } = this.#parts.counters()
    if (requestsRefused + requestsUnsent > this.#refused) this.#refusedAtMs = nowMs
    this.#refused = requestsRefused + requestsUnsent
    if (nowMs - this.#refusedAtMs >= fullMs) return []
    const detail = `${requestsRefused} requests refused, ${requestsUnsent} not sent since start`
    return [{ code: 'transactions-full', subject: 'switch', detail }]
  }
}
