//! The Call-ID of a datagram, found without parsing it: a flood is told from a call at a price that can be
//! paid twenty thousand times a second. The text is only compared, never used.

const feed = 0x0a
const colon = 0x3a
/** Where a terminal writes it, it is among the first lines. */
const linesMax = 40
const nameMax = 10

/** @returns null when there is none near the beginning. */
export function callIdIn(bytes: Uint8Array): string | null {
  let at = bytes.indexOf(feed) + 1
  for (let line = 0; at > 0 && line < linesMax; line++) {
    const length = nameLength(bytes, at)
    if (length > 0) return valueAt(bytes, at + length)
    at = bytes.indexOf(feed, at) + 1
  }
  return null
}

/** Of `Call-ID:` or `i:` with its colon; 0: another header. */
function nameLength(bytes: Uint8Array, at: number): number {
  const first = (bytes[at] ?? 0) | 0x20
  // i and c.
  if (first !== 0x69 && first !== 0x63) return 0
  const end = bytes.subarray(at, at + nameMax).indexOf(colon)
  if (end < 0) return 0
  const name = ascii(bytes, at, at + end)
    .trimEnd()
    .toLowerCase()
  return name === 'i' || name === 'call-id' ? end + 1 : 0
}

function valueAt(bytes: Uint8Array, from: number): string | null {
  const end = bytes.indexOf(feed, from)
  return end < 0 ? null : ascii(bytes, from, end).trim()
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
}
