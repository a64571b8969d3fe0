//! The HMAC at the end of every datagram between the nodes: SHA-256 under the pair key, cut to 16
//! bytes (RFC 2104 5). Kinds of datagram are told apart by their magic, which the tag covers.
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

export const tagBytes = 16

/** Node makes a key object of raw bytes at each use, which takes four times as long as the HMAC. The
 * bytes of a key never change. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>()

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
  return createHmac('sha256', keyObjectOf(key)).update(bytes).digest().subarray(0, tagBytes)
}

function keyObjectOf(key: Uint8Array): KeyObject {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const made = createSecretKey(key)
  keyObjects.set(key, made)
  return made
}
