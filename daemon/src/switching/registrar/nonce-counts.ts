//! Which nonce counts were seen with which nonce (RFC 7616 3.4, `nc`), in bounded memory.
//!
//! Requests get lost and overtake each other on UDP, so counts may leave gaps and come late within a
//! window. After a take-over the memory is empty, and the nonces from before are refused (`digest.ts`).
import { limits } from '../../limits.ts'

const windowSize = 32

interface Seen {
  /** Of its last use. */
  atMs: number
  highest: number
  /** Bit n: the count `highest - n` was seen. */
  mask: number
}

export class NonceCounts {
  readonly #seen = new Map<string, Seen>()
  readonly #noncesMax: number

  constructor(noncesMax: number = limits.noncesMax) {
    this.#noncesMax = noncesMax
  }

  get size(): number {
    return this.#seen.size
  }

  /** Marks the count as seen; false when it was seen before or is older than the window. Call it only
   * for a digest that has been verified: a forged one must not move the window. */
  use(nonce: string, count: number, nowMs = 0): boolean {
    const seen = this.#seen.get(nonce)
    if (seen === undefined) {
      this.#forgetOldest()
      this.#seen.set(nonce, { highest: count, mask: 1, atMs: nowMs })
      return true
    }
    seen.atMs = nowMs
    if (count > seen.highest) {
      const step = count - seen.highest
      seen.mask = step >= windowSize ? 1 : ((seen.mask << step) | 1) >>> 0
      seen.highest = count
      return true
    }
    const age = seen.highest - count
    if (age >= windowSize || ((seen.mask >>> age) & 1) === 1) return false
    seen.mask = (seen.mask | (1 << age)) >>> 0
    return true
  }

  /** Nonces that were last used before are too old to be used again. */
  forgetBefore(atMs: number): void {
    for (const [nonce, seen] of this.#seen) {
      // They stand in the order of their first use, and none is used for longer than its age allows.
      if (seen.atMs >= atMs) return
      this.#seen.delete(nonce)
    }
  }

  #forgetOldest(): void {
    if (this.#seen.size < this.#noncesMax) return
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest)
      return
    }
  }
}
