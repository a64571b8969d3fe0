//! Tones in the same memory as the mixer: sines from a table, and the way of a tone into the coded
//! frame of a leg. Only integers; whoever plays sample n of a tone gets the same one.
import { decode16, encode16 } from './g711'

/** Samples in which a part of a cadence begins or ends (2 ms), so that it does not click. */
const EDGE: i32 = 16

/** Adds a sine to `count` samples at `to`.
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
  for (let k = 0; k < count; k++) {
    const x = (<i32>load<i16>(table + (<usize>phase << 1)) * amplitude + 16384) >> 15
    const at = to + (<usize>k << 1)
    store<i16>(at, <i16>max(-32768, min(32767, <i32>load<i16>(at) + x)))
    phase += step
    if (phase >= 8000) phase -= 8000
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

/** Codes the 160 samples at `from` into the frame at `to`, alone or added to what is there. The 32
 * bytes behind the samples are used. */
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
  }
}
