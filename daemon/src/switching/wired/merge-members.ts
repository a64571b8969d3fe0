//! A conference that both nodes served while they were apart (ADR 0001): its members of both sides are one
//! conference again. Pure.
//!
//! | own | given | then |
//! |---|---|---|
//! | there | there | the record with more signalling progress; numbers that either has used are used up |
//! | there | left | left: its terminal ended it there; and the other way round |
//! | there | - , and was there once | left |
//! | there | - , never seen | came here meanwhile: stays; and the other way round |
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { isPresent } from './sessions.ts'

interface Union {
  readonly session: Conference
  /** Members that only the given side has; to be restored here. */
  readonly given: readonly Leg[]
  /** Own members that left there. */
  readonly left: readonly Member[]
}

/** @param newer of two records of one member the one with more progress, its numbers used up */
export function unionOf(
  own: Conference,
  given: Conference,
  newer: (a: Member, b: Member) => Member,
): Union {
  const members: Member[] = []
  const left: Member[] = []
  const added: Leg[] = []
  for (const member of own.members) {
    const other = given.members.find((one) => legOf(one) === legOf(member))
    const isGone = other === undefined ? wasIn(given, member) : !isPresent(other)
    if (isPresent(member) && isGone) left.push(member)
    else members.push(other === undefined || !isPresent(member) ? member : newer(member, other))
  }
  for (const member of given.members) {
    const leg = legOf(member)
    const isKnown = own.members.some((one) => legOf(one) === leg) || wasIn(own, member)
    if (isKnown || !isPresent(member)) continue
    members.push(member)
    added.push(leg)
  }
  return { session: { ...own, ...commonOf(own, given), members }, given: added, left }
}

function wasIn({ history }: Conference, member: Member): boolean {
  return history?.parties.some(({ leg }) => leg === legOf(member)) ?? false
}

function commonOf(own: Conference, given: Conference): Partial<Conference> {
  const legCount = Math.max(own.legCount ?? 0, given.legCount ?? 0)
  const { focus } = own
  if (focus === null || given.focus === null) return { legCount }
  return { legCount, focus: { ...focus, locked: focus.locked || given.focus.locked } }
}
