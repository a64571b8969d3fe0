//! G.711 A-law and mu-law <-> 16-bit linear, scalar and exact: the oracle of the mixer. Values are
//! those of the ITU-T reference (G.191): 13 bits (A) and 14 bits (mu) at the top of 16, negative
//! samples coded by their ones' complement.

/** Even bits are inverted on the line (G.711 table 1a, note 1). */
const aLawInversion = 0x55
/** Added before the mu-law segment is found, in 14-bit units. */
const muLawBias = 33
const muLawMagnitudeMax = 0x1fff

function expandALaw(code: number): number {
  const plain = code ^ aLawInversion
  const segment = (plain >> 4) & 7
  const step = plain & 15
  // Segments 0 and 1 have the same step; the value is the middle of the interval.
  const magnitude = segment === 0 ? (step << 4) + 8 : ((step << 4) + 0x108) << (segment - 1)
  return (plain & 0x80) !== 0 ? magnitude : -magnitude
}

function expandMuLaw(code: number): number {
  const plain = ~code
  const segment = (plain >> 4) & 7
  const step = plain & 15
  const magnitude = (((step << 1) + muLawBias) << segment) - muLawBias
  return (code & 0x80) !== 0 ? magnitude * 4 : magnitude * -4
}

const aLawValues = Int16Array.from({ length: 256 }, (_, code) => expandALaw(code))
const muLawValues = Int16Array.from({ length: 256 }, (_, code) => expandMuLaw(code))

/** The sample of an A-law octet, -32256..32256. */
export function aLawToLinear(code: number): number {
  return aLawValues[code & 0xff] ?? 0
}

/** The sample of a mu-law octet, -32124..32124. */
export function muLawToLinear(code: number): number {
  return muLawValues[code & 0xff] ?? 0
}

/** The A-law octet of a sample, -32768..32767. */
export function linearToALaw(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 4
  const sign = sample < 0 ? 0 : 0x80
  if (magnitude < 16) return (sign | magnitude) ^ aLawInversion
  // The highest set bit, counted from bit 4, is the segment less one.
  const segment = 28 - Math.clz32(magnitude)
  const step = (magnitude >> (segment - 1)) & 15
  return (sign | (segment << 4) | step) ^ aLawInversion
}

/** The mu-law octet of a sample, -32768..32767. */
export function linearToMuLaw(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 2
  const biased = Math.min(magnitude + muLawBias, muLawMagnitudeMax)
  const segment = 26 - Math.clz32(biased)
  const step = (biased >> (segment + 1)) & 15
  const plain = (segment << 4) | step
  return (sample < 0 ? 0x7f : 0xff) - plain
}
