//! The switching of a pair on a virtual clock: the shipped core and the shipped tables on both nodes. What the
//! primary writes is in the tables of the other one at once, and its SIP leaves when the ACK of that has come
//! (ADR 0004); each node orders its media from its own
//! tables and keeps its own call records.
import { CallLedger } from '../../src/compose/call-ledger.ts'
import { ordersFor } from '../../src/switching/bridge/media-orders.ts'
import { Core } from '../../src/switching/core.ts'
import type { CoreEffect, Now } from '../../src/switching/effects.ts'
import { Outbox } from '../../src/switching/outbox.ts'
import type { Outgoing } from '../../src/switching/transaction/layer-types.ts'
import { type RecordChange, type TableName, tableNames } from '../../src/tables/address.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import { type AnyRecord, Tables } from '../../src/tables/tables.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import type { Endpoint } from '../../src/wire/sip/message.ts'
import { NodeDisk } from '../node/disk.ts'
import type { Random } from '../world/random.ts'
import type { Planned, Timeline } from '../world/timeline.ts'
import { accounts, plan, realm, registered, service } from './site.ts'

const wallStartMs = 1_700_000_000_000
const rtpPorts = { first: 20_000, last: 20_399 }
/** Longer than a message waits for it. */
const lateAckMs = 45
/** The report of the media unit on a leg that is gone. */
const figures = {
  packetsSent: 50,
  packetsReceived: 49,
  packetsLost: 1,
  packetsLate: 0,
  jitterMsMax: 2,
  farPacketsLost: 0,
}

interface Node {
  readonly tables: Tables
  readonly core: Core
  readonly ledger: CallLedger
  readonly disk: NodeDisk
  /** Legs of its media unit. */
  readonly legs: Map<string, WiredMedia>
}

interface Outlets {
  sip(text: string, to: Endpoint): void
}

export class TwoCores {
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #out: Outlets
  #primary: Node
  #standby: Node
  /** Nobody serves since then. */
  #deadSinceMs: number | null = null
  /** What its ledger had not written is on the other node only. */
  #hasDied = false
  #term = 1
  #presses = 0
  #wake: Planned | null = null
  /** Every session that either node has known, of this block. */
  readonly sessions = new Set<string>()
  /** Of the node that serves: what has not left yet is lost with it. */
  outbox = new Outbox()
  #hasChanged = false
  #gate = 0
  readonly done = new Map<string, number>()
  takeOvers = 0

  constructor(timeline: Timeline, random: Random, outlets: Outlets) {
    this.#timeline = timeline
    this.#random = random
    this.#out = outlets
    this.#primary = this.#makeNode(new NodeDisk(), 'lower')
    this.#standby = this.#makeNode(new NodeDisk(), 'upper')
    for (const entry of accounts()) this.#primary.tables.table('phone-book').put(entry)
    for (const user of registered()) this.#primary.tables.table('user').put(user)
    this.#run(() => this.#primary.core.becomePrimary(this.now(), null, this.#term))
  }

