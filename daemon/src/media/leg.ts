//! One leg: the record that holds now, those that hold later, and where it stands. Its packets and its
//! samples are in the arena.
import type { WiredMedia } from '../tables/wired-media.ts'
import { type Arena, legField, legFlag, legOffset } from './arena.ts'
import type { Bridge } from './bridge.ts'
import { type EventAtTick, EventQueue } from './events.ts'
import { gainFactor } from './gain.ts'
import { InputMapper, mapAt, mergeMaps, playTimestamp } from './input-mapping.ts'
import { Reception } from './reception.ts'
import type { PeerReport } from './reports.ts'

/** Versions that wait for their tick; more than two means that the switch is not well. */
const laterMax = 4

export class Leg {
  readonly index: number
  readonly offset: number
  record: WiredMedia
  bridge: Bridge
  /** Versions whose `controlTick` has not come, in that order. */
  later: WiredMedia[] = []
  open = false
  readonly reception = new Reception()
  readonly mapper = new InputMapper()
  readonly events = new EventQueue()
  readonly eventNow: EventAtTick = {
    event: 0,
    volume: 0,
    duration: 0,
    end: false,
    ticksSinceStart: 0,
    sounding: false,
  }
  /** `eventNow` is to be sent to the others at this tick. */
  hasEvent = false
  /** Event of another member that goes out instead of voice at this tick. */
  eventOut: EventAtTick | null = null
  eventTick = 0
  readonly peerReport: PeerReport = { ssrc: 0, ntpMiddle: 0, receivedWallMs: 0, packetsLost: 0 }
  packetsSent = 0
  octetsSent = 0
  /** Its queue is read until it is empty, up to this tick. */
  drainUntilTick = 0
  /** Its terminal sends more than one packet a tick. */
  shortPackets = false

  constructor(index: number, record: WiredMedia, bridge: Bridge) {
    this.index = index
    this.offset = legOffset(index)
    this.record = record
    this.bridge = bridge
  }

  get takesVoice(): boolean {
    return this.record.direction === 'sendrecv' || this.record.direction === 'recvonly'
  }

  get givesVoice(): boolean {
    return this.record.direction === 'sendrecv' || this.record.direction === 'sendonly'
  }

  /** Takes a newer version of the record; its maps hold at once, the rest from its tick on. */
  update(record: WiredMedia): void {
    const inputMaps = mergeMaps(this.record.inputMaps, record.inputMaps)
    this.record = { ...this.record, inputMaps }
    this.later = [
      ...this.later.filter((other) => other.controlTick < record.controlTick),
      record,
    ].slice(-laterMax)
  }

  addMap(map: WiredMedia['inputMaps'][number]): void {
    this.record = { ...this.record, inputMaps: mergeMaps(this.record.inputMaps, [map]) }
  }

  /** @returns the version that holds from `tick` on, if it is another one. */
  due(tick: number): WiredMedia | null {
    let found: WiredMedia | null = null
    while (this.later[0] !== undefined && this.later[0].controlTick <= tick) {
      found = this.later.shift() ?? null
    }
    return found
  }

  /** Writes what the mixer needs for this tick. */
  prepare(arena: Arena, tick: number): void {
    const { record, offset } = this
    const map = mapAt(record.inputMaps, tick)
    const { words } = arena
    let flags = record.codec === 'PCMU' ? legFlag.muLaw : 0
    if (this.givesVoice && tick >= record.tick0) flags |= legFlag.sent
    this.hasEvent = false
    if (map !== null) {
      const position = playTimestamp(map, tick)
      flags |= legFlag.mapped
      words[(offset + legField.position) >> 2] = position - (map.timestamp & 15)
      words[(offset + legField.salt) >> 2] = saltOf(map.ssrc)
      if (!this.events.empty && this.takesVoice) {
        this.hasEvent = this.events.at(map.ssrc, position, this.eventNow)
      }
    }
    if (this.takesVoice && !(this.hasEvent && this.eventNow.sounding)) flags |= legFlag.taken
    words[(offset + legField.flags) >> 2] = flags
    words[(offset + legField.gain) >> 2] = gainFactor(record.gainDb)
  }
}

/** Tells the samples of two streams in one ring apart. */
export function saltOf(ssrc: number): number {
  return Math.imul(ssrc, 0x9e3779b1) >>> 0
}
