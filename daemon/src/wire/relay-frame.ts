//! Voice that one node heard and the other one did not (reach mode `floating`, ADR 0016): what came to
//! the sockets of the legs in one turn, one frame a link.
//!
//! ```text
//!   0 magic "VCRL"   4 version   5 side of the sender   6 number of the frame in its tick, 2 bytes
//!   8 term, 8 bytes   16 tick, 8 bytes
//!  24 packets, each: local port, 2 bytes; length, 2 bytes; the RTP packet
//! end: tag, 16 bytes
//! ```
//! Term, tick and number name a frame once and for all: a new primary has a new term, also after a
//! restart of both nodes, and within a term the pair clock only grows.
import { limits } from '../limits.ts'
import { isSealed, seal, tagBytes } from './authentication-tag.ts'

export interface RelayHeader {
  /** 0 or 1: which of the two nodes sends it, so that no frame comes back to its sender. */
  readonly side: number
  readonly number: number
  readonly term: number
  readonly tick: number
}

export interface RelayPacket {
  /** RTP port of the leg on the service address, equal on both nodes. */
  readonly port: number
  readonly bytes: Uint8Array
}

export interface RelayFrame extends RelayHeader {
  readonly packets: readonly RelayPacket[]
}

const magic = 0x5643524c
const version = 1
const packetsAt = 24
const packetHeadBytes = 4

type RelayFault = 'not-a-relay-frame' | 'version' | 'forged' | 'body'

/** Room of one frame for packets, as `relayPacketBytes` counts them. */
export const relayRoomBytes = limits.relayFrameBytesMax - packetsAt - tagBytes

export function relayPacketBytes(length: number): number {
  return packetHeadBytes + length
}

/** Writes and seals a frame. The packets must fit in `relayRoomBytes`. */
export function encodeRelayFrame(frame: RelayFrame, key: Uint8Array): Uint8Array {
  const { side, number, term, tick, packets } = frame
  const room = packets.reduce((sum, { bytes }) => sum + relayPacketBytes(bytes.length), 0)
  const bytes = new Uint8Array(packetsAt + room + tagBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint8(4, version)
  view.setUint8(5, side)
  view.setUint16(6, number)
  view.setFloat64(8, term)
  view.setFloat64(16, tick)
  let at = packetsAt
  for (const packet of packets) {
    view.setUint16(at, packet.port)
    view.setUint16(at + 2, packet.bytes.length)
    bytes.set(packet.bytes, at + packetHeadBytes)
    at += relayPacketBytes(packet.bytes.length)
  }
  seal(bytes, key)
  return bytes
}

/** Reads a datagram of a link. Nothing of it is used before its tag is right. */
export function decodeRelayFrame(bytes: Uint8Array, key: Uint8Array): RelayFrame | RelayFault {
  const { length } = bytes
  if (length < packetsAt + tagBytes || length > limits.relayFrameBytesMax) {
    return 'not-a-relay-frame'
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  if (view.getUint32(0) !== magic) return 'not-a-relay-frame'
  if (view.getUint8(4) !== version) return 'version'
  if (!isSealed(bytes, key)) return 'forged'
  const header = {
    side: view.getUint8(5),
    number: view.getUint16(6),
    term: view.getFloat64(8),
    tick: view.getFloat64(16),
  }
  const packets = readPackets(bytes, view)
  const isGood = header.side <= 1 && isCount(header.term) && isCount(header.tick)
  return isGood && packets !== null ? { ...header, packets } : 'body'
}

function readPackets(bytes: Uint8Array, view: DataView): RelayPacket[] | null {
  const end = bytes.length - tagBytes
  const packets: RelayPacket[] = []
  let at = packetsAt
  while (at < end) {
    if (at + packetHeadBytes > end) return null
    const from = at + packetHeadBytes
    const next = from + view.getUint16(at + 2)
    if (next > end) return null
    // A copy: the datagram's memory is used again.
    packets.push({ port: view.getUint16(at), bytes: new Uint8Array(bytes.subarray(from, next)) })
    at = next
  }
  return packets
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
