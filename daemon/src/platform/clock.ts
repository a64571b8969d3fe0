//! The two clocks. Every other room takes the time as an argument.

/** CLOCK_MONOTONIC in milliseconds with a fraction; the same clock in all processes of a node. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Milliseconds since 1970, UTC; may jump. For people and call records only. */
export function wallMs(): number {
  return Date.now()
}
