//! The place of a member in a conference, and who may take one.
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import type { Conference, Focus, Member, Seat } from '../../tables/wired-conference.ts'
import type { Now } from '../effects.ts'
import type { ConferencePlan } from '../plan.ts'
import { isPresent } from '../wired/sessions.ts'

/** The plan names who is called, how loud, and whether a member may talk; others talk like anybody. */
export function newSeat(
  plan: ConferencePlan | undefined,
  {
    user,
    wg67Version,
    now,
  }: { readonly user: string; readonly wg67Version: string; readonly now: Now },
): Seat {
  const planned = plan?.members.find(({ number }) => number === user)
  return {
    mayTalk: planned?.mayTalk ?? true,
    muted: false,
    selfMuted: null,
    gainDb: planned?.gainDb ?? 0,
    wg67Version,
    sinceMs: now.wallMs,
    room: null,
    digits: '',
    failures: 0,
  }
}

export function isPlanned(plan: ConferencePlan | undefined, user: string): boolean {
  return plan?.members.some(({ number }) => number === user) ?? false
}

/** True for one whose dialog stands: also while it is asked for the PIN. */
export function isConnected({ state }: Member): boolean {
  return state === 'talking' || state === 'hold'
}

/** The members with whom a user takes part; a gateway has many lines. */
export function seatsOf(session: Conference, entry: PhoneBookEntry | undefined): Member[] {
  if (entry === undefined || entry.type === 'gateway') return []
  return session.members.filter((member) => member.user === entry.number && isPresent(member))
}

/** The list of those who are away, with one more; each user once. */
export function withAway(focus: Focus, away: Focus['away'][number]): Focus['away'] {
  return [...withoutAway(focus, away.user), away].slice(-awayMax)
}

export function withoutAway(focus: Focus, user: string): Focus['away'] {
  return focus.away.filter((one) => one.user !== user)
}

const awayMax = 128
