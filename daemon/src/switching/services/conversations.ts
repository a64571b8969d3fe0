//! Which conversation of a busy account another call may enter or end (ED-137 sheet 5.6).
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import type { Conference, Member } from '../../tables/wired-conference.ts'
import type { Exchange } from '../wired/exchange.ts'
import { isPresent } from '../wired/sessions.ts'

/** Nobody of this site in it has said that his calls are his own. A gateway and a trunk stand for people of
 * another system, which has its own rules. */
export function isOpen({ options }: Exchange, { members }: Conference): boolean {
  return members.filter(isPresent).every(({ user, trunk }) => {
    const entry = options.tables.phoneBook.get(user)
    if (trunk !== null || entry === undefined || entry.type === 'gateway') return true
    return profileOf(entry).rights.beIntruded
  })
}

/** The oldest first. */
export function conversationsOf(exchange: Exchange, entry: PhoneBookEntry): Conference[] {
  if (!profileOf(entry).rights.beIntruded) return []
  const calls = exchange.sessions.of(entry.number)
  return calls.filter((session) => isCalm(session) && isOpen(exchange, session))
}

/** A conversation of two that nobody else has entered: a transfer, a conference and an emergency call are left
 * alone, and so is what is held or still rings. */
function isCalm({ type, state, callType, priority, transfer, members }: Conference): boolean {
  if (type !== 'ordinary' || state !== 'communicating' || callType !== 'da-ida') return false
  if (priority === 'emergency' || transfer !== null) return false
  return members.filter(isPresent).every(isTalking)
}

function isTalking({ state }: Member): boolean {
  return state === 'talking'
}
