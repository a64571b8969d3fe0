//! The body of a sync frame: msgpack with sorted keys, and its hash. Equal values give equal bytes on
//! both nodes, so that an ACK and a table hash can be compared.
import { hash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { Decoder, Encoder } from '@msgpack/msgpack'

/** Bytes of a value before compression; the first 16 bytes of their SHA-256 in hex. */
interface SerialisedRecord {
  readonly body: Uint8Array
  readonly hash: string
}

/** Below this length compression takes more time than it saves bytes: a leg or a port is short by itself, and
 * in one Ethernet frame anyway. */
const compressFromBytes = 512

/** A record has some kilobytes: with the buffers and tables of zlib for long streams, making and clearing them takes a
 * third of the time. Readers take any window. */
const small = { chunkSize: 4_096 } as const
const deflating = { ...small, level: 1, windowBits: 12, memLevel: 5 } as const

const encoder = new Encoder({ sortKeys: true, ignoreUndefined: true })
const decoder = new Decoder()

/** Serialises a plain JSON value; absent and undefined properties are the same. */
export function serialiseRecord(value: unknown): SerialisedRecord {
  const body = encoder.encode(value)
  return { body, hash: hashOf(body) }
}

/** The first 16 bytes of the SHA-256, in hex. */
export function hashOf(body: Uint8Array): string {
  return hash('sha256', body, 'hex').slice(0, 32)
}

/** The value of a serialised record, or undefined when the bytes are none. */
export function readRecord(body: Uint8Array): unknown {
  try {
    return decoder.decode(body)
  } catch {
    return undefined
  }
}

/** The deflated bytes when they are shorter, else null. */
export function compressed(body: Uint8Array): Uint8Array | null {
  if (body.length < compressFromBytes) return null
  const shorter = deflateRawSync(body, deflating)
  return shorter.length < body.length ? shorter : null
}

/** Inflates at most `lengthMax` bytes; null when the data are broken or hold more. */
export function inflated(data: Uint8Array, lengthMax: number): Uint8Array | null {
  try {
    const body = inflateRawSync(data, { ...small, maxOutputLength: lengthMax })
    return new Uint8Array(body.buffer, body.byteOffset, body.length)
  } catch {
    return null
  }
}
