//! The media unit between its bus and its engine: role, pair clock, commands, proof of life. A loop
//! (ffi-loop.ts, dgram-loop.ts) gives it the time and the messages.
import type { BusMessage, MediaCommand } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { Arena } from './arena.ts'
import { phases } from './bridge.ts'
import { MediaCommands } from './commands.ts'
import { MediaEngine } from './engine.ts'
import { Lease, type Trust } from './lease.ts'
import type { Relay } from './relay.ts'
import type { LegSockets } from './sockets.ts'

const slotMs = limits.tickMs / phases
/** Slots that a late loop makes up for, without a packet that the twin does not send: the queues of the
 * legs hold what came meanwhile. After 200 ms nobody waits for a packet, and older slots are skipped. */
const slotsMadeUpMax = 40
const aliveMs = limits.heartbeatMs
const statisticsMs = 1_000

export type BusEnd = 'pair' | 'switch'

export interface UnitOptions {
  readonly arena: Arena
  readonly sockets: LegSockets
  /** In reach mode `floating`; then it stands before the sockets. */
  readonly relay?: Relay | undefined
  readonly backend: 'ffi' | 'dgram'
  readonly realtime: boolean
  /** Silence after which the peer takes over. */
  readonly patienceMs: number
  readonly monotonicMs: () => number
  readonly wallMs: () => number
  readonly send: (to: BusEnd, message: BusMessage) => void
  /** The sign of life to the supervisor, now and then. */
  readonly pulse: () => void
  readonly say: (text: string, fields: Record<string, unknown>) => void
}

export class MediaUnit {
  readonly engine: MediaEngine
  readonly #options: UnitOptions
  readonly #commands: MediaCommands
  readonly #lease: Lease
  #trust: Trust = 'full'
  #offsetMs = 0
  /** The slot that runs next; -1: not yet set. */
  #nextSlot = -1
  #ticks = 0
  #ticksLate = 0
  #tickLateMsMax = 0
  #workMs = 0
  #workTicks = 0
  #aliveAtMs = 0
  #statisticsAtMs = 0
  /** The switch was told of legs that are not warm yet. */
  #toldCold = false

  constructor(options: UnitOptions) {
    this.#options = options
    const { arena, wallMs, send, patienceMs, relay } = options
    const sockets = relay ?? options.sockets
    const reserveTicks = relay === undefined ? 0 : limits.relayTicks
    this.#lease = new Lease(patienceMs)
    const emit = (message: BusMessage) => send('switch', message)
    this.engine = new MediaEngine({ arena, sockets, reserveTicks, wallMs, emit })
    this.engine.setClock(false, true)
    this.#commands = new MediaCommands(this.engine, sockets, (m) => send('switch', m))
  }

  /** A message of the bus. What is not for media is ignored: the units may differ in age. */
  receive(message: BusMessage): void {
    switch (message.kind) {
      case 'role': {
        this.engine.setRole(message.role, message.peerSends === true)
        this.engine.setMerge(message.merge ?? null, message.alone)
        this.#lease.role(message.role, message.alone)
        this.#options.relay?.setTerm(message.term)
        this.#options.say('role', { role: message.role, because: message.because })
        return
      }
      case 'lease': {
        this.#lease.renew(message.untilMs)
        return
      }
      case 'clock': {
        const ticks = message.shiftTicks ?? 0
        if (ticks !== 0) this.#shift(ticks)
        const movedMs = message.offsetMs - this.#offsetMs - ticks * limits.tickMs
        const isSteady = Math.abs(movedMs) < slotMs
        this.#offsetMs = message.offsetMs
        this.engine.setClock(message.synchronised, isSteady)
        if (!isSteady) this.#statisticsAtMs = 0
        return
      }
      default: {
        if (!isCommand(message)) return
        const nowMs = this.#options.monotonicMs()
        this.#commands.run(message, nowMs)
        if ('leg' in message) this.#tellCold(message.leg.mediaId, nowMs)
        if (message.kind !== 'conference-set') return
        this.#lease.legsNamed(nowMs)
        this.engine.endGiving()
        this.#sayStatistics(nowMs)
      }
    }
  }

  /** @returns CLOCK_MONOTONIC milliseconds at which `runDue` is to be called next. */
  nextDueMs(): number {
    const nowMs = this.#options.monotonicMs()
    this.#align(nowMs)
    return this.#nextSlot * slotMs - this.#offsetMs
  }

