//! The SIP port before the core: what is over the budget of its source is dropped here, on either node, and
//! the operator hears of it. What strangers say waits for what telephones say (ADR 0034).

import { limits } from '../limits.ts'
import type { AlarmReport } from '../oam/alarm-list.ts'
import { nextTurn } from '../platform/turns.ts'
import type { DatagramSocket } from '../platform/udp.ts'
import type { CoreCounters } from '../switching/core-types.ts'
import { FloodGate } from '../switching/flood/flood-gate.ts'
import { KnownSources } from '../switching/flood/known-sources.ts'
import { type FilterRules, filterProgram } from '../switching/flood/source-filter.ts'
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
  /** Of strangers, the oldest first. */
  #waiting: { bytes: Uint8Array; from: Endpoint }[] = []
  #isServing = false
  #socket: Pick<DatagramSocket, 'filter'> | null = null
  #refused = 0
  #refusedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: FrontDoorParts) {
    this.#parts = parts
    const known = this.#known
    this.#gate = new FloodGate(known, (rules) => this.#throttle(rules))
    parts.tables.onChange(({ address: { table } }, previous, next) => {
      if (table === 'user') known.userChanged(previous as User | null, next as User | null)
      else if (table === 'wired-conference') {
        known.sessionChanged(previous as Conference | null, next as Conference | null)
      }
    })
  }

  /** The SIP port, in which the kernel drops most of what strangers send that are throttled (ADR 0034). */
  attach(socket: Pick<DatagramSocket, 'filter'>): void {
    this.#socket = socket
  }

  /** A datagram on the SIP port. */
  take(bytes: Uint8Array, from: Endpoint, nowMs: number): void {
    if (!this.#gate.admit(bytes, from, nowMs)) return
    if (this.#known.hasAddress(from.address)) this.#parts.receive(bytes, from)
    else if (this.#waiting.push({ bytes, from }) > limits.floodWaitingMax) this.#waiting.shift()
    if (this.#waiting.length > 0 && !this.#isServing) void this.#serveStrangers()
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

  /** One in each turn of the loop, so that the socket is read in between: there telephones may wait, and who
   * floods is seen before most of it has been answered. */
  async #serveStrangers(): Promise<void> {
    this.#isServing = true
    for (;;) {
      await nextTurn()
      const next = this.#waiting.shift()
      if (next === undefined) break
      this.#parts.receive(next.bytes, next.from)
    }
    this.#isServing = false
  }

  #throttle(rules: FilterRules): boolean {
    const throttled = new Set(rules.throttled.addresses)
    this.#waiting = this.#waiting.filter(({ from }) => !throttled.has(from.address))
    const program = filterProgram(rules)
    return this.#socket?.filter(program) === true && program !== null
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