  get nodes(): readonly Node[] {
    return [this.#primary, this.#standby]
  }

  get primary(): Node {
    return this.#primary
  }

  now(): Now {
    const monotonicMs = this.#timeline.nowMs + 1_000
    const tick = Math.floor(monotonicMs / 20)
    return { monotonicMs, wallMs: wallStartMs + monotonicMs, tick }
  }

  /** A datagram of a terminal: both nodes hear it. */
  receive(text: string, source: Endpoint): void {
    const bytes = Buffer.from(text)
    this.#standby.core.receive(bytes, source, this.now())
    if (this.#deadSinceMs !== null) return
    this.#run(() => this.#primary.core.receive(bytes, source, this.now()))
  }

  /** Both media units have heard it. */
  digit(mediaId: string, digit: string): void {
    const dialled = { mediaId, digit, mark: `press ${this.#presses++}` }
    this.#standby.core.digit(dialled, this.now())
    if (this.#deadSinceMs === null) this.#run(() => this.#primary.core.digit(dialled, this.now()))
  }

  /** Something that an operator orders. */
  order(work: (core: Core, now: Now) => CoreEffect[]): void {
    if (this.#deadSinceMs === null) this.#run(() => work(this.#primary.core, this.now()))
  }

  /** A planned switchover. */
  switchOver(): void {
    if (this.#deadSinceMs !== null) return
    if (this.outbox.size > 0) {
      // It is flushed first.
      this.#timeline.after(1, () => this.switchOver())
      return
    }
    this.#primary.core.becomeStandby()
    this.#swap(this.now().monotonicMs)
  }

  /** The primary dies; after a while the other node notices, and an empty node comes in its place. */
  kill(noticedInMs: number): void {
    if (this.#deadSinceMs !== null) return
    this.#deadSinceMs = this.now().monotonicMs
    this.#hasDied = true
    this.#timeline.after(noticedInMs, () => {
      const servedAtMs = this.#deadSinceMs ?? 0
      const { disk } = this.#primary
      this.#deadSinceMs = null
      this.#primary = this.#makeNode(disk, this.takeOvers % 2 === 0 ? 'lower' : 'upper')
      this.#catchUp()
      this.#swap(servedAtMs)
    })
  }

  /** Both nodes have the call records of both (`compose/call-exchange.ts`). */
  exchangeCalls(): void {
    if (!this.#hasDied) return
    this.#hasDied = false
    const [one, other] = [this.#primary.disk, this.#standby.disk]
    one.adoptCalls([...other.calls.values()])
    other.adoptCalls([...one.calls.values()])
  }

  /** What users have set by dialling is undone. */
  restoreAccounts(entries: readonly PhoneBookEntry[]): void {
    for (const entry of entries) this.#primary.tables.table('phone-book').put(entry)
  }

  /** The call records were looked at. */
  forgetCalls(): void {
    for (const { disk } of this.nodes) disk.calls.clear()
    this.sessions.clear()
  }

  #swap(servedAtMs: number): void {
    const former = this.#primary
    this.#primary = this.#standby
    this.#standby = former
    this.outbox = new Outbox()
    this.takeOvers += 1
    this.#term += 1
    this.#run(() => this.#primary.core.becomePrimary(this.now(), servedAtMs, this.#term))
  }

  /** The records of the one that serves, for an empty node. */
  #catchUp(): void {
    for (const name of tableNames) {
      const from = this.#standby.tables.any(name)
      const to = this.#primary.tables.any(name)
      for (let slot = 0; slot < from.slotCount; slot++) {
        const held = from.at(slot)
        if (held !== null) to.apply(held.address, held.key, held.version, held.record)
      }
    }
  }

  #run(step: () => CoreEffect[]): void {
    this.#hasChanged = false
    const effects = step()
    const gates = this.#hasChanged ? [`turn ${this.#gate++}`] : []
    const hold = { gates, nowMs: this.now().monotonicMs }
    for (const effect of effects) {
      if (effect.kind === 'send') {
        const { session, outgoing, afterReplication } = effect
        const held = afterReplication ? hold : { ...hold, gates: [] }
        this.#transmit(this.outbox.push(session, outgoing, held))
      }
      if (effect.kind === 'log') this.done.set(effect.text, (this.done.get(effect.text) ?? 0) + 1)
    }
    const [gate] = gates
    if (gate !== undefined) this.#openLater(gate)
    this.#schedule()
  }

  #transmit(messages: readonly Outgoing[]): void {
    for (const { text, to } of messages) this.#out.sip(text, to)
  }

  /** The ACK of the standby, and the answer of the media unit. */
  #openLater(gate: string): void {
    const { outbox } = this
    const isLate = this.#random.chance(0.002)
    this.#timeline.after(isLate ? lateAckMs : this.#random.whole(0, 2), () => {
      if (this.#deadSinceMs === null && outbox === this.outbox) this.#transmit(outbox.open(gate))
    })
  }

