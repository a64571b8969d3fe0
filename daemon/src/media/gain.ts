//! Gain as integers, so that no two platforms round differently.
import { assert } from '../assert.ts'

const gainDbMin = -30

/** round(2^14 * 10^(dB / 20)) for -30..12 dB. */
const factors = [
  518, 581, 652, 732, 821, 921, 1034, 1160, 1301, 1460, 1638, 1838, 2063, 2314, 2597, 2914, 3269,
  3668, 4115, 4618, 5181, 5813, 6523, 7318, 8211, 9213, 10338, 11599, 13014, 14602, 16384, 18383,
  20626, 23143, 25967, 29135, 32690, 36679, 41155, 46177, 51811, 58134, 65227,
]

/** @param gainDb -30..12. @returns the factor with 14 binary places. */
export function gainFactor(gainDb: number): number {
  const factor = factors[gainDb - gainDbMin]
  assert(factor !== undefined, 'the gain is in its range')
  return factor
}
