//! The randomness of the simulator: one seed, and streams of numbers that do not disturb each other.

/** Deterministic random numbers (sfc32 over a hashed seed). */
export class Random {
  #a: number
  #b: number
  #c: number
  #count = 1

  /** @param seed any text; equal texts give equal numbers. */
  constructor(seed: string) {
    this.#a = hashText(seed, 0x9e3779b9)
    this.#b = hashText(seed, 0x243f6a88)
    this.#c = hashText(seed, 0xb7e15162)
    for (let round = 0; round < 12; round++) this.u32()
  }

  u32(): number {
    const sum = (this.#a + this.#b + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** From 0 to below 1. */
  unit(): number {
    return this.u32() / 2 ** 32
  }

  between(low: number, high: number): number {
    return low + this.unit() * (high - low)
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return probability > 0 && this.unit() < probability
  }

  /** Waiting time of events that happen independently, with this mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.unit())
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.whole(0, list.length - 1)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at++) bytes[at] = this.u32() & 0xff
    return bytes
  }
}

/** FNV-1a over the UTF-16 units. */
function hashText(text: string, basis: number): number {
  let hash = basis
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}
