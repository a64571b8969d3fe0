//! How often the pair was paused and resumed. The count goes with every heartbeat and is kept over
//! restarts: the newer one holds on both nodes, whichever was asked. Odd is paused. Zero knows nothing,
//! so that a node that lost its disk takes what its peer has. It is a byte: newer is meant as in
//! RFC 1982, within half of the circle.

export interface Pause {
  readonly count: number
  /** As the operator gave it; of another node's order: its name. */
  readonly reason: string
}

export const neverPaused: Pause = { count: 0, reason: '' }
export const pauseCountMax = 255

export function isPauseCount(count: number): boolean {
  return count % 2 === 1
}

/** The next count that says so; the present one if it does already. */
export function nextPauseCount(count: number, on: boolean): number {
  if (isPauseCount(count) === on) return count
  // Zero is left out at the turn of the circle; the one after 255, which is odd, is even.
  return count === pauseCountMax ? 2 : count + 1
}

export function isNewerPause(count: number, than: number): boolean {
  if (count === 0 || count === than) return false
  if (than === 0) return true
  return ((count - than) & pauseCountMax) < (pauseCountMax + 1) / 2
}
