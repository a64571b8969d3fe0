//! A received packet on its way into the ring of its leg. Nothing here throws, and nothing is learned
//! from a packet but the place of its samples: its source has been checked by the kernel.
import { assert } from '../assert.ts'
import { limits } from '../limits.ts'
import type { InputMap } from '../tables/wired-media.ts'
import { type Arena, arenaOffset, ringSamples } from './arena.ts'
import { mapAt, playTimestamp } from './input-mapping.ts'
import { type Leg, saltOf, staticALaw, staticMuLaw } from './leg.ts'
import { drainEveryTicks } from './reading.ts'

const cellSamples = 80
const payloadSamplesMax = 480
/** Samples further ahead than this would overwrite what is still to be played. */
const aheadMax = ringSamples - payloadSamplesMax - 2 * limits.samplesPerTick
const headerBytes = 12

type InputOutcome = 'taken' | 'late' | 'refused' | 'ignored'

interface Packet {
  payloadType: number
  sequence: number
  timestamp: number
  ssrc: number
  /** Offset in the arena, and bytes. */
  payload: number
  length: number
}

interface InputTold {
  readonly mapped: (leg: Leg, map: InputMap) => void
  /** @param mark tells this event from every other one of the leg. */
  readonly dialled: (leg: Leg, digit: string, mark: string) => void
}

