//! Tones in the same memory as the mixer: sines from a table, and the way of a tone into the coded
//! frame of a leg. Only integers; whoever plays sample n of a tone gets the same one.
import { decode16, encode16 } from './g711'

/** Samples in which a part of a cadence begins or ends (2 ms), so that it does not click. */
const EDGE: i32 = 16

/** The step behind `phase`. */
@inline
function after(phase: i32, step: i32): i32 {
  const next = phase + step
  return next >= 8000 ? next - 8000 : next
}

/** Adds a sine to `count` samples (a multiple of 8) at `to`.
 * @param table one period of 8000 samples, so that a step is a frequency in Hz
 * @param phase 0..7999 @param step 1..3999 @param amplitude with 15 binary places */
export function sine(
  table: usize,
  to: usize,
  count: i32,
  phase: i32,
  step: i32,
  amplitude: i32,
): void {
  const factor = i16x8.splat(<i16>amplitude)
  let p = phase
  for (let k = 0; k < count; k += 8) {
    let x = i16x8.splat(load<i16>(table + (<usize>p << 1)))
    p = after(p, step)
    x = v128.load16_lane(table + (<usize>p << 1), x, 1)
    p = after(p, step)
    x = v128.load16_lane(table + (<usize>p << 1), x, 2)
    p = after(p, step)
    x = v128.load16_lane(table + (<usize>p << 1), x, 3)
    p = after(p, step)
    x = v128.load16_lane(table + (<usize>p << 1), x, 4)
    p = after(p, step)
    x = v128.load16_lane(table + (<usize>p << 1), x, 5)
    p = after(p, step)
    x = v128.load16_lane(table + (<usize>p << 1), x, 6)
    p = after(p, step)
    x = v128.load16_lane(table + (<usize>p << 1), x, 7)
    p = after(p, step)
    const at = to + (<usize>k << 1)
    // (x * amplitude + 2^14) >> 15
    const wave = i16x8.q15mulr_sat_s(x, factor)
    v128.store(at, i16x8.add_sat_s(v128.load(at), wave))
  }
}

/** Makes the edges of a part soft: the `count` samples at `to` are number `first` and following of the
 * `length` that it has. */
export function fade(to: usize, count: i32, first: i32, length: i32): void {
  for (let k = 0; k < count; k++) {
    const edge = min(first + k + 1, length - first - k)
    if (edge >= EDGE) continue
    const at = to + (<usize>k << 1)
    store<i16>(at, <i16>((<i32>load<i16>(at) * edge) / EDGE))
  }
}

/** Codes the 160 samples at `from` into the frame at `to`, alone or added to what is there, and clears
 * them. The 32 bytes behind the samples are used. */
export function blend(from: usize, to: usize, alone: bool, mu: bool): void {
  const heard = from + 320
  for (let k: usize = 0; k < 160; k += 16) {
    let a = v128.load(from + k * 2)
    let b = v128.load(from + k * 2, 16)
    if (!alone) {
      decode16(to + k, heard, mu)
      a = i16x8.add_sat_s(a, v128.load(heard))
      b = i16x8.add_sat_s(b, v128.load(heard, 16))
    }
    encode16(a, b, to + k, mu)
    v128.store(from + k * 2, i16x8.splat(0))
    v128.store(from + k * 2, i16x8.splat(0), 16)
  }
}
