//! When the next heartbeat is due (S1.64): absolute times, so that a late one does not delay those after it.

/** @param dueAt of the heartbeat that leaves now. Periods that were missed are not made up for. */
export function nextPeriod(dueAt: number, now: number, heartbeatMs: number): number {
  const next = dueAt + heartbeatMs
  return next > now ? next : now + heartbeatMs
}
