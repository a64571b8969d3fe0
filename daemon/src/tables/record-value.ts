//! What tables need to know of a record's value: equality, a digest that does not depend on the order
//! of its keys, and freezing. Records are JSON values. All three go through every record several times a call,
//! with `for in`, which makes no list of the keys.

/** True when both are the same JSON value, whatever the order of their keys. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => equalValues(item, b[index]))
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  let more = 0
  for (const key in left) {
    if (!Object.hasOwn(right, key) || !equalValues(left[key], right[key])) return false
    more += 1
  }
  for (const _key in right) more -= 1
  return more === 0
}

/** Makes a record unchangeable, so that a change cannot bypass `put` and miss the peer. */
export function freezeValue<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  if (Array.isArray(value)) for (const item of value) freezeValue(item)
  else {
    const fields = value as Record<string, unknown>
    for (const key in fields) freezeValue(fields[key])
  }
  return value
}

/** 64 bits as two unsigned 32-bit words. Detects differences, not attackers: frames carry an HMAC. */
interface Digest {
  high: number
  low: number
}

/** Digest of one record at its address. */
export function digestRecord(slot: number, key: string, value: unknown): Digest {
  const digest = { high: 0x9e3779b9, low: 0x7f4a7c15 }
  mixNumber(digest, slot)
  mixText(digest, key)
  mixValue(digest, value)
  // Without this last stirring, digests of similar records would cancel out in the table's sum.
  digest.high = stir(digest.high ^ (digest.low >>> 16))
  digest.low = stir(digest.low ^ (digest.high >>> 13))
  return digest
}

function mixValue(digest: Digest, value: unknown): void {
  if (typeof value === 'string') mixText(digest, value)
  else if (typeof value === 'number') mixText(digest, `#${value}`)
  else if (Array.isArray(value)) {
    mixNumber(digest, 0x5b00 + value.length)
    for (const item of value) mixValue(digest, item)
  } else if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>
    // Null says what absence says: a newer version has fields, with that default, which an older one
    // does not have.
    const keys = sortedKeys(fields)
    let present = 0
    for (const key of keys) if ((fields[key] ?? null) !== null) present += 1
    mixNumber(digest, 0x7b00 + present)
    for (const key of keys) {
      const field = fields[key] ?? null
      if (field === null) continue
      mixText(digest, key)
      mixValue(digest, field)
    }
  } else mixText(digest, `?${value}`)
}

/** Few shapes of records are digested again and again; sorting their keys each time took half of it. */
const shapes = new Map<string, { readonly keys: readonly string[]; readonly sorted: string[] }[]>()
const shapesMax = 1_000
const shapesOfKeyMax = 16

function sortedKeys(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const known = shapes.get(firstKey(fields))
  for (const shape of known ?? []) if (hasKeys(fields, shape.keys)) return shape.sorted
  const keys = Object.keys(fields)
  const [first] = keys
  if (first === undefined) return keys
  const sorted = keys.toSorted()
  // Keys of unknown fields come from the peer: what is kept is bounded.
  if (known === undefined && shapes.size < shapesMax) shapes.set(first, [{ keys, sorted }])
  else if (known !== undefined && known.length < shapesOfKeyMax) known.push({ keys, sorted })
  return sorted
}

function firstKey(fields: Readonly<Record<string, unknown>>): string {
  for (const key in fields) return key
  return ''
}

function hasKeys(fields: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  let at = 0
  for (const key in fields) {
    if (keys[at] !== key) return false
    at += 1
  }
  return at === keys.length
}

/** As `mixNumber` of its length and of each of its characters; most of a digest is text. */
function mixText(digest: Digest, text: string): void {
  mixNumber(digest, text.length)
  let { high, low } = digest
  for (let at = 0; at < text.length; at++) {
    const value = text.charCodeAt(at)
    high = Math.imul(high ^ value, 0x85ebca6b) ^ (low >>> 15)
    low = Math.imul(low ^ value, 0xc2b2ae35) ^ (high >>> 13)
  }
  digest.high = high
  digest.low = low
}

function mixNumber(digest: Digest, value: number): void {
  digest.high = Math.imul(digest.high ^ value, 0x85ebca6b) ^ (digest.low >>> 15)
  digest.low = Math.imul(digest.low ^ value, 0xc2b2ae35) ^ (digest.high >>> 13)
}

function stir(word: number): number {
  const first = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
  const second = Math.imul(first ^ (first >>> 15), 0x735a2d97)
  return (second ^ (second >>> 15)) >>> 0
}
