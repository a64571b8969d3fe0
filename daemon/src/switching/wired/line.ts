//! The line of an account: is it there, is it free. What every way to a terminal asks before it rings.
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import type { User } from '../../tables/user.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import type { Now } from '../effects.ts'
import { liveBindings, userWith } from '../registrar/bindings.ts'
import { ringsThrough } from '../xip/xip.ts'
import type { Exchange } from './exchange.ts'
import { isWaiting } from './sessions.ts'

export type LineState =
  | { readonly kind: 'free'; readonly user: User }
  /** All calls that the account may have at the same time. */
  | { readonly kind: 'busy'; readonly user: User }
  | { readonly kind: 'not-registered' }
  /** Someone registered the switch itself: the call would come back for ever. */
  | { readonly kind: 'loop' }

export function lineState(exchange: Exchange, entry: PhoneBookEntry, now: Now): LineState {
  const { tables, sipPort } = exchange.options
  const user = tables.user.get(entry.number)
  const live = liveBindings(user, now.wallMs)
  const elsewhere = live.filter(
    ({ address, port }) => !(exchange.addresses.includes(address) && port === sipPort),
  )
  const there = user === undefined ? null : userWith(user, elsewhere)
  if (there === null) return { kind: live.length === 0 ? 'not-registered' : 'loop' }
  const { calls } = profileOf(entry).line
  const kind = telephoneCalls(exchange, entry.number).length >= calls ? 'busy' : 'free'
  return { kind, user: there }
}

/** False: its user does not want to be disturbed, but by calls that ring through (优先呼叫). */
export function mayRing(entry: PhoneBookEntry, priority: string): boolean {
  return ringsThrough(priority) || !profileOf(entry).settings.doNotDisturb
}

/** The calls that occupy the line: instantaneous access and monitoring have resources of their own
 * (ED-137 sheet 5.4, 5.5), and what rings beside them waits for it. */
export function telephoneCalls({ sessions }: Exchange, number: string): Conference[] {
  return sessions.of(number).filter((session) => {
    const isBeside = session.queued?.number === number && isWaiting(session)
    return session.callType === 'da-ida' && !isBeside
  })
}
