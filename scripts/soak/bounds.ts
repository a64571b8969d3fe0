//! What can be said after N trials: an upper bound that holds with 95 %. Pure.

/** Poisson: the mean at which so few or fewer are seen in 5 of 100 worlds. 3 for none: the rule of three. */
function mean95(seen: number): number {
  if (seen === 0) return 3
  let low = seen
  let high = 3 + seen * 4
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2
    if (atMost(seen, middle) > 0.05) low = middle
    else high = middle
  }
  return high
}

function atMost(seen: number, mean: number): number {
  let term = Math.exp(-mean)
  let sum = term
  for (let one = 1; one <= seen; one += 1) {
    term *= mean / one
    sum += term
  }
  return sum
}

/** Upper bound of the share of trials in which it happens. */
export function bound95(seen: number, trials: number): number {
  return trials === 0 ? 1 : Math.min(1, mean95(seen) / trials)
}

/** Value that so many of 100 do not exceed. */
export function percentile(values: readonly number[], percent: number): number | null {
  const sorted = values.toSorted((one, other) => one - other)
  const index = Math.ceil((percent / 100) * sorted.length) - 1
  return sorted[Math.max(0, index)] ?? null
}
