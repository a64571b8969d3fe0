//! Carries the decision out: owns the state, gives it events, and performs its effects through the few
//! functions it is given. Still without sockets and clocks, so that tests can drive it.
import type { BusMessage, BusMessageOf, DecisionRecord } from '../bus/messages.ts'
import type { ForeignHeartbeat } from '../wire/heartbeat.ts'
import type { Heartbeat } from '../wire/heartbeat-types.ts'
import { heartbeatOf } from './beat.ts'
import { startPair, step } from './decision.ts'
import { Farewell } from './farewell.ts'
import { type KeptState, writeKept } from './kept-state.ts'
import { Lender } from './lender.ts'
import { lastHeardAt } from './links.ts'
import {
  addExchange,
  follow,
  forgetPeer,
  hold,
  newPairClock,
  type PairClock,
  shift,
} from './pair-clock.ts'
import type { PairEffect, PairEvent, PairOptions, PairState } from './state.ts'
import { pairStatus } from './status.ts'
import { isAlone, lostMs } from './turn.ts'

/** Everything the pair unit does to the world. */
export interface PairOutlets {
  now(): number
  wallMs(): number
  sendLink(link: number, heartbeat: Heartbeat): void
  toSwitch(message: BusMessage): void
  toMedia(message: BusMessage): void
  /** Speaks ARP for a service address that floats. */
  toSupervisor(message: BusMessage): void
  persist(text: string): void
  log(level: 'info' | 'warn', text: string, fields: Readonly<Record<string, unknown>>): void
}

interface PairIdentity {
  readonly options: PairOptions
  readonly bootId: string
  readonly kept: KeptState
  readonly realtime: boolean
  /** The pair clock of a pair unit that died a moment ago on this machine. */
  readonly clock?: PairClock | null
}

interface Echo {
  /** Peer's `sentAt` of the newest datagram on the link, in its pair time; zero: none. */
  sentAt: number
  /** When it came, in own pair time. */
  receivedAt: number
}

interface Sent {
  readonly number: number
  /** CLOCK_MONOTONIC. */
  readonly atMs: number
}

const decisionsMax = 32
/** Own send times that an answer may echo: some periods of all links and extra heartbeats. */
const sentTimesMax = 128

export class PairRunner {
  #state: PairState
  #clock: PairClock
  #sequence = 0
  #decisions: DecisionRecord[] = []
  /** Our last sends, by their pair time. */
  readonly #sent = new Map<number, Sent>()
  #clockTold = ''
  readonly #lender: Lender
  readonly #farewell = new Farewell()
  #peerServedAt: number | null = null
  /** This node gives its sessions to the peer, whose clock is not measured yet. */
  #shifting = false
  readonly #echoes: Echo[]
  readonly #identity: PairIdentity
  readonly #out: PairOutlets

  constructor(identity: PairIdentity, outlets: PairOutlets) {
    this.#identity = identity
    this.#out = outlets
    const now = outlets.now()
    this.#state = startPair(identity.options, identity.kept, now)
    this.#clock = identity.clock ?? newPairClock(now)
    this.#lender = new Lender(lostMs(identity.options), outlets)
    this.#echoes = identity.options.links.map(() => ({ sentAt: 0, receivedAt: 0 }))
  }

  get state(): PairState {
    return this.#state
  }

  get clock(): PairClock {
    return this.#clock
  }

  /** An authentic datagram came on a link. */
  received(link: number, value: Heartbeat | ForeignHeartbeat): void {
    if (value.kind !== 'foreign') this.heard(link, value)
    else this.#take({ kind: 'heard-foreign', now: this.#out.now(), link, value })
  }

