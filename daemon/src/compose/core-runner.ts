//! Runs the core: SIP comes in and goes out, table changes become replication and media orders, and
//! what reveals a state waits in the outbox until the standby has it (ADR 0004).
import type { Role } from '../bus/messages.ts'
import type { Clock } from '../platform/clock.ts'
import type { DatagramSocket } from '../platform/udp.ts'
import type { Replicator } from '../replication/replicator.ts'
import { ordersFor } from '../switching/bridge/media-orders.ts'
import type { Core } from '../switching/core.ts'
import type { CoreEffect, MediaOrder, Now } from '../switching/effects.ts'
import { Outbox } from '../switching/outbox.ts'
import type { Outgoing } from '../switching/transaction/layer-types.ts'
import type { RecordChange } from '../tables/address.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import type { WiredMedia } from '../tables/wired-media.ts'
import type { Endpoint } from '../wire/sip/message.ts'
import type { Alarms } from './alarms.ts'
import type { CallTrace } from './call-trace.ts'
import type { LogHub } from './log-hub.ts'
import type { MediaLink } from './media-link.ts'

interface CoreRunnerParts {
  readonly core: Core
  readonly tables: Tables
  readonly replicator: Replicator
  readonly media: MediaLink
  readonly alarms: Alarms
  readonly log: LogHub
  readonly clock: Clock
  /** Tick of the pair clock. */
  tick(nowMs: number): number
  /** False: this node may no longer be what it believes to be; nothing is decided and nothing leaves. */
  mayAct(): boolean
  /** Sends the replication frames that the turn has made. */
  settle(): void
  journal(changes: readonly RecordChange[]): void
  /** Each SIP message that came or left. */
  readonly trace: Pick<CallTrace, 'keep'>
}

/** What one turn of the core changed. */
interface Turn {
  readonly changes: RecordChange[]
  readonly gates: string[]
}

/** While new work is held, this many datagrams wait; the peer hears them too. */
const heldDatagramsMax = 2_000
/** Why new work is held: a planned switchover flushes, or the role is in doubt (ADR 0015). */
type HoldReason = 'flush' | 'doubt'

export class CoreRunner {
  readonly #parts: CoreRunnerParts
  readonly #outbox = new Outbox()
  #socket: Pick<DatagramSocket, 'send'> | null = null
  #role: Role = 'starting'
  #turn: Turn | null = null
  #gate = 0
  readonly #holds = new Set<HoldReason>()
  #held: { bytes: Uint8Array; from: Endpoint }[] = []
  /** Messages that were about to leave when the role came into doubt. */
  #kept: Outgoing[] = []

  constructor(parts: CoreRunnerParts) {
    this.#parts = parts
    parts.tables.onChange((change, previous, next, origin) => {
      if (origin === 'local') this.#changed(change, previous, next)
    })
  }

  attach(socket: Pick<DatagramSocket, 'send'>): void {
    this.#socket = socket
  }

  now(): Now {
    const { clock, tick } = this.#parts
    const nowMs = clock.monotonicMs()
    return { monotonicMs: nowMs, wallMs: clock.wallMs(), tick: tick(nowMs) }
  }

