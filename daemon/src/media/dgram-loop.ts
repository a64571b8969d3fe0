//! The loop of the dgram back end: a timer of Node for each slot.
import { limits } from '../limits.ts'
import type { MediaUnit } from './unit.ts'

/** @returns the function that ends the loop. */
export function runDgramLoop(unit: MediaUnit, monotonicMs: () => number): () => void {
  let timer: NodeJS.Timeout
  const next = () => {
    const waitMs = Math.max(0, Math.ceil(unit.nextDueMs() - monotonicMs()))
    const dueMs = monotonicMs() + waitMs
    const run = () => {
      unit.runDue()
      next()
    }
    timer = setTimeout(() => {
      // After a standstill the bus is read first, which is done after the timers.
      if (monotonicMs() - dueMs > limits.heartbeatMs) setImmediate(run)
      else run()
    }, waitMs)
  }
  next()
  return () => clearTimeout(timer)
}