  heard(link: number, value: Heartbeat): void {
    const now = this.#out.now()
    // What has our own boot id is our own, come back.
    const isOurs = value.bootId === this.#identity.bootId
    const isAnswer = value.echoSentAt !== 0 && !isOurs
    const answered = isAnswer ? this.#sent.get(value.echoSentAt) : undefined
    const answers = answered?.number ?? 0
    const ageMsMax = answered === undefined ? Number.POSITIVE_INFINITY : now - answered.atMs
    const { boots, dropped, peerLost } = this.#state
    // What was measured before tells nothing of two clocks that ran apart.
    const clock = this.#clock
    if (peerLost) this.#clock = forgetPeer(this.#clock)
    // What is sent because of it answers it already.
    const accept = () => this.#echo(link, value.sentAt, now + this.#clock.offsetMs)
    this.#take({ kind: 'heard', now, link, value, answers, ageMsMax }, accept)
    if (this.#state.dropped !== dropped) {
      this.#clock = clock
      return
    }
    if (this.#state.boots.current !== boots.current) this.#clock = forgetPeer(this.#clock)
    // The clock may have moved.
    accept()
    const receivedAt = now + this.#clock.offsetMs
    if (answers > 0) this.#measure(link, value, receivedAt)
    if (answers > 0 && this.#shifting) this.#keepClock(now)
  }

  #echo(link: number, sentAt: number, receivedAt: number): void {
    const echo = this.#echoes[link]
    if (echo !== undefined) Object.assign(echo, { sentAt, receivedAt })
  }

  /** Any other event. */
  happen(event: PairEvent): void {
    this.#take(event)
    this.#lender.note(event)
    if (event.kind === 'period') {
      this.#keepClock(event.now)
      this.tellStatus()
    }
  }

  /** The role and clock as a unit must know them when it connects. */
  introduction(): BusMessage[] {
    const { role, term } = this.#state
    return [this.#roleMessage({ role, term, because: 'as it is' }), this.#clockMessage()]
  }

  tellStatus(): void {
    const facts = {
      bootId: this.#identity.bootId,
      clock: this.#clock,
      realtime: this.#identity.realtime,
      decisions: this.#decisions,
    }
    this.#out.toSwitch(pairStatus(this.#state, facts, this.#out.now()))
  }

  /** @param accepted called before anything follows from it, unless the event changes nothing. */
  #take(event: PairEvent, accepted: () => void = () => {}): void {
    const before = this.#state
    const { state, effects } = step(before, event)
    this.#state = state
    if (state.dropped === before.dropped) accepted()
    const { peer } = state
    // The goodbye of a dead switch carries zero, which is no sign of life.
    if (peer?.role === 'primary' && peer.switch.counter > 0) {
      this.#peerServedAt = peer.switch.advancedAt
    }
    for (const effect of effects) this.#perform(effect)
    if (this.#farewell.endsWith(event)) this.#sayGoodbye()
    // A term that was adopted: what the peer relays to the media unit is of that one.
    const adopted = state.term !== before.term && state.role === before.role
    if (adopted) {
      const { role, term } = state
      this.#out.toMedia(this.#roleMessage({ role, term, because: 'a newer term' }))
    }
    const changed = state.role !== before.role || state.alarms !== before.alarms
    if (changed || state.pause !== before.pause || state.term !== before.term) this.tellStatus()
  }

  #perform(effect: PairEffect): void {
    switch (effect.kind) {
      case 'send': {
        if (effect.afterSwitch) this.#farewell.begin(this.#lender.untilMs)
        if (!this.#farewell.waits) this.#sendAndLend(effect.heartbeat)
        return
      }
      case 'role': {
        if (effect.merge === 'give') this.#shifting = true
        else if (effect.role !== 'standby') this.#shifting = false
        // Who gives its sessions hears of the measured clock after its role.
        if (!this.#shifting) this.#keepClock(this.#out.now())
        const { kind: _kind, ...word } = effect
        const message = this.#roleMessage(word)
        this.#out.toMedia(message)
        this.#out.toSupervisor(message)
        this.#out.toSwitch(message)
        this.#out.log('info', 'role', { ...message })
        if (this.#shifting) this.#keepClock(this.#out.now())
        return
      }
      case 'persist': {
        const { term, boots, pause, served } = this.#state
        const { current: currentBoot, ended: endedBoots } = boots
        this.#out.persist(writeKept({ term, currentBoot, endedBoots, pause, served }))
        return
      }
      case 'flush': {
        this.#out.toSwitch({ kind: 'flush', ref: effect.ref })
        return
      }
      case 'operation-result': {
        this.#out.toSwitch(effect)
        return
      }
      case 'alarm': {
        this.#out.log(effect.change.active ? 'warn' : 'info', 'alarm', { ...effect.change })
        return
      }
      case 'decision': {
        const { atMs: monotonicMs } = effect.record
        const pairMs = monotonicMs + this.#clock.offsetMs
        const record = { ...effect.record, atMs: this.#out.wallMs(), monotonicMs, pairMs }
        this.#decisions = [...this.#decisions, record].slice(-decisionsMax)
        this.#out.log('info', 'decision', { ...record })
      }
    }
  }

  /** Unless this node has got another role meanwhile, which its next heartbeat says. */
  #sayGoodbye(): void {
    if (this.#state.role === 'starting') this.#sendAndLend('goodbye')
    this.#sendAndLend('heartbeat')
  }

  #sendAndLend(kind: Heartbeat['kind']): void {
    this.#lender.sending(this.#out.now())
    this.#send(kind)
    this.#lender.lend()
  }

  #send(kind: Heartbeat['kind']): void {
    for (const [link, echo] of this.#echoes.entries()) {
      const now = this.#out.now()
      const sentAt = now + this.#clock.offsetMs
      this.#sequence += 1
      this.#noteSent(sentAt, now)
      const frame = {
        kind,
        link,
        bootId: this.#identity.bootId,
        sequence: this.#sequence,
        sentAt,
        echoSentAt: echo.sentAt,
        echoReceivedAt: echo.receivedAt,
      }
      this.#out.sendLink(link, heartbeatOf(this.#state, now, frame))
    }
  }

  #noteSent(sentAt: number, atMs: number): void {
    this.#sent.delete(sentAt)
    this.#sent.set(sentAt, { number: this.#sequence, atMs })
    for (const [time, { number }] of this.#sent) {
      if (number > this.#sequence - sentTimesMax) return
      this.#sent.delete(time)
    }
  }

  #measure(link: number, value: Heartbeat, receivedAt: number): void {
    const times = {
      ownSentAt: value.echoSentAt,
      peerReceivedAt: value.echoReceivedAt,
      peerSentAt: value.sentAt,
      ownReceivedAt: receivedAt,
    }
    const held = times.peerSentAt - times.peerReceivedAt
    const rttMs = receivedAt - value.echoSentAt - held
    if (!(rttMs >= 0 && held >= 0)) return
    this.#clock = addExchange(this.#clock, times)
    const links = this.#state.links.map((one, index) => (index === link ? { ...one, rttMs } : one))
    this.#state = { ...this.#state, links }
  }

  #keepClock(now: number): void {
    const { role, peer } = this.#state
    if (this.#shifting) {
      this.#shiftClock()
      return
    }
    if (role === 'standby' && peer?.role === 'primary') {
      const moved = follow(this.#clock, now)
      this.#clock = moved.clock
      if (moved.stepped) this.#forgetTimes()
    } else this.#clock = hold(this.#clock, now, role === 'primary')
    this.#tellClock(this.#clockMessage())
  }

  #shiftClock(): void {
    const shifted = shift(this.#clock)
    if (shifted === null) return
    this.#shifting = false
    this.#clock = shifted.clock
    if (shifted.ticks !== 0) this.#forgetTimes()
    this.#tellClock({ ...this.#clockMessage(), shiftTicks: shifted.ticks })
  }

  #tellClock(message: BusMessageOf<'clock'>): void {
    const text = JSON.stringify(message)
    if (text === this.#clockTold) return
    this.#clockTold = text
    this.#out.toMedia(message)
    this.#out.toSwitch(message)
  }

  /** After a step, times from before it would measure the step. */
  #forgetTimes(): void {
    this.#sent.clear()
    for (const echo of this.#echoes) Object.assign(echo, { sentAt: 0, receivedAt: 0 })
  }

  #clockMessage(): BusMessageOf<'clock'> {
    const { offsetMs, synchronised } = this.#clock
    return { kind: 'clock', offsetMs, synchronised }
  }

  #roleMessage(word: Omit<PairEffect & { kind: 'role' }, 'kind'>): BusMessage {
    const peerServedAtMs = this.#peerServedAt
    const alone = word.role === this.#state.role && isAlone(this.#state)
    return { kind: 'role', alone, peerServedAtMs, ...word }
  }
}

/** When time alone may change something before the next period: the peer will count as lost unless it
 * is heard, an operation has run out of time. Null: nothing is due. */
export function nextCheckAt(state: PairState): number | null {
  const last = lastHeardAt(state.links)
  const lossAt = state.peerLost || last === null ? null : last + lostMs(state.options)
  const deadlineAt = state.operation?.deadlineAt ?? null
  if (lossAt === null || deadlineAt === null) return lossAt ?? deadlineAt
  return Math.min(lossAt, deadlineAt)
}
