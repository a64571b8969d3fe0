//! Is the other system of a trunk there? A machine of one trunk, with hysteresis: one lost probe is no loss,
//! and one answer after a loss is no return.

export interface Probing {
  /** `unknown`: not asked yet, or not enough; calls may go there. */
  readonly state: 'unknown' | 'up' | 'down'
  /** Probes in a row that were lost, and that were answered. */
  readonly misses: number
  readonly hits: number
  /** Monotonic milliseconds of the last change of the state. */
  readonly sinceMs: number
}

export type ProbeEvent = 'answered' | 'missed'

/** In a row: that many lost ones are a loss, that many answered ones a return. */
const missesMax = 2
const hitsMin = 2

export function newProbing(nowMs: number): Probing {
  return { state: 'unknown', misses: 0, hits: 0, sinceMs: nowMs }
}

export function stepProbing(probing: Probing, event: ProbeEvent, nowMs: number): Probing {
  const misses = event === 'missed' ? probing.misses + 1 : 0
  const hits = event === 'answered' ? probing.hits + 1 : 0
  const state = nextState(probing.state, misses, hits)
  const sinceMs = state === probing.state ? probing.sinceMs : nowMs
  return { state, misses, hits, sinceMs }
}

function nextState(state: Probing['state'], misses: number, hits: number): Probing['state'] {
  if (misses >= missesMax) return 'down'
  if (state === 'down') return hits >= hitsMin ? 'up' : 'down'
  return hits > 0 ? 'up' : state
}

/** True while the next probes decide: they follow each other more quickly. */
export function isUncertain({ state, misses, hits }: Probing): boolean {
  return state === 'unknown' || misses === 1 || (state === 'down' && hits > 0)
}