  /** Runs all slots whose time has come. */
  runDue(): void {
    const nowMs = this.#options.monotonicMs()
    this.#lookAtLease(nowMs)
    this.#align(nowMs)
    const slot = Math.floor((nowMs + this.#offsetMs) / slotMs)
    const first = this.#nextSlot
    while (this.#nextSlot <= slot) {
      const lateMs = nowMs + this.#offsetMs - this.#nextSlot * slotMs
      if (this.#nextSlot % phases === 0) this.#countTick(lateMs)
      this.engine.runSlot(this.#nextSlot, this.#nextSlot + phases <= slot)
      this.#nextSlot++
    }
    this.#options.relay?.flush(this.engine.tick)
    this.#commands.poll(nowMs)
    const doneMs = this.#options.monotonicMs()
    if (this.#nextSlot > first) this.#workMs += doneMs - nowMs
    if (doneMs >= this.#aliveAtMs) this.#sayAlive(doneMs)
    const isWarmNow = this.#toldCold && this.engine.coldLegs === 0
    if (isWarmNow || doneMs >= this.#statisticsAtMs) this.#sayStatistics(doneMs)
  }

  #shift(ticks: number): void {
    this.engine.shift(ticks)
    if (this.#nextSlot >= 0) this.#nextSlot += ticks * phases
  }

  /** Frees all ports. */
  close(): void {
    for (const leg of [...this.engine.legs.values()]) this.engine.removeLeg(leg)
  }

  /** Before anything is sent in this turn; the bus has been read. */
  #lookAtLease(nowMs: number): void {
    const { trust, stoodStill } = this.#lease.look(nowMs)
    if (stoodStill) {
      this.engine.dropWaiting()
      this.#options.relay?.forget()
    }
    if (trust === this.#trust) return
    this.#options.say('trust', { from: this.#trust, to: trust, stoodStill })
    this.#trust = trust
    this.engine.setTrust(trust)
  }

  /** Keeps the next slot near the clock: after a stall, and when the pair clock was set. */
  #align(nowMs: number): void {
    const slot = Math.floor((nowMs + this.#offsetMs) / slotMs)
    const behind = slot - this.#nextSlot
    if (this.#nextSlot < 0 || behind < -phases) {
      this.#nextSlot = slot + 1
    } else if (behind > slotsMadeUpMax) {
      if (this.#ticks > 0) this.#countSkipped(behind)
      this.#nextSlot = slot
    }
  }

  #countSkipped(slots: number): void {
    this.#ticksLate += Math.floor(slots / phases)
    this.#tickLateMsMax = Math.max(this.#tickLateMsMax, slots * slotMs)
    // The switch shall hear at once that the legs are cold.
    this.#statisticsAtMs = 0
  }

  #countTick(lateMs: number): void {
    this.#ticks++
    this.#workTicks++
    if (lateMs > slotMs) this.#ticksLate++
    if (lateMs > this.#tickLateMsMax) this.#tickLateMsMax = lateMs
  }

  /** The counter moves only when ticks run: a loop that hangs in them is not alive. */
  #sayAlive(nowMs: number): void {
    this.#aliveAtMs = nowMs + aliveMs
    this.#options.pulse()
    this.#options.send('pair', {
      kind: 'media-alive',
      counter: this.#ticks,
      tick: this.engine.tick,
    })
  }

  /** The switch learns of the first leg that is not warm before it can call itself in step. */
  #tellCold(mediaId: string, nowMs: number): void {
    const leg = this.engine.legs.get(mediaId)
    if (leg === undefined || this.#toldCold || !this.engine.isCold(leg)) return
    this.#sayStatistics(nowMs)
  }

  #sayStatistics(nowMs: number): void {
    this.#statisticsAtMs = nowMs + statisticsMs
    const { backend, realtime, send, relay } = this.#options
    const { coldLegs } = this.engine
    this.#toldCold = coldLegs > 0
    send('switch', {
      kind: 'media-statistics',
      tick: this.engine.tick,
      ...this.engine.counters,
      coldLegs,
      backend,
      realtime,
      ticksLate: this.#ticksLate,
      tickLateMsMax: round(this.#tickLateMsMax),
      workUsMean: this.#workTicks === 0 ? 0 : round((this.#workMs * 1000) / this.#workTicks),
      relay: relay === undefined ? null : { ...relay.counters },
    })
    this.#tickLateMsMax = 0
    this.#workMs = 0
    this.#workTicks = 0
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

function isCommand(message: BusMessage): message is MediaCommand {
  if (message.kind === 'conference-ended') return false
  return message.kind.startsWith('conference-') || message.kind.startsWith('member-')
}
