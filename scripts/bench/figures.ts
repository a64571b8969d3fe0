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

export interface ResponseTimes {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function responseTimes(values: readonly number[]): ResponseTimes {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number) => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
    return Math.round(value * 100) / 100
  }
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}