/** Takes the packets of all legs; one object, so that nothing is allocated for a packet. */
export class Input {
  readonly #arena: Arena
  readonly #mapped: InputTold['mapped']
  readonly #dialled: InputTold['dialled']
  readonly #packet: Packet = {
    payloadType: 0,
    sequence: 0,
    timestamp: 0,
    ssrc: 0,
    payload: 0,
    length: 0,
  }
  /** The primary maps streams to ticks; a standby waits for its maps. */
  mapping = false

  /** @param told hears the decisions of the primary, and what terminals dial. */
  constructor(arena: Arena, told: InputTold) {
    this.#arena = arena
    this.#mapped = told.mapped
    this.#dialled = told.dialled
  }

  /** The packet of `length` bytes at `arenaOffset.received`, read at `tick`. */
  take(leg: Leg, length: number, tick: number): InputOutcome {
    const packet = this.#packet
    if (!this.#parse(length)) return 'refused'
    const { record } = leg
    if (packet.payloadType === record.eventPayloadType) return this.#takeEvent(leg, tick)
    const muLaw = lawOf(record, packet.payloadType)
    if (muLaw === null) return 'refused'
    const samples = packet.length
    if (samples === 0 || samples > payloadSamplesMax || samples % cellSamples !== 0) {
      return 'refused'
    }
    leg.shortPackets = samples < limits.samplesPerTick
    const transit = (tick * limits.samplesPerTick - packet.timestamp) | 0
    leg.reception.packet(packet.ssrc, packet.sequence, transit)
    // Also what is not heard now: a packet may be read just before, by the peer just after, the tick
    // from which it is.
    return this.#place(leg, tick, muLaw)
  }

  /** RFC 3550 5.1 and A.1. @returns false when it is no RTP packet. */
  #parse(length: number): boolean {
    const { bytes, view } = this.#arena
    const at = arenaOffset.received
    if (length < headerBytes) return false
    const first = bytes[at] ?? 0
    if (first >> 6 !== 2) return false
    let start = headerBytes + 4 * (first & 15)
    let end = length
    if ((first & 0x10) !== 0) {
      if (start + 4 > length) return false
      start += 4 + 4 * view.getUint16(at + start + 2)
    }
    if ((first & 0x20) !== 0) {
      const padding = bytes[at + length - 1] ?? 0
      if (padding === 0) return false
      end -= padding
    }
    if (start > end) return false
    const packet = this.#packet
    packet.payloadType = (bytes[at + 1] ?? 0) & 0x7f
    packet.sequence = view.getUint16(at + 2)
    packet.timestamp = view.getUint32(at + 4)
    packet.ssrc = view.getUint32(at + 8)
    packet.payload = at + start
    packet.length = end - start
    return true
  }

  #place(leg: Leg, tick: number, muLaw: boolean): InputOutcome {
    const { ssrc, timestamp, length } = this.#packet
    const maps = leg.record.inputMaps
    const newest = maps.at(-1) ?? null
    const map = mapFor(leg, ssrc, tick)
    if (map === null) {
      if (newest === null) {
        this.#put(leg, timestamp & 15, muLaw)
        leg.keptUnmapped(timestamp & 15)
      }
      this.#strange(leg, newest, tick)
      return 'taken'
    }
    const ahead = (timestamp - playTimestamp(map, tick)) | 0
    if (ahead > aheadMax || ahead < -ringSamples) {
      this.#strange(leg, newest, tick)
      return 'ignored'
    }
    if (ahead + length <= 0 && tick >= map.fromTick) {
      leg.reception.late++
      leg.mapper.late()
      this.#strange(leg, newest, tick)
      return 'late'
    }
    this.#put(leg, map.timestamp & 15, muLaw)
    if (this.mapping && map === newest) {
      const next = leg.mapper.follows({ ssrc, timestamp, samples: length, tick }, map)
      if (next !== null) this.#mapped(leg, next)
    }
    return 'taken'
  }

  #put(leg: Leg, phase: number, muLaw: boolean): void {
    const { ssrc, timestamp, payload, length } = this.#packet
    // A stream whose packets are not whole blocks apart is moved by less than 2 ms.
    const position = ((timestamp - phase) & ~15) >>> 0
    this.#arena.mixer.put(leg.offset, payload, length, position, saltOf(ssrc), muLaw)
  }

  #strange(leg: Leg, newest: InputMap | null, tick: number): void {
    if (!this.mapping) return
    const { ssrc, timestamp, length } = this.#packet
    const map = leg.mapper.strange({ ssrc, timestamp, samples: length, tick }, newest)
    if (map !== null) this.#mapped(leg, map)
  }

  #takeEvent(leg: Leg, tick: number): InputOutcome {
    const { ssrc, timestamp, sequence, payload, length } = this.#packet
    // RFC 4733 2.3: four octets; redundant ones after them are not needed here.
    if (length < 4) return 'refused'
    const { bytes, view } = this.#arena
    const second = bytes[payload + 1] ?? 0
    leg.reception.packet(ssrc, sequence, (tick * limits.samplesPerTick - timestamp) | 0)
    // It comes beside the voice, and must not wait behind it.
    leg.drainUntilTick = Math.max(leg.drainUntilTick, tick + drainEveryTicks)
    const event = bytes[payload] ?? 0
    const ended = (second & 0x80) !== 0
    const volume = second & 0x3f
    const duration = view.getUint16(payload + 2)
    leg.events.receive({ ssrc, timestamp, event, volume, duration, ended })
    const digit = leg.digits.take({ ssrc, timestamp, event, ended }, tick)
    if (digit !== null) this.#dialled(leg, digit, `${ssrc}.${timestamp}`)
    return 'taken'
  }
}

/** @returns whether the payload is mu-law, or null when it is no voice of this leg. A terminal may
 * send either law whatever it was answered (RFC 3264 5.1 offers both). */
function lawOf(record: Leg['record'], payloadType: number): boolean | null {
  if (payloadType === staticALaw) return false
  if (payloadType === staticMuLaw) return true
  return payloadType === record.payloadType ? record.codec === 'PCMU' : null
}

/** The newest map of the stream: a coming one is filled before it holds. */
function mapFor(leg: Leg, ssrc: number, tick: number): InputMap | null {
  const newest = leg.record.inputMaps.at(-1)
  if (newest === undefined) return null
  if (newest.ssrc === ssrc) return newest
  const active = mapAt(leg.record.inputMaps, tick)
  assert(active === null || active.fromTick <= tick, 'the map holds')
  return active !== null && active.ssrc === ssrc ? active : null
}
