//! The two clocks. Every other room takes the time as an argument.

/** What reads the time; the simulator has one of its own. */
export interface Clock {
  monotonicMs(): number
  wallMs(): number
}

/** CLOCK_MONOTONIC in milliseconds with a fraction; the same clock in all processes of a node. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Milliseconds since 1970, UTC; may jump. For people and call records only. */
export function wallMs(): number {
  return Date.now()
}

export const systemClock: Clock = { monotonicMs, wallMs }
