//! A media unit without packets: it obeys the orders of the switch after a moment, proves its life, maps
//! inputs while it is primary, and says from when to when it sends each leg.
import type { BusMessage, BusMessageOf, MediaCommand, Role } from '../../src/bus/messages.ts'
import { limits } from '../../src/limits.ts'
import type { BusPeer } from '../../src/platform/stream.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import type { Host } from './host.ts'
import type { Process } from './process.ts'

/** Milliseconds in which an order is done: the ports of a leg are opened. */
const orderMsMin = 0.2
const orderMsMax = 3
/** The stream of a terminal is known after so long, and its mapping is corrected now and then. */
const latchMs = 100
const correctionMsMean = 120_000
const statisticsMs = 1_000

interface SimLeg {
  record: WiredMedia
  /** Its ports are open. */
  open: boolean
}

export class MediaProcess {
  readonly process: Process
  readonly #host: Host
  readonly legs = new Map<string, SimLeg>()
  readonly #changed: () => void
  readonly #bridges = new Set<number>()
  #switch: BusPeer | null = null
  #pair: BusPeer | null = null
  #role: Role = 'starting'
  #offsetMs = 0
  #lastDoneMs = 0

  /** @param changed what it sends may be another now. */
  constructor(host: Host, process: Process, changed: () => void) {
    this.#host = host
    this.process = process
    this.#changed = changed
  }

  get role(): Role {
    return this.#role
  }

  /** The process died: what it knew is gone. */
  forget(): void {
    this.legs.clear()
    this.#bridges.clear()
    this.#switch = null
    this.#pair = null
    this.#role = 'starting'
    this.#lastDoneMs = 0
  }

  start(): void {
    this.#every(limits.heartbeatMs, () => this.#sayAlive())
    this.#every(statisticsMs, () => this.#sayStatistics())
    this.#changed()
  }

  /** Whether packets of this leg leave here now. */
  sends(mediaId: string): boolean {
    const leg = this.legs.get(mediaId)
    if (leg === undefined || !leg.open || !this.process.active) return false
    return isSpoken(leg.record) && (leg.record.twin || this.#role === 'primary')
  }

  /** The leg is here and nothing is to be sent on it: the call is held. */
  holds(mediaId: string): boolean {
    const leg = this.legs.get(mediaId)
    return leg !== undefined && this.process.active && !isSpoken(leg.record)
  }

  get tick(): number {
    return Math.floor((this.#host.clock.monotonicMs() + this.#offsetMs) / limits.tickMs)
  }

  connectPair(peer: BusPeer): void {
    this.#pair = peer
    peer.onMessage((message) => this.#take(message))
    peer.onClose(() => {
      if (this.#pair === peer) this.#pair = null
    })
  }

  connectSwitch(peer: BusPeer): void {
    this.#switch = peer
    peer.onMessage((message) => this.#take(message))
    peer.onClose(() => {
      if (this.#switch === peer) this.#switch = null
    })
  }

  #take(message: BusMessage): void {
    switch (message.kind) {
      case 'role': {
        this.#role = message.role
        this.#changed()
        return
      }
      case 'clock': {
        this.#offsetMs = message.offsetMs
        return
      }
      default:
        if (isCommand(message)) this.#order(message)
    }
  }

  /** Orders are done in their turn. */
  #order(command: MediaCommand): void {
    const { timeline, random } = this.#host
    const atMs = timeline.nowMs + random.between(orderMsMin, orderMsMax)
    this.#lastDoneMs = Math.max(this.#lastDoneMs, atMs)
    const peer = this.#switch
    this.process.timer(this.#lastDoneMs, () => {
      const problem = this.#perform(command)
      const detail = problem ?? ''
      peer?.send({ kind: 'media-response', ref: command.ref, ok: problem === null, detail })
      this.#changed()
    })
  }

  #perform(command: MediaCommand): string | null {
    switch (command.kind) {
      case 'conference-create': {
        this.#bridges.add(command.conferenceId)
        return null
      }
      case 'conference-destroy': {
        for (const [id, leg] of this.legs) {
          if (leg.record.conferenceId === command.conferenceId) this.#remove(id)
        }
        this.#endEmpty(command.conferenceId)
        return null
      }
      case 'member-add':
      case 'member-update':
        return this.#put(command.leg)
      case 'member-delete': {
        this.#remove(command.mediaId)
        return null
      }
      case 'conference-set':
        return this.#reconcile(command)
    }
  }

  #put(record: WiredMedia): string | null {
    const existing = this.legs.get(record.mediaId)
    if (existing !== undefined && existing.record.localPort !== record.localPort) {
      return `${record.mediaId} has another port`
    }
    const taken = [...this.legs.values()].some(
      (leg) => leg.record.localPort === record.localPort && leg !== existing,
    )
    if (taken) return `port ${record.localPort}: is in use`
    this.#bridges.add(record.conferenceId)
    if (existing !== undefined) existing.record = record
    else {
      this.legs.set(record.mediaId, { record, open: true })
      this.#latch(record.mediaId)
    }
    return null
  }

  #remove(mediaId: string): void {
    const leg = this.legs.get(mediaId)
    this.legs.delete(mediaId)
    if (leg !== undefined) this.#endEmpty(leg.record.conferenceId)
  }

  #endEmpty(conferenceId: number): void {
    const used = [...this.legs.values()].some((leg) => leg.record.conferenceId === conferenceId)
    if (used || !this.#bridges.delete(conferenceId)) return
    this.#switch?.send({ kind: 'conference-ended', conferenceId })
  }

  #reconcile({ legs }: BusMessageOf<'conference-set'>): string | null {
    const wanted = new Map(legs.map((leg) => [leg.mediaId, leg.localPort]))
    for (const [id, { record }] of [...this.legs]) {
      if (wanted.get(id) !== record.localPort) this.#remove(id)
    }
    let problem: string | null = null
    for (const leg of legs) problem ??= this.#put(leg)
    return problem
  }

