//! Datagrams of somebody who sees the links of a pair, may send on them with any address, and does not
//! have the key: forged under another key, changed, cut, random, and recordings of what was once real.

export interface Recorded {
  readonly bytes: Uint8Array
  readonly link: number
}

/** What an attack is made of. */
export interface Material {
  /** Of the peer, in its present boot and term: all of it was delivered. */
  readonly delivered: readonly Recorded[]
  /** Of boots and terms that ended, and what this node itself sent. */
  readonly old: readonly Recorded[]
  readonly own: readonly Recorded[]
  /** Of the other protocol of the pair. */
  readonly foreign: readonly Recorded[]
  /** A well-formed datagram under a key that is not the pair's, that claims the most. */
  wrongKey(random: () => number): Recorded
}

/** How, see `make`. */
const methods = [
  'wrong-key',
  'bit-flips',
  'truncated',
  'extended',
  'random',
  'replayed',
  'replayed-on-another-link',
  'old-boot-or-term',
  'reflected',
  'other-protocol',
] as const
export type Method = (typeof methods)[number]

/** Deterministic random numbers (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

export function attack(
  material: Material,
  random: () => number,
): { method: Method; datagram: Recorded } {
  const method = pick(methods, random)
  const all = pick([material.delivered, material.old, material.own], random)
  return { method, datagram: make(method, { material, random, any: pick(all, random) }) }
}

function make(
  method: Method,
  given: { material: Material; random: () => number; any: Recorded },
): Recorded {
  const { material, random, any } = given
  switch (method) {
    case 'wrong-key':
      return material.wrongKey(random)
    case 'bit-flips': {
      const bytes = any.bytes.slice()
      for (let flips = 1 + Math.floor(random() * 8); flips > 0; flips--) {
        const bit = Math.floor(random() * bytes.length * 8)
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      }
      // Two flips of one bit are none: the last byte is never what it was.
      bytes[bytes.length - 1] = ((any.bytes.at(-1) ?? 0) + 1 + Math.floor(random() * 255)) & 0xff
      return { ...any, bytes }
    }
    case 'truncated':
      return { ...any, bytes: any.bytes.slice(0, Math.floor(random() * any.bytes.length)) }
    case 'extended': {
      const bytes = new Uint8Array(any.bytes.length + 1 + Math.floor(random() * 64))
      bytes.set(any.bytes)
      return { ...any, bytes }
    }
    case 'random': {
      const bytes = new Uint8Array(Math.floor(random() * 300))
      for (let at = 0; at < bytes.length; at++) bytes[at] = random() * 256
      // Half of them begin like one.
      if (random() < 0.5) bytes.set(any.bytes.subarray(0, Math.min(5, bytes.length)))
      return { ...any, bytes }
    }
    case 'replayed':
      return pick(material.delivered, random)
    case 'replayed-on-another-link': {
      const one = pick(material.delivered, random)
      return { ...one, link: (one.link + 1 + Math.floor(random() * 2)) % 3 }
    }
    case 'old-boot-or-term':
      return pick(material.old, random)
    case 'reflected':
      return pick(material.own, random)
    case 'other-protocol':
      return pick(material.foreign, random)
  }
}

export function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}
