//! HMAC (RFC 2104) under a key that is used again and again.
import { createHmac, createSecretKey, type Hmac, type KeyObject } from 'node:crypto'

/** Node makes a key object of raw bytes at each use, which takes four times as long as the HMAC. The
 * bytes of a key never change. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>()

export function keyedHash(algorithm: 'sha256' | 'sha512', key: Uint8Array): Hmac {
  return createHmac(algorithm, keyObjectOf(key))
}

function keyObjectOf(key: Uint8Array): KeyObject {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const made = createSecretKey(key)
  keyObjects.set(key, made)
  return made
}