  /** The terminal talks: the primary maps its stream to ticks, once and now and then again. */
  #latch(mediaId: string): void {
    const { random } = this.#host
    const map = () => {
      const leg = this.legs.get(mediaId)
      if (leg === undefined) return
      if (this.#role === 'primary' && this.process.active && leg.record.direction !== 'sendonly') {
        const { tick } = this
        const fromTick = tick + limits.decisionLeadTicks
        const numbers = { ssrc: leg.record.localPort, timestamp: tick * limits.samplesPerTick }
        this.#switch?.send({
          kind: 'input-mapped',
          mediaId,
          map: { ...numbers, tick, fromTick },
        })
      }
      this.#later(random.exponential(correctionMsMean), map)
    }
    this.#later(latchMs, map)
  }

  #sayAlive(): void {
    this.#pair?.send({ kind: 'media-alive', counter: this.tick, tick: this.tick })
  }

  #sayStatistics(): void {
    this.#switch?.send({
      kind: 'media-statistics',
      tick: this.tick,
      legs: this.legs.size,
      conferences: this.#bridges.size,
      backend: 'ffi',
      realtime: true,
      packetsReceived: 0,
      packetsSent: 0,
      packetsLate: 0,
      packetsLost: 0,
      packetsRefused: 0,
      ticksLate: 0,
      tickLateMsMax: 0,
      workUsMean: 0,
    })
  }

  #every(ms: number, run: () => void): void {
    const turn = () => {
      run()
      this.#later(ms, turn)
    }
    this.#later(ms, turn)
  }

  #later(inMs: number, run: () => void): void {
    const { clock } = this.#host
    this.process.timer(this.#host.virtualMs(clock.monotonicMs() + inMs), run)
  }
}

/** Voice is to be sent to this terminal. */
export function isSpoken({ direction }: Pick<WiredMedia, 'direction'>): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

function isCommand(message: BusMessage): message is MediaCommand {
  if (message.kind === 'conference-ended') return false
  return message.kind.startsWith('conference-') || message.kind.startsWith('member-')
}
