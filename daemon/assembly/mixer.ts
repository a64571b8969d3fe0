//! The mixer: G.711 in, weighted average without the listener's own voice, G.711 out (S1.47,
//! S1.56). It works in one memory that the media unit shares with the kernel; all arguments are
//! addresses in it. Only integers, and sums that do not depend on an order: two nodes with the same
//! input give the same bytes. One call handles one frame (one tick, 160 samples) of one bridge.
//!
//! The formula. A contributor m is a member whose voice is taken; x(m) is its frame after gain:
//!   x = saturate16((pcm * gain + 2^13) >> 14)      gain in Q14
//!   L = floor(sum |x| / 160)                       level of the frame
//!   W = 0     when sum |x| <= 1280 (idle line) and there are three or more contributors
//!   W = 1     when sum |x| <= 1280 and there are one or two contributors
//!   W = max(1, floor(L * L / (L + 512)))           otherwise: linear for voice, squared for noise
//! V is W of the frame before (0 for one that did not contribute then). n is the number of voices,
//! contributors with V or W not 0; s is the smallest shift with
//!   (max(sum W, sum V) >> s) + 2 n <= 2^14
//! In block b = 0..9 of 16 samples the weight runs from V to W:
//!   v = floor(V / 2^s), w = floor(W / 2^s), each at least 1 if it was not 0
//!   u(m,b) = max(1, v + trunc((w - v) * (b + 1) / 10))      0 when m is no voice
//! and listener j hears, with both sums over all voices except j,
//!   y = floor((sum u x + 32768 D + floor(D / 2)) / D) - 32768,  D = sum u;  0 when D = 0
//! So one voice alone is heard as it is, idle lines do not dilute, and an average cannot clip.
//! A missing half frame (80 samples) is that of the frame before at 3/4, six times; then silence.

import { decode16, encode16 } from './g711'

export { blend, fade, sine } from './tones'

const BLOCKS: i32 = 10
const FRAME: usize = 320
const IDLE: i32 = 1280
const KNEE: i32 = 512
const WEIGHTS: i32 = 16384

// Flags of a leg.
const TAKEN: i32 = 1
const SENT: i32 = 2
const MULAW: i32 = 4
const MAPPED: i32 = 8

// Fields of a leg, in bytes; the same numbers are in daemon/src/media/arena.ts.
const FLAGS: usize = 0
const POSITION: usize = 4
const SALT: usize = 8
const GAIN: usize = 12
const WEIGHT_BEFORE: usize = 16
const WEIGHT: usize = 20
const CONCEALED: usize = 24
const LOST: usize = 28
const RING: usize = 32
const OUT: usize = 36
const LAST: usize = 64

const RING_SAMPLES: u32 = 2048
const RING_TAGS: usize = 4096

/** `count` codes (a multiple of 16) as samples. For tests and for payloads outside of a ring. */
export function decode(from: usize, to: usize, count: i32, mu: bool): void {
  for (let k: usize = 0; k < <usize>count; k += 16) decode16(from + k, to + k * 2, mu)
}

/** `count` samples (a multiple of 16) as codes. */
export function encode(from: usize, to: usize, count: i32, mu: bool): void {
  for (let k: usize = 0; k < <usize>count; k += 16) {
    encode16(v128.load(from + k * 2), v128.load(from + k * 2 + 16), to + k, mu)
  }
}

/** Puts a payload into the ring of `leg` at sample `position` (a multiple of 16). The tag of each
 * 16 samples says which ones they are, so that nothing must ever be cleared.
 * @returns 0 when it was there already: the first copy counts. */
export function put(leg: usize, from: usize, count: u32, position: u32, salt: u32, mu: bool): i32 {
  const ring = <usize>load<u32>(leg + RING)
  if (load<u32>(tagAddress(ring, position)) == tagOf(position, salt)) return 0
  for (let k: u32 = 0; k < count; k += 16) {
    const at = position + k
    decode16(from + k, ring + ((at & (RING_SAMPLES - 1)) << 1), mu)
    store<u32>(tagAddress(ring, at), tagOf(at, salt))
  }
  return 1
}

