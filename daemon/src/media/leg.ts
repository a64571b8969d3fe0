//! One leg: the record that holds now, those that hold later, and where it stands. Its packets and its
//! samples are in the arena.
import { limits } from '../limits.ts'
import { type InputMap, shiftedMap, shiftedRecord, type WiredMedia } from '../tables/wired-media.ts'
import { type Arena, legField, legFlag, legOffset } from './arena.ts'
import { type Bridge, memoryTicks } from './bridge.ts'
import { DigitWatch } from './digits.ts'
import { type EventAtTick, EventQueue } from './events.ts'
import { gainFactor } from './gain.ts'
import { InputMapper, mapAt, mergeMaps, playTimestamp } from './input-mapping.ts'
import { Reception } from './reception.ts'
import type { PeerReport } from './reports.ts'
import type { Score } from './tones.ts'

/** Versions that wait for their tick; more than two means that the switch is not well. */
const laterMax = 4
/** A map is known this long before it holds, or packets that it plays were not kept. */
const ticksToFill = 3

export class Leg {
  readonly index: number
  readonly offset: number
  /** Its maps are those of the switch and the own decisions. */
  record: WiredMedia
  bridge: Bridge
  #toldMaps: readonly InputMap[]
  /** Decided here, and not yet in a record of the switch: the peer may not know them. */
  #ownMaps: readonly InputMap[] = []
  /** Versions whose `controlTick` has not come, in that order. */
  later: WiredMedia[] = []
  open = false
  readonly reception = new Reception()
  readonly mapper = new InputMapper()
  readonly events = new EventQueue()
  readonly digits = new DigitWatch()
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
  /** The tick whose packet leaves 10 ms after its start and has not left yet. */
  lateTick = Number.NEGATIVE_INFINITY
  readonly peerReport: PeerReport = { ssrc: 0, ntpMiddle: 0, receivedWallMs: 0, packetsLost: 0 }
  packetsSent = 0
  octetsSent = 0
  /** Its queue is read until it is empty, up to this tick. */
  drainUntilTick = 0
  /** Before this tick only the peer sends it. */
  ownFromTick = Number.NEGATIVE_INFINITY
  /** Of the tone that it heard last. */
  score: Score | null = null
  /** Its terminal sends more than one packet a tick. */
  shortPackets = false

  constructor(index: number, record: WiredMedia, bridge: Bridge) {
    this.index = index
    this.offset = legOffset(index)
    this.record = record
    this.bridge = bridge
    this.#toldMaps = record.inputMaps
  }

  /** The others hear it. */
  get takesVoice(): boolean {
    const { direction, muted } = this.record
    return (direction === 'sendrecv' || direction === 'recvonly') && muted !== true
  }

  get givesVoice(): boolean {
    return this.record.direction === 'sendrecv' || this.record.direction === 'sendonly'
  }

  /** Before its first tick a leg is no member, as both nodes open it at their own instant; nor from its
   * last one on, as both delete it at their own instant. */
  isMember(tick: number): boolean {
    const { tick0, endTick } = this.record
    return tick >= tick0 && (endTick === null || tick < endTick)
  }

  /** Takes a newer version of the record; its maps hold at once, the rest from its tick on.
   * @param tick the last one that ran.
   * @returns false when it came too late to do in time what the peer has done. */
  update(record: WiredMedia, tick: number): boolean {
    const known = this.record.inputMaps
    const newest = this.later.at(-1) ?? this.record
    const isChanged = !isEqual({ ...newest, inputMaps: [] }, { ...record, inputMaps: [] })
    const strange = record.inputMaps.filter((map) => !known.some((other) => isEqual(map, other)))
    this.#toldMaps = record.inputMaps
    this.#ownMaps = this.#ownMaps.filter(
      (map) => !record.inputMaps.some((other) => isEqual(map, other)),
    )
    this.#setMaps()
    const inTime = strange.every((map) => tick <= map.fromTick - ticksToFill)
    if (!isChanged) return inTime
    const before = this.later.filter((other) => other.controlTick < record.controlTick)
    this.later = [...before, record].slice(-laterMax)
    return inTime && tick < record.controlTick
  }

  /** Takes a version of the record whose tick has come. */
  take(record: WiredMedia): void {
    this.record = record
    this.#setMaps()
  }

  /** Adds a decision of this node. */
  decide(map: InputMap): void {
    this.#ownMaps = mergeMaps(this.#ownMaps, [map])
    this.#setMaps()
  }

  /** Forgets decisions that no record has: now another node decides, and may not know them. */
  forgetDecisions(): void {
    this.#ownMaps = []
    this.#setMaps()
  }

  /** The peer has had it from its start. @param tick the last one that ran. */
  leaveToPeer(tick: number): void {
    this.ownFromTick = tick + memoryTicks
  }

  /** All ticks have other numbers from now on: what it sends and mixes stays the same. */
  shift(ticks: number): void {
    this.#toldMaps = this.#toldMaps.map((map) => shiftedMap(map, ticks))
    this.#ownMaps = this.#ownMaps.map((map) => shiftedMap(map, ticks))
    this.later = this.later.map((record) => shiftedRecord(record, ticks))
    this.record = shiftedRecord(this.record, ticks)
    this.mapper.shift(ticks)
    this.reception.shift(ticks * limits.samplesPerTick)
    this.eventTick += ticks
    this.lateTick += ticks
    this.drainUntilTick += ticks
    this.ownFromTick += ticks
    this.#setMaps()
  }

  #setMaps(): void {
    this.record = { ...this.record, inputMaps: mergeMaps(this.#toldMaps, this.#ownMaps) }
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
    const isMember = this.isMember(tick)
    const isHeard = this.takesVoice && isMember
    if (this.givesVoice && isMember) flags |= legFlag.sent
    this.hasEvent = false
    if (map !== null) {
      const position = playTimestamp(map, tick)
      flags |= legFlag.mapped
      words[(offset + legField.position) >> 2] = position - (map.timestamp & 15)
      words[(offset + legField.salt) >> 2] = saltOf(map.ssrc)
      if (!this.events.empty && isHeard) {
        this.hasEvent = this.events.at(map.ssrc, position, this.eventNow)
      }
    }
    if (isHeard && !(this.hasEvent && this.eventNow.sounding)) flags |= legFlag.taken
    words[(offset + legField.flags) >> 2] = flags
    words[(offset + legField.gain) >> 2] = gainFactor(record.gainDb)
  }
}

/** Records and maps keep the order of their fields: both come from one schema. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Tells the samples of two streams in one ring apart. */
export function saltOf(ssrc: number): number {
  return Math.imul(ssrc, 0x9e3779b1) >>> 0
}