  #schedule(): void {
    const coreMs = this.#primary.core.nextTimerMs()
    if (coreMs === null) return
    const dueMs = Math.min(coreMs, this.outbox.nextTimerMs() ?? coreMs)
    const atMs = Math.max(this.#timeline.nowMs, dueMs - 1_000)
    if (this.#wake !== null && this.#wake.atMs <= atMs) return
    if (this.#wake !== null) this.#timeline.cancel(this.#wake)
    this.#wake = this.#timeline.at(atMs, () => {
      this.#wake = null
      if (this.#deadSinceMs !== null) return
      const now = this.now()
      for (const { ledger } of this.nodes) ledger.advance(now.monotonicMs, now.wallMs)
      this.#transmit(this.outbox.advance(now.monotonicMs).send)
      this.#run(() => this.#primary.core.advance(now))
    })
  }

  #makeNode(disk: NodeDisk, half: 'lower' | 'upper'): Node {
    const tables = new Tables()
    const legs = new Map<string, WiredMedia>()
    const core = this.#makeCore(tables, half)
    const ledger = new CallLedger({
      storage: {
        store: (batch, done) => done(disk.storeCalls(batch)),
        settle: (isLive, done) => done(disk.settleCalls(isLive)),
      },
      isKnown: (sessionId) => tables.table('wired-conference').has(sessionId),
      kept: () => undefined,
      interrupted: () => undefined,
    })
    const node: Node = { tables, core, ledger, disk, legs }
    tables.onChange((change, previous, next, origin) => {
      this.#changed(node, { change, previous, next, origin })
    })
    ledger.follow('standby', true, this.now().monotonicMs)
    return node
  }

  #changed(
    node: Node,
    { change, previous, next, origin }: Change & { readonly origin: 'local' | 'peer' },
  ): void {
    const { address, key } = change
    if (address.table === 'wired-conference') {
      this.sessions.add(key)
      node.ledger.sessionChanged(key, next as Conference | null)
    }
    if (address.table === 'wired-media') this.#orderMedia(node, previous, next)
    if (origin === 'peer') return
    this.#hasChanged = true
    node.tables.any(address.table).setFlag(address.slot, 'NONE')
    const other = node === this.#primary ? this.#standby : this.#primary
    other?.tables.any(address.table).apply(address, key, change.version, next)
  }

  #orderMedia(node: Node, previous: AnyRecord | null, next: AnyRecord | null): void {
    const legOf = (record: AnyRecord | null) => (record ?? undefined) as WiredMedia | undefined
    for (const order of ordersFor(legOf(previous), legOf(next))) {
      if (order.kind === 'member-add' || order.kind === 'member-update') {
        node.legs.set(order.leg.mediaId, order.leg)
      } else if (order.kind === 'member-delete') {
        node.legs.delete(order.mediaId)
        const { mediaId } = order
        if (node === this.#primary) this.#timeline.after(20, () => this.#legEnded(mediaId))
      }
    }
  }

  #legEnded(mediaId: string): void {
    this.order((core) => {
      core.legsEnded([{ mediaId, ...figures }])
      return []
    })
  }

  #makeCore(tables: Tables, half: 'lower' | 'upper'): Core {
    const core = new Core({
      tables: {
        user: tables.table('user'),
        position: tables.table('position'),
        phoneBook: tables.table('phone-book'),
        wiredConference: tables.table('wired-conference'),
        wiredMedia: tables.table('wired-media'),
        conferenceResource: tables.table('conference-resource'),
        subscription: tables.table('subscription'),
      },
      address: service,
      sipPort: 5060,
      rtpPorts,
      half,
      realm,
      secret: new Uint8Array(32).fill(7),
      newToken: () => this.#token(),
      random32: () => this.#random.u32(),
    })
    core.setPlan(plan)
    return core
  }

  #token(): string {
    const word = () => this.#random.u32().toString(16).padStart(8, '0')
    return word() + word()
  }
}

interface Change {
  readonly change: RecordChange
  readonly previous: AnyRecord | null
  readonly next: AnyRecord | null
}

/** Tables that are empty when nobody calls and nobody watches. */
export const callTables = [
  'wired-conference',
  'wired-media',
  'conference-resource',
  'subscription',
] as const satisfies readonly TableName[]
