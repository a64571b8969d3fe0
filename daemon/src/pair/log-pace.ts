//! Keeps a flood of equal events from being a flood of the log: many are told in one line, with their
//! number. Pure: the time is an argument, in milliseconds of CLOCK_MONOTONIC.

/** @returns what is called for each event: how many there were since the last that was told, this one
 * included, when a line is due, else 0. The first one is told at once. */
export function countBetween(periodMs: number): (now: number) => number {
  let toldAt = Number.NEGATIVE_INFINITY
  let count = 0
  return (now) => {
    count += 1
    if (now - toldAt < periodMs) return 0
    const told = count
    toldAt = now
    count = 0
    return told
  }
}