@inline
function tagOf(position: u32, salt: u32): u32 {
  return (position >>> 4) ^ salt
}

@inline
function tagAddress(ring: usize, position: u32): usize {
  return ring + RING_TAGS + (((position & (RING_SAMPLES - 1)) >>> 4) << 2)
}

/** The 80 samples at `position`, or their concealment, into the last frame of `leg` at `half`. */
function takeHalf(leg: usize, position: u32, half: usize): void {
  const ring = <usize>load<u32>(leg + RING)
  const to = leg + LAST + half * 160
  let there = load<i32>(leg + FLAGS) & MAPPED
  const salt = load<u32>(leg + SALT)
  for (let k: u32 = 0; k < 80 && there; k += 16) {
    const at = position + k
    if (load<u32>(tagAddress(ring, at)) != tagOf(at, salt)) there = 0
  }
  if (!there) return conceal(leg, to)
  for (let k: u32 = 0; k < 80; k += 16) {
    const from = ring + (((position + k) & (RING_SAMPLES - 1)) << 1)
    v128.store(to + (k << 1), v128.load(from))
    v128.store(to + (k << 1) + 16, v128.load(from, 16))
  }
  store<i32>(leg + CONCEALED, 0)
}

function conceal(leg: usize, to: usize): void {
  const concealed = load<i32>(leg + CONCEALED)
  if (load<i32>(leg + FLAGS) & MAPPED) store<u32>(leg + LOST, load<u32>(leg + LOST) + 1)
  store<i32>(leg + CONCEALED, min(concealed + 1, 7))
  for (let k: usize = 0; k < 160; k += 16) {
    const x = v128.load(to + k)
    const faded = i16x8.q15mulr_sat_s(x, i16x8.splat(24576))
    v128.store(to + k, concealed < 6 ? faded : i16x8.splat(0))
  }
}

/** The last frame of `leg` with its gain, at `to`. @returns the sum of magnitudes. */
function applyGain(leg: usize, to: usize): i32 {
  const gain = load<i32>(leg + GAIN)
  let sum = i32x4.splat(0)
  for (let k: usize = 0; k < FRAME; k += 16) {
    let x = v128.load(leg + LAST + k)
    if (gain != 16384) {
      const factor = i32x4.splat(gain)
      const half = i32x4.splat(8192)
      const low = i32x4.mul(i32x4.extend_low_i16x8_s(x), factor)
      const high = i32x4.mul(i32x4.extend_high_i16x8_s(x), factor)
      x = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(low, half), 14),
        i32x4.shr_s(i32x4.add(high, half), 14),
      )
    }
    v128.store(to + k, x)
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.abs(x)))
  }
  return (
    i32x4.extract_lane(sum, 0) +
    i32x4.extract_lane(sum, 1) +
    i32x4.extract_lane(sum, 2) +
    i32x4.extract_lane(sum, 3)
  )
}

/** W of the formula. */
function weightOf(sum: i32, contributors: i32): i32 {
  if (sum <= IDLE) return contributors <= 2 ? 1 : 0
  const level = sum / 160
  return max(1, (level * level) / (level + KNEE))
}

// Parts of the scratch memory of one mix.
const SUMS: usize = 0 // 160 x i32: sum of u x
const DIVISORS: usize = 640 // 10 x i32: sum of u
const VOICES: usize = 704 // i32 for each voice: its number in the list
const MIX: usize = 1792 // 160 x i16: output before coding
const WEIGHTS_OF: usize = 2112 // 10 x i16 for each member, 32 bytes apart
const FRAMES: usize = 8192 // 320 bytes for each member

/** One frame of one bridge.
 * @param list addresses of the legs, four bytes each
 * @param scratch 8192 bytes and 320 for each member; at most 128 members */
