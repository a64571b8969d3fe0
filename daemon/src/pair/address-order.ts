//! The source's rule between two otherwise equal nodes (S1.69 - S1.72): the two addresses are compared
//! as strings, character by character by their ASCII values, left to right. The first different pair
//! decides; when one string ends first, that one is the smaller. The larger becomes primary, so that
//! `192.168.1.9` beats `192.168.1.10`.
import { assert } from '../assert.ts'

/** Negative: `own` is smaller and becomes standby. Positive: `own` becomes primary. Never zero, since
 * the addresses of the two nodes cannot be equal (S1.71; the configuration refuses it). */
export function compareAddresses(own: string, peer: string): number {
  const length = Math.min(own.length, peer.length)
  for (let at = 0; at < length; at++) {
    const difference = own.charCodeAt(at) - peer.charCodeAt(at)
    if (difference !== 0) return difference
  }
  assert(own.length !== peer.length, 'the addresses of the two nodes differ')
  return own.length - peer.length
}
