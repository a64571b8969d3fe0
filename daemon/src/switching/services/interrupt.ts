//! The end of a conversation for another call (强拆, S1.31; ED-137 sheet 5.6): its members are warned, and it
//! ends with its reason; or the other call goes without it, and they are told so. Both are in the record of
//! the conversation, so that a warning ends after a take-over, too.
import { limits } from '../../limits.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { endCall } from '../wired/release.ts'
import { isOver } from '../wired/sessions.ts'
import { wg67Reasons } from '../xip/ed137.ts'
import { stop } from './call-tones.ts'
import { isInside, tell, warn } from './warnings.ts'

/** @param by the session that waits for the end of this one. */
export function warnOfEnd(call: Call, by: string): void {
  const { interruption: pattern } = toneSet(call.exchange.plan.tones)
  // It lasts as long as the warning; a member who goes elsewhere meanwhile does not hear it for ever.
  const onceMs = pattern.parts.reduce((sum, { ms }) => sum + ms, 0)
  const tone = { ...pattern, times: Math.ceil(limits.interruptionWaitMs / onceMs) }
  call.log('info', 'a call is about to be interrupted', { for: by })
  call.change({ interruption: { by, untold: null } })
  warn(call, { text: 'Interruption is impending', tone })
}

/** The line is free then, and the call that waits for it rings.
 * @param by its session */
export function interrupt(call: Call, by: string): void {
  if (isOver(call.session)) return
  call.log('warn', 'a call is released for another one')
  call.used('forced-release')
  const { exchange } = call
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId: by, now }, (other) => other.used('forced-release')),
  )
  const headers = [{ name: 'Reason', value: wg67Reasons.forcedRelease }]
  endCall(call, { by: 'switch', status: 200, headers })
}

/** The other call does not end it any more. */
export function relieve(
  exchange: Exchange,
  { sessionId, by }: { readonly sessionId: string; readonly by: string },
  now: Now,
): CoreEffect[] {
  const warned = exchange.sessions.get(sessionId)?.interruption
  if (warned == null || warned.by !== by || warned.untold !== null) return []
  return withSession(exchange, { sessionId, now }, (call) => {
    if (isOver(call.session)) return
    call.log('info', 'a call is not interrupted after all', { for: by })
    const inside = call.session.members.filter(isInside).map(legOf)
    for (const member of call.session.members) stop(call, legOf(member), 'interruption')
    tellOfRelief(call, inside)
  })
}

/** Its members were warned, and that is not taken back: it ends for one call at a time, whichever member the
 * calls wait for. */
export function isEnding({ interruption }: Conference): boolean {
  return interruption !== null && interruption.untold === null
}

/** All of its members can be told now, and what they are told is news. */
export function canBeWarned(session: Conference): boolean {
  const isOpen = ({ dialog }: Member) => dialog.relayClient !== null
  return !isEnding(session) && !session.members.filter(isInside).some(isOpen)
}

/** True when somebody can be told now who could not before. */
export function owesRelief({ interruption, members }: Conference): boolean {
  const untold = interruption?.untold ?? []
  return members.some(
    (one) => untold.includes(legOf(one)) && (!isInside(one) || one.dialog.relayClient === null),
  )
}

/** Whoever has another request of ours open is told when that is answered. */
export function tellOfRelief(call: Call, legs: readonly Leg[]): void {
  const untold = legs.filter((leg) => {
    const isThere = call.has(leg) && isInside(call.member(leg))
    return isThere && !tell(call, leg, 'Interruption Terminated')
  })
  const { interruption } = call.session
  if (interruption === null) return
  call.change({ interruption: untold.length === 0 ? null : { ...interruption, untold } })
}
