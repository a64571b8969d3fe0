//! Direction attributes (RFC 3264 5.1, 6.1) as two bits. `Said` by one side: whether it sends and
//! whether it receives.
import type { Direction } from '../../tables/wired-media.ts'

function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

export function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

/** What we do on a leg on which we said `ours` and the terminal said `theirs`; as an answer, it is
 * also the most that we can say. */
export function meet(ours: Direction, theirs: Direction): Direction {
  const send = sends(ours) && receives(theirs)
  const receive = receives(ours) && sends(theirs)
  if (send) return receive ? 'sendrecv' : 'sendonly'
  return receive ? 'recvonly' : 'inactive'
}

/** A side that does not want to hear any more has put the call on hold (RFC 3264 8.4). */
export function isHold(theirs: Direction): boolean {
  return !receives(theirs)
}
