//! The sine of the tones: one period as 16-bit samples. By a series of sums and products, which every
//! platform rounds alike; a function of the platform's library need not be the same on two nodes.

/** sin(x) for 0..pi/2, exact to less than 2^-50. */
function series(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; n <= 14; n++) {
    term *= -(x * x) / (2 * n * (2 * n + 1))
    sum += term
  }
  return sum
}

/** @param length samples of the period, a multiple of four. */
export function sinePeriod(length: number): Int16Array {
  const quarter = length / 4
  return Int16Array.from({ length }, (_, k) => {
    const half = k % (2 * quarter)
    const place = half <= quarter ? half : 2 * quarter - half
    const size = Math.round(32_767 * series((place / quarter) * (Math.PI / 2)))
    return k < 2 * quarter ? size : -size
  })
}
