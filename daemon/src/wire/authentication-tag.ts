//! The HMAC at the end of every datagram between the nodes: SHA-256 under the pair key, cut to 16
//! bytes (RFC 2104 5). Kinds of datagram are told apart by their magic, which the tag covers.
import { timingSafeEqual } from 'node:crypto'
import { keyedHash } from './keyed-hash.ts'

export const tagBytes = 16

/** Writes the tag of all that is before it into the last 16 bytes. */
export function seal(bytes: Uint8Array, key: Uint8Array): void {
  bytes.set(tagOf(bytes.subarray(0, -tagBytes), key), bytes.length - tagBytes)
}

/** True when the last 16 bytes are the tag of what is before them. Takes the same time for every
 * wrong tag. */
export function isSealed(bytes: Uint8Array, key: Uint8Array): boolean {
  if (bytes.length < tagBytes) return false
  return timingSafeEqual(bytes.subarray(-tagBytes), tagOf(bytes.subarray(0, -tagBytes), key))
}

function tagOf(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  return keyedHash('sha256', key).update(bytes).digest().subarray(0, tagBytes)
}