export function mix(list: usize, members: i32, scratch: usize): void {
  const voices = take(list, members, scratch)
  if (voices > 1) sum(list, voices, scratch)
  let sharedA: usize = 0
  let sharedMu: usize = 0
  for (let j = 0; j < members; j++) {
    const leg = <usize>load<u32>(list + (<usize>j << 2))
    const flags = load<i32>(leg + FLAGS)
    const own = isVoice(leg)
    store<i32>(leg + WEIGHT_BEFORE, flags & TAKEN ? load<i32>(leg + WEIGHT) : 0)
    if (!(flags & SENT)) continue
    const mu = (flags & MULAW) != 0
    const out = <usize>load<u32>(leg + OUT)
    const shared = mu ? sharedMu : sharedA
    if (!own && shared) {
      copyFrame(shared, out)
    } else {
      speak(scratch, own ? j : -1, voices, out, mu)
      if (!own && mu) sharedMu = out
      if (!own && !mu) sharedA = out
    }
  }
}

@inline
function isVoice(leg: usize): bool {
  const taken = load<i32>(leg + FLAGS) & TAKEN
  return taken != 0 && (load<i32>(leg + WEIGHT) | load<i32>(leg + WEIGHT_BEFORE)) != 0
}

/** Takes the frames of all contributors and weighs them. @returns how many voices there are. */
function take(list: usize, members: i32, scratch: usize): i32 {
  let contributors = 0
  for (let m = 0; m < members; m++) {
    if (load<i32>(<usize>load<u32>(list + (<usize>m << 2)) + FLAGS) & TAKEN) contributors++
  }
  let voices = 0
  for (let m = 0; m < members; m++) {
    const leg = <usize>load<u32>(list + (<usize>m << 2))
    if (!(load<i32>(leg + FLAGS) & TAKEN)) {
      // What was heard before a pause must not come back as concealment after it.
      store<i32>(leg + CONCEALED, 7)
      continue
    }
    const position = load<u32>(leg + POSITION)
    takeHalf(leg, position, 0)
    takeHalf(leg, position + 80, 1)
    const level = applyGain(leg, scratch + FRAMES + <usize>m * FRAME)
    store<i32>(leg + WEIGHT, weightOf(level, contributors))
    if (!isVoice(leg)) continue
    store<i32>(scratch + VOICES + (<usize>voices << 2), m)
    voices++
  }
  return voices
}

/** The sums over all voices: of u x for each sample, of u for each block. */
function sum(list: usize, voices: i32, scratch: usize): void {
  const shift = shiftOf(list, voices, scratch)
  for (let k: usize = 0; k < VOICES; k += 16) v128.store(scratch + k, i32x4.splat(0))
  for (let i = 0; i < voices; i++) {
    const m = <usize>load<i32>(scratch + VOICES + (<usize>i << 2))
    const leg = <usize>load<u32>(list + (m << 2))
    const from = scaled(load<i32>(leg + WEIGHT_BEFORE), shift)
    const way = scaled(load<i32>(leg + WEIGHT), shift) - from
    for (let b = 0; b < BLOCKS; b++) {
      const u = max(1, from + (way * (b + 1)) / BLOCKS)
      store<i16>(scratch + WEIGHTS_OF + m * 32 + (<usize>b << 1), <i16>u)
      const divisor = scratch + DIVISORS + (<usize>b << 2)
      store<i32>(divisor, load<i32>(divisor) + u)
      addBlock(scratch + SUMS + <usize>b * 64, scratch + FRAMES + m * FRAME + <usize>b * 32, u)
    }
  }
}

@inline
function scaled(weight: i32, shift: i32): i32 {
  return weight == 0 ? 0 : max(1, weight >> shift)
}

function shiftOf(list: usize, voices: i32, scratch: usize): i32 {
  let now = 0
  let before = 0
  for (let i = 0; i < voices; i++) {
    const m = <usize>load<i32>(scratch + VOICES + (<usize>i << 2))
    const leg = <usize>load<u32>(list + (m << 2))
    now += load<i32>(leg + WEIGHT)
    before += load<i32>(leg + WEIGHT_BEFORE)
  }
  let shift = 0
  while ((max(now, before) >> shift) + 2 * voices > WEIGHTS) shift++
  return shift
}

