//! Direction attributes (RFC 3264 5.1, 6.1) as two bits. `Said` by one side: whether it sends and
//! whether it receives.
import type { Direction } from '../../tables/wired-media.ts'

function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

export function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

function direction(send: boolean, receive: boolean): Direction {
  if (send) return receive ? 'sendrecv' : 'sendonly'
  return receive ? 'recvonly' : 'inactive'
}

/** The other way round: what a terminal does on a leg on which we do this. */
export function ofTerminal(ours: Direction, isMuted: boolean): Direction {
  return direction(receives(ours) && !isMuted, sends(ours))
}

/** What we do on a leg on which we said `ours` and the terminal said `theirs`; as an answer, it is
 * also the most that we can say. */
export function meet(ours: Direction, theirs: Direction): Direction {
  return direction(sends(ours) && receives(theirs), receives(ours) && sends(theirs))
}

/** What a terminal that answered `theirs` to our `ours` would say if we had withheld nothing. */
export function withoutUs(theirs: Direction, ours: Direction): Direction {
  return direction(sends(theirs) || !receives(ours), receives(theirs) || !sends(ours))
}

/** True when a side to which we said `ours` can do all that `wanted` would let it do. */
export function lets(ours: Direction, wanted: Direction): boolean {
  return (sends(ours) || !sends(wanted)) && (receives(ours) || !receives(wanted))
}

/** A side that does not want to hear any more has put the call on hold (RFC 3264 8.4). */
export function isHold(theirs: Direction): boolean {
  return !receives(theirs)
}
