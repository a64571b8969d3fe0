//! An emergency call to a busy line rings at its terminal beside the calls there (ED-137 sheet 5.6, 5.12), so
//! that whoever is called sees it, and may answer or decline it. It keeps its place in the queue meanwhile, and
//! rings so once.
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Conference, legOf, type Member } from '../../tables/wired-conference.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import type { Exchange } from '../wired/exchange.ts'
import { lineState } from '../wired/line.ts'
import { callerOf, callFirst, leaveOut } from '../wired/redirect.ts'
import { isPresent, isWaiting } from '../wired/sessions.ts'
import { play } from './call-tones.ts'

/** A position shows several calls; an ordinary telephone is rung when the call is not about to be let in.
 * @param presses it is */
export function ringsBeside(
  priority: string,
  { type }: PhoneBookEntry,
  { presses }: { readonly presses: boolean },
): boolean {
  return priority === 'emergency' && (type === 'position' || !presses)
}

/** Who rings for a call that waits. */
export function besideOf(session: Conference): Member | undefined {
  if (!isWaiting(session)) return undefined
  return session.members.find((one) => one.side === 'callee' && isPresent(one))
}

export function ringBeside(
  exchange: Exchange,
  { session, entry }: { readonly session: Conference; readonly entry: PhoneBookEntry },
  now: Now,
): CoreEffect[] {
  const line = lineState(exchange, entry, now)
  // A free line rings for the call whose turn it is.
  if (line.kind !== 'busy') return []
  return withSession(exchange, { sessionId: session.sessionId, now }, (call) => {
    const { queued } = call.session
    if (queued === null || !callFirst(call, line.user)) return
    // It waits on as long as it may wait for the line.
    exchange.timers.stop({ sessionId: session.sessionId, timer: 'no-answer' })
    play(call, callerOf(call), toneSet(exchange.plan.tones).ringback)
    call.change({ queued: { ...queued, rungAtMs: now.wallMs } })
  })
}

/** The terminal takes no second call, and the call waits on without it. A decline (6xx) is the word of its
 * user, and a 3xx names somebody else.
 * @returns false: it is for others to judge. */
export function waitsOn(call: Call, { leg, status }: Failed): boolean {
  const beside = besideOf(call.session)
  if (beside === undefined || legOf(beside) !== leg) return false
  if (status < 400 || status >= 600) return false
  leaveOut(call, leg, false)
  return true
}
