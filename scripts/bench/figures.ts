//! What a benchmark is, and small sums on lists of figures.

export interface BenchContext {
  /** Length of one measurement; a benchmark has several. */
  readonly seconds: number
  readonly say: (text: string) => void
}

export interface Spread {
  readonly count: number
  readonly min: number
  readonly median: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number) => round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN)
  return { count: sorted.length, min: at(0), median: at(0.5), max: at(1) }
}

/** One decimal below 1000, none above. */
export function round(value: number): number {
  return Math.abs(value) < 1_000 ? Math.round(value * 10) / 10 : Math.round(value)
}

/** Two decimals. */
export function ratio(value: number, to: number): number {
  return Math.round((value / to) * 100) / 100
}