/** Adds u x of sixteen samples. */
@inline
function addBlock(sums: usize, frame: usize, u: i32): void {
  const factor = i16x8.splat(<i16>u)
  const a = v128.load(frame)
  const b = v128.load(frame, 16)
  v128.store(sums, i32x4.add(v128.load(sums), i32x4.extmul_low_i16x8_s(a, factor)))
  v128.store(sums, i32x4.add(v128.load(sums, 16), i32x4.extmul_high_i16x8_s(a, factor)), 16)
  v128.store(sums, i32x4.add(v128.load(sums, 32), i32x4.extmul_low_i16x8_s(b, factor)), 32)
  v128.store(sums, i32x4.add(v128.load(sums, 48), i32x4.extmul_high_i16x8_s(b, factor)), 48)
}

/** What a listener hears, coded at `out`. `own` is its number if it is a voice, or -1. */
function speak(scratch: usize, own: i32, voices: i32, out: usize, mu: bool): void {
  const others = own < 0 ? voices : voices - 1
  if (others == 0) {
    const silence = mu ? i8x16.splat(<i8>0xff) : i8x16.splat(<i8>0xd5)
    for (let k: usize = 0; k < 160; k += 16) v128.store(out + k, silence)
  } else if (others == 1) {
    // u x / u is x: the one voice is heard as it is.
    const first = load<i32>(scratch + VOICES)
    const m = first == own ? load<i32>(scratch + VOICES + 4) : first
    encode(scratch + FRAMES + <usize>m * FRAME, out, 160, mu)
  } else {
    for (let b = 0; b < BLOCKS; b++) average(scratch, own, b)
    encode(scratch + MIX, out, 160, mu)
  }
}

/** Block `b` of the average without `own`. The division is exact: with D <= 2^14 the error of the
 * rounded-up reciprocal of 31 + e bits stays below 1 / D for every dividend below 2^16 D. */
function average(scratch: usize, own: i32, b: i32): void {
  let divisor = load<i32>(scratch + DIVISORS + (<usize>b << 2))
  let u = 0
  if (own >= 0) u = <i32>load<i16>(scratch + WEIGHTS_OF + <usize>own * 32 + (<usize>b << 1))
  divisor -= u
  const k = 62 - <i32>clz<u32>(divisor)
  const reciprocal = i32x4.splat(<i32>((((<u64>1) << k) + divisor - 1) / divisor))
  const offset = i32x4.splat((divisor << 15) + (divisor >> 1))
  const sums = scratch + SUMS + <usize>b * 64
  const to = scratch + MIX + <usize>b * 32
  const frame = scratch + FRAMES + <usize>max(own, 0) * FRAME + <usize>b * 32
  const factor = i16x8.splat(<i16>-u)
  for (let half: usize = 0; half < 2; half++) {
    const x = v128.load(frame + half * 16)
    const at = sums + half * 32
    const low = i32x4.add(v128.load(at), i32x4.extmul_low_i16x8_s(x, factor))
    const high = i32x4.add(v128.load(at, 16), i32x4.extmul_high_i16x8_s(x, factor))
    const a = divide(i32x4.add(low, offset), reciprocal, k)
    const c = divide(i32x4.add(high, offset), reciprocal, k)
    // The quotients are 0..65535; taken as two's complement they are 32768 too high.
    v128.store(to + half * 16, i16x8.sub(i16x8.narrow_i32x4_u(a, c), i16x8.splat(<i16>0x8000)))
  }
}

@inline
function divide(dividend: v128, reciprocal: v128, k: i32): v128 {
  const low = i64x2.shr_u(i64x2.extmul_low_i32x4_u(dividend, reciprocal), k)
  const high = i64x2.shr_u(i64x2.extmul_high_i32x4_u(dividend, reciprocal), k)
  return i32x4.shuffle(low, high, 0, 2, 4, 6)
}

@inline
function copyFrame(from: usize, to: usize): void {
  for (let k: usize = 0; k < 160; k += 16) v128.store(to + k, v128.load(from + k))
}
