//! The packets that a leg sends: header from the timeline, payload from the mixer or from an event.
import type { WiredMedia } from '../tables/wired-media.ts'
import { type Arena, legField, legPart } from './arena.ts'
import type { EventAtTick } from './events.ts'
import type { Leg } from './leg.ts'
import type { LegSockets } from './sockets.ts'
import { noPacket, packetOf, sequenceOf, timestampOf, timestampOfTick } from './timeline.ts'

const headerBytes = 12

/** Sends the packets of all legs. */
export class Output {
  readonly #arena: Arena
  readonly #sockets: LegSockets
  sent = 0
  refused = 0

  constructor(arena: Arena, sockets: LegSockets) {
    this.#arena = arena
    this.#sockets = sockets
  }

  /** Says where the mixer puts the coded frame of this tick. */
  aimFrame(leg: Leg, tick: number): void {
    const out =
      leg.record.ptimeMs === 30
        ? framesOf(leg) + frameNumber(leg.record, tick) * 160
        : leg.offset + legPart.packet + headerBytes
    this.#arena.words[(leg.offset + legField.out) >> 2] = out
  }

  /** Sends the packet that belongs to this instant, if there is one and `mayEmit`.
   * @param late 10 ms after the start of the tick. */
  emit(leg: Leg, tick: number, late: boolean): void {
    const packet = packetOf(leg.record, tick, late)
    if (packet === noPacket) return
    const event = leg.eventTick === tick ? leg.eventOut : null
    if (event !== null) {
      this.#emitEvent(leg, packet, event)
      return
    }
    const samples = leg.record.ptimeMs * 8
    let at = leg.offset + legPart.packet
    if (leg.record.ptimeMs === 30 || late) {
      at = leg.offset + legPart.assembled
      const from =
        leg.record.ptimeMs === 30
          ? framesOf(leg) + (late ? 240 : 0)
          : leg.offset + legPart.packet + headerBytes + samples
      this.#arena.bytes.copyWithin(at + headerBytes, from, from + samples)
    }
    const timestamp = timestampOf(leg.record, packet)
    this.#header(at, leg.record, { packet, timestamp, marker: packet === 0, event: false })
    this.#send(leg, at, samples)
  }

  /** RFC 4733 2.5.1: all packets of an event carry the time stamp of its start, the first one the
   * marker. */
  #emitEvent(leg: Leg, packet: number, event: EventAtTick): void {
    const at = leg.offset + legPart.assembled
    const { bytes, view } = this.#arena
    const timestamp = timestampOfTick(leg.record, leg.eventTick - event.ticksSinceStart)
    const marker = event.ticksSinceStart === 0
    this.#header(at, leg.record, { packet, timestamp, marker, event: true })
    bytes[at + headerBytes] = event.event
    bytes[at + headerBytes + 1] = (event.end ? 0x80 : 0) | event.volume
    view.setUint16(at + headerBytes + 2, event.duration)
    this.#send(leg, at, 4)
  }

  #header(
    at: number,
    record: WiredMedia,
    fields: { packet: number; timestamp: number; marker: boolean; event: boolean },
  ): void {
    const { bytes, view } = this.#arena
    const type = fields.event ? (record.eventPayloadType ?? 0) : record.payloadType
    bytes[at] = 0x80
    bytes[at + 1] = fields.marker ? type | 0x80 : type
    view.setUint16(at + 2, sequenceOf(record, fields.packet))
    view.setUint32(at + 4, fields.timestamp)
    view.setUint32(at + 8, record.ssrc)
  }

  #send(leg: Leg, at: number, payloadBytes: number): void {
    if (!this.#sockets.send(leg.index, at, headerBytes + payloadBytes)) {
      this.refused++
      return
    }
    this.sent++
    leg.packetsSent++
    leg.octetsSent += payloadBytes
  }
}

function framesOf(leg: Leg): number {
  return leg.offset + legPart.frames
}

function frameNumber(record: WiredMedia, tick: number): number {
  const ticks = (tick - record.tick0) % 3
  return ticks < 0 ? 0 : ticks
}