  /** A datagram on the SIP port. */
  receive(bytes: Uint8Array, from: Endpoint): void {
    if (!this.#mayAct() || this.#holds.size > 0) {
      if (this.#held.length < heldDatagramsMax) this.#held.push({ bytes, from })
      return
    }
    this.#parts.trace.keep('in', bytes, from, this.#parts.clock.wallMs())
    this.run((now) => this.#parts.core.receive(bytes, from, now))
  }

  /** @param peerServedAtMs last sign of life of the peer's switch; null: none */
  setRole(role: Role, term: number, peerServedAtMs: number | null): void {
    if (role === this.#role) return
    this.#role = role
    // The peer has heard the same datagrams, and serves them.
    this.#holds.clear()
    this.#held = []
    this.#kept = []
    if (role === 'primary') {
      this.run((now) => this.#parts.core.becomePrimary(now, peerServedAtMs, term))
      return
    }
    this.#outbox.clear()
    this.#parts.core.becomeStandby()
  }

  /** Holds new work until the role moves or it is released. */
  hold(why: HoldReason): void {
    this.#holds.add(why)
  }

  release(why: HoldReason): void {
    if (!this.#holds.delete(why)) return
    if (why === 'doubt') {
      const kept = this.#kept
      this.#kept = []
      this.#transmit(kept)
    }
    if (this.#holds.size > 0) return
    const held = this.#held
    this.#held = []
    for (const { bytes, from } of held) this.receive(bytes, from)
  }

  #mayAct(): boolean {
    if (this.#role !== 'primary') return true
    const may = this.#parts.mayAct()
    if (!may) this.hold('doubt')
    return may
  }

  /** One turn: the core, then replication, then what may leave. */
  run(step: (now: Now) => readonly CoreEffect[]): void {
    const turn: Turn = { changes: [], gates: [] }
    this.#turn = turn
    const now = this.now()
    const effects = step(now)
    this.#turn = null
    const token = this.#parts.replicator.whenReplicated(turn.changes)
    if (token !== null) turn.gates.push(token)
    this.#parts.journal(turn.changes)
    for (const effect of effects) this.#perform(effect, turn, now)
    this.#parts.settle()
  }

  /** Fires what is due. */
  advance(): void {
    if (!this.#mayAct()) return
    const nowMs = this.#parts.clock.monotonicMs()
    const { send, late } = this.#outbox.advance(nowMs)
    for (const session of late) {
      this.#parts.alarms.late(session, nowMs)
    }
    this.#transmit(send)
    const due = this.#parts.core.nextTimerMs()
    if (this.#role === 'primary' && due !== null && due <= nowMs) {
      this.run((now) => this.#parts.core.advance(now))
    }
  }

  nextTimerMs(): number {
    if (this.#holds.has('doubt')) return Number.POSITIVE_INFINITY
    const core = this.#role === 'primary' ? this.#parts.core.nextTimerMs() : null
    const outbox = this.#outbox.nextTimerMs()
    return Math.min(core ?? Number.POSITIVE_INFINITY, outbox ?? Number.POSITIVE_INFINITY)
  }

  openGate(gate: string): void {
    this.#transmit(this.#outbox.open(gate))
  }

  #changed(change: RecordChange, previous: AnyRecord | null, next: AnyRecord | null): void {
    this.#parts.replicator.changed(change)
    this.#turn?.changes.push(change)
    const orders = mediaOrders(change, previous, next)
    if (orders.length === 0) return
    const gate = `media-${++this.#gate}`
    let done = false
    this.#parts.media.order(orders, () => {
      done = true
      this.openGate(gate)
    })
    if (!done) this.#turn?.gates.push(gate)
  }

  #perform(effect: CoreEffect, turn: Turn, now: Now): void {
    const { log, alarms } = this.#parts
    switch (effect.kind) {
      case 'send': {
        const gates = effect.afterReplication ? turn.gates : []
        const hold = { gates, nowMs: now.monotonicMs }
        this.#transmit(this.#outbox.push(effect.session, effect.outgoing, hold))
        return
      }
      case 'alarm':
        alarms.apply(effect.change)
        return
      case 'log':
        log[effect.level](effect.text, effect.fields)
        return
      case 'call-record':
        log.info('call ended', { ...effect.record })
        return
      default:
    }
  }

  #transmit(messages: readonly Outgoing[]): void {
    if (messages.length === 0 || this.#role !== 'primary') return
    if (!this.#mayAct()) {
      if (this.#kept.length < heldDatagramsMax) this.#kept.push(...messages)
      return
    }
    const wallMs = this.#parts.clock.wallMs()
    for (const { text, to } of messages) {
      const bytes = Buffer.from(text, 'utf8')
      this.#parts.trace.keep('out', bytes, to, wallMs)
      this.#socket?.send(bytes, to.port, to.address)
    }
  }
}

/** What a changed record of table 4 asks of the media unit. */
export function mediaOrders(
  change: RecordChange,
  previous: AnyRecord | null,
  next: AnyRecord | null,
): MediaOrder[] {
  if (change.address.table !== 'wired-media') return []
  const leg = (record: AnyRecord | null) => (record ?? undefined) as WiredMedia | undefined
  return ordersFor(leg(previous), leg(next))
}
