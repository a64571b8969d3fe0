//! The loop of the dgram back end: a timer of Node for each slot.
import type { MediaUnit } from './unit.ts'

/** @returns the function that ends the loop. */
export function runDgramLoop(unit: MediaUnit, monotonicMs: () => number): () => void {
  let timer: NodeJS.Timeout
  const next = () => {
    const waitMs = Math.max(0, Math.ceil(unit.nextDueMs() - monotonicMs()))
    timer = setTimeout(() => {
      unit.runDue()
      next()
    }, waitMs)
  }
  next()
  return () => clearTimeout(timer)
}
