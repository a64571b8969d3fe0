//! One leg: the record that holds now, those that hold later, and where it stands. Its packets and its
//! samples are in the arena.
import { limits } from '../limits.ts'
import { type InputMap, shiftedMap, shiftedRecord, type WiredMedia } from '../tables/wired-media.ts'
import { type Arena, legField, legFlag, legOffset } from './arena.ts'
import { type Bridge, memoryTicks, mixMemoryTicks } from './bridge.ts'
import { DigitWatch } from './digits.ts'
import { type EventAtTick, EventQueue } from './events.ts'
import { gainFactor } from './gain.ts'
import { InputMapper, mapAt, mergeMaps, playTimestamp, shiftSamples } from './input-mapping.ts'
import { Reception } from './reception.ts'
import type { PeerReport } from './reports.ts'
import type { Score } from './tones.ts'

/** RFC 3551 table 4. */
export const staticMuLaw = 0
export const staticALaw = 8
/** Versions that wait for their tick; more than two means that the switch is not well. */
const laterMax = 4
/** A map is known this long before it holds, or packets that it plays were not kept. */
const ticksToFill = 3
/** A packet is read at most so long before the end of its voice is played, as long as nothing changes. */
const ticksOfVoice = 5
/** Events are told so much later than the voice that was said with them. That of a sample comes when it is over,
 * its end often one packet later: what a tick tells must not depend on when that was read. */
const eventLagSamples = 2 * limits.samplesPerTick
/** No packet was kept before there was a map; packets of several phases were. */
const noPhase = -1
const severalPhases = -2

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
  /** The tick from which its packets are read; null: its ports are not open. */
  #openTick: number | null = null
  /** How packets lie in the ring that came before any map. */
  #phaseKept = noPhase
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
  /** Before this tick its packets have frames that were mixed before it was here. */
  wholeFromTick = Number.NEGATIVE_INFINITY
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

  get open(): boolean {
    return this.#openTick !== null
  }

  /** Its ports are open. @param tick the last one that ran. */
  opened(tick: number): void {
    this.#openTick = tick + 1
  }

  /** A packet was kept although no map says where it is played. */
  keptUnmapped(phase: number): void {
    const isSame = this.#phaseKept === noPhase || this.#phaseKept === phase
    this.#phaseKept = isSame ? phase : severalPhases
  }

  /** Whether packets of now shape what the others hear. Before its first map nobody hears it, so that a
   * node which learns late of a new member misses nothing. @param tick the last one that ran. */
  needsInput(tick: number): boolean {
    return this.record.inputMaps.some((map) => tick > map.fromTick - ticksOfVoice)
  }

  /** Takes a newer version of the record; its maps hold at once, the rest from its tick on.
   * @param tick the last one that ran.
   * @returns for how many ticks it can be heard that it came too late to do what the peer has done. */
  update(record: WiredMedia, tick: number): number {
    const known = this.record.inputMaps
    const newest = this.later.at(-1) ?? this.record
    const isChanged = !isEqual({ ...newest, inputMaps: [] }, { ...record, inputMaps: [] })
    const strange = record.inputMaps.filter((map) => !known.some((other) => isEqual(map, other)))
    this.#toldMaps = record.inputMaps
    this.#ownMaps = this.#ownMaps.filter(
      (map) => !record.inputMaps.some((other) => isEqual(map, other)),
    )
    this.#setMaps()
    const heardTicks = Math.max(0, ...strange.map((map) => this.#lateTicks(map, known, tick)))
    if (!isChanged) return heardTicks
    const before = this.later.filter((other) => other.controlTick < record.controlTick)
    this.later = [...before, record].slice(-laterMax)
    if (tick < record.controlTick) return heardTicks
    return Math.max(heardTicks, takesTheSame(newest, record) ? mixMemoryTicks : memoryTicks)
  }

  /** For how many ticks it can be heard that a map was told so late. */
  #lateTicks(map: InputMap, known: readonly InputMap[], tick: number): number {
    if (!this.#isKept(map, known)) return tick <= map.fromTick - ticksToFill ? 0 : memoryTicks
    if (this.#openTick !== null && this.#openTick > map.fromTick - ticksOfVoice) return memoryTicks
    return tick < map.fromTick ? 0 : mixMemoryTicks
  }

  /** Whether the packets of a map were kept before it was known, where it looks for them: whatever comes
   * before there is any map, and those of a stream that is only shifted. */
  #isKept(map: InputMap, known: readonly InputMap[]): boolean {
    const phase = map.timestamp & 15
    if (known.length === 0) return this.#phaseKept === noPhase || this.#phaseKept === phase
    return known.some((other) => isShift(other, map))
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

  /** What this node was told too late the peer has right, which gave the role up and goes on sending.
   * @param tick the last one that ran. */
  leaveWhileCold(tick: number): void {
    if (!this.record.twin) return
    const { missing, warmTick } = this.bridge
    const fullTick = missing.size > 0 ? tick + memoryTicks : warmTick
    this.ownFromTick = Math.max(fullTick, this.wholeFromTick)
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
    this.wholeFromTick += ticks
    if (this.#openTick !== null) this.#openTick += ticks
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
    const isHeard = this.takesVoice && isMember && map !== null
    if (this.givesVoice && isMember) flags |= legFlag.sent
    this.hasEvent = false
    if (map !== null) {
      const position = playTimestamp(map, tick)
      flags |= legFlag.mapped
      words[(offset + legField.position) >> 2] = position - (map.timestamp & 15)
      words[(offset + legField.salt) >> 2] = saltOf(map.ssrc)
      if (!this.events.empty && isHeard) {
        this.hasEvent = this.events.at(map.ssrc, position - eventLagSamples, this.eventNow)
      }
    }
    if (isHeard && !(this.hasEvent && this.eventNow.sounding)) flags |= legFlag.taken
    words[(offset + legField.flags) >> 2] = flags
    words[(offset + legField.gain) >> 2] = gainFactor(record.gainDb)
  }
}

/** Whether the same packets of the terminal are voice and events by both versions. The static payload types
 * are voice by every version (input.ts). */
function takesTheSame(a: WiredMedia, b: WiredMedia): boolean {
  if (a.eventPayloadType !== b.eventPayloadType) return false
  if (isStatic(a.payloadType) && isStatic(b.payloadType)) return true
  return a.payloadType === b.payloadType && a.codec === b.codec
}

function isShift(before: InputMap, after: InputMap): boolean {
  const shift = (playTimestamp(before, after.fromTick) - playTimestamp(after, after.fromTick)) | 0
  return before.ssrc === after.ssrc && Math.abs(shift) === shiftSamples
}

function isStatic(payloadType: number): boolean {
  return payloadType === staticALaw || payloadType === staticMuLaw
}

/** Records and maps keep the order of their fields: both come from one schema. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Tells the samples of two streams in one ring apart. */
export function saltOf(ssrc: number): number {
  return Math.imul(ssrc, 0x9e3779b1) >>> 0
}
