//! G.711 for sixteen samples at once, both laws, exact.

/** Sixteen codes at `from` as sixteen samples at `to`. */
@inline
export function decode16(from: usize, to: usize, mu: bool): void {
  const x = v128.load(from)
  const low = i16x8.extend_low_i8x16_u(x)
  const high = i16x8.extend_high_i8x16_u(x)
  v128.store(to, mu ? decodeMu(low) : decodeA(low))
  v128.store(to + 16, mu ? decodeMu(high) : decodeA(high))
}

/** G.711 table 1: the even bits are inverted, bit 7 set means positive. */
@inline
function decodeA(codes: v128): v128 {
  const c = v128.xor(codes, i16x8.splat(0x55))
  const segment = v128.and(i16x8.shr_u(c, 4), i16x8.splat(7))
  const step = v128.or(i16x8.shl(v128.and(c, i16x8.splat(15)), 4), i16x8.splat(8))
  const leading = v128.and(i16x8.gt_s(segment, i16x8.splat(0)), i16x8.splat(256))
  const powers = i8x16(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0)
  const power = i8x16.swizzle(powers, v128.or(segment, i16x8.splat(0x0f00)))
  const size = i16x8.mul(v128.or(step, leading), power)
  const positive = i16x8.ge_s(v128.and(c, i16x8.splat(0x80)), i16x8.splat(1))
  return v128.bitselect(size, i16x8.neg(size), positive)
}

/** G.711 table 2: all bits are inverted, then bit 7 set means negative. */
@inline
function decodeMu(codes: v128): v128 {
  const c = v128.xor(codes, i16x8.splat(0xff))
  const segment = v128.and(i16x8.shr_u(c, 4), i16x8.splat(7))
  const step = i16x8.add(i16x8.shl(v128.and(c, i16x8.splat(15)), 3), i16x8.splat(132))
  const powers = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0)
  const power = i8x16.swizzle(powers, v128.or(segment, i16x8.splat(0x0f00)))
  const size = i16x8.sub(i16x8.mul(step, power), i16x8.splat(132))
  const negative = i16x8.ge_s(v128.and(c, i16x8.splat(0x80)), i16x8.splat(1))
  return v128.bitselect(i16x8.neg(size), size, negative)
}

/** Exponent and four bits of mantissa of a float are segment and step of the code. */
@inline
function segmentAndStep(size: v128): v128 {
  return i32x4.sub(i32x4.shr_u(f32x4.convert_i32x4_s(size), 19), i32x4.splat(134 << 4))
}

@inline
function magnitudeA(size: v128): v128 {
  const small = i32x4.lt_s(size, i32x4.splat(256))
  return v128.bitselect(i32x4.shr_u(size, 4), segmentAndStep(size), small)
}

@inline
function encodeA(x: v128): v128 {
  const sign = i16x8.shr_s(x, 15)
  const size = v128.xor(x, sign)
  const low = magnitudeA(i32x4.extend_low_i16x8_u(size))
  const high = magnitudeA(i32x4.extend_high_i16x8_u(size))
  const code = i16x8.narrow_i32x4_u(low, high)
  return v128.xor(code, v128.bitselect(i16x8.splat(0x55), i16x8.splat(0xd5), sign))
}

@inline
function encodeMu(x: v128): v128 {
  const sign = i16x8.shr_s(x, 15)
  // Negative samples by their ones' complement, as for A-law; the bias stays in the last segment.
  const biased = i16x8.add(v128.xor(x, sign), i16x8.splat(132))
  const size = i16x8.min_u(biased, i16x8.splat(32767))
  const low = segmentAndStep(i32x4.extend_low_i16x8_u(size))
  const high = segmentAndStep(i32x4.extend_high_i16x8_u(size))
  const code = i16x8.narrow_i32x4_u(low, high)
  return v128.xor(code, v128.bitselect(i16x8.splat(0x7f), i16x8.splat(0xff), sign))
}

/** Sixteen samples as sixteen codes. */
@inline
export function encode16(a: v128, b: v128, to: usize, mu: bool): void {
  const low = mu ? encodeMu(a) : encodeA(a)
  const high = mu ? encodeMu(b) : encodeA(b)
  v128.store(to, i8x16.narrow_i16x8_u(low, high))
}
