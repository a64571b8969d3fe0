//! What a bad link does to a datagram, as figures; and the fate of one datagram under them. Pure: chance
//! is an argument.

export interface Impairment {
  /** Shares of the datagrams, 0 to 100. */
  readonly lossPercent: number
  readonly duplicatePercent: number
  /** One bit is wrong; the UDP checksum is right again, as behind a broken router. */
  readonly corruptPercent: number
  /** Held back, so that later ones overtake. */
  readonly reorderPercent: number
  readonly delayMs: number
  /** Up to so much more, each datagram for itself. */
  readonly jitterMs: number
}

export const unimpaired: Impairment = {
  lossPercent: 0,
  duplicatePercent: 0,
  corruptPercent: 0,
  reorderPercent: 0,
  delayMs: 0,
  jitterMs: 0,
}

/** Longer than the time between two datagrams of a heartbeat or a record. */
const heldBackMs = 150

/** One copy that arrives. */
interface Copy {
  readonly delayMs: number
  /** Bit of the payload that is turned over, or null. */
  readonly wrongBit: number | null
}

/** @param random gives numbers from 0 to below 1
 * @returns the copies that arrive: none, one, or two */
export function fate(impairment: Impairment, bytes: number, random: () => number): Copy[] {
  const happens = (percent: number) => random() * 100 < percent
  if (happens(impairment.lossPercent)) return []
  const copy = (): Copy => {
    const late = happens(impairment.reorderPercent) ? heldBackMs : 0
    const delayMs = impairment.delayMs + random() * impairment.jitterMs + late
    const isWrong = happens(impairment.corruptPercent) && bytes > 0
    return { delayMs, wrongBit: isWrong ? Math.floor(random() * bytes * 8) : null }
  }
  return happens(impairment.duplicatePercent) ? [copy(), copy()] : [copy()]
}

/** The bytes with one bit turned over. */
export function withWrongBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const index = bit >> 3
  copy[index] = (copy[index] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** Xorshift: the same seed gives the same chances. */
export function chance(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}
