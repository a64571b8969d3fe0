//! Somebody who is in a call, or calls, comes into a conference by the word of another one: a call of his is
//! forwarded there, or he is transferred. His leg goes on; when nobody has opened the conference yet, the
//! session that he is in becomes it.
import type { Leg } from '../../tables/wired-conference.ts'
import type { ConferencePlan } from '../plan.ts'
import { stop } from '../services/call-tones.ts'
import { moveMember } from '../services/move-member.ts'
import { type Call, withSession } from '../wired/call.ts'
import { reconnect } from '../wired/media.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { answerMember } from './answer.ts'
import { tellFocus } from './convert.ts'
import { invite } from './invite.ts'
import { leave, takePlace } from './leave.ts'
import { membersMaxOf, newFocus } from './open.ts'
import { askForPin, isAskedForPin } from './pin.ts'
import { isPlanned, newSeat, seatsOf } from './seat.ts'

export interface Entrance {
  /** Number of the conference. */
  readonly conference: string
  /** Absent: it was built from a call, and runs. */
  readonly plan: ConferencePlan | undefined
  /** The member whose seat is given to him; null: he gets one of his own. */
  readonly replaced: Leg | null
}

/** @returns 0, or the status that says why he may not get in. */
export function mayEnter({ exchange }: Call, user: string, plan: ConferencePlan): number {
  const running = exchange.sessions.conference(plan.number)
  const isLocked = running?.focus?.locked ?? plan.locked
  if (isLocked && !isPlanned(plan, user)) return 603
  const { pinHash } = running?.focus ?? plan
  const isAsked = isAskedForPin(pinHash, plan, user)
  if (isAsked && !exchange.resources.hasBridges(1)) return 503
  const entry = exchange.options.tables.phoneBook.get(user)
  const former = running === undefined ? [] : seatsOf(running, entry)
  const count = (running?.members.filter(isPresent).length ?? 0) - former.length
  return count >= (running?.focus?.membersMax ?? membersMaxOf(plan)) ? 486 : 0
}

/** @param leg the only one who is left in his session, and may enter. */
export function enterConference(call: Call, leg: Leg, entrance: Entrance): void {
  const { exchange, sessionId, now } = call
  const { conference, plan } = entrance
  if (exchange.sessions.conference(conference) !== undefined) {
    enterRunning(call, leg, entrance)
    return
  }
  if (plan === undefined) return
  const { user } = call.member(leg)
  if (call.session.answeredAtMs === null) exchange.answered += 1
  exchange.timers.stop({ sessionId, timer: 'no-answer' })
  const answeredAtMs = call.session.answeredAtMs ?? now.wallMs
  call.change({ type: 'preset', state: 'communicating', answeredAtMs, focus: newFocus(plan, user) })
  sit(call, leg, entrance)
  if (plan.kind !== 'preset' || isOver(call.session)) return
  for (const { number } of plan.members) if (number !== user) invite(call, number)
}

/** His session ends without him. */
function enterRunning(call: Call, leg: Leg, entrance: Entrance): void {
  const { exchange } = call
  const from = { sessionId: call.sessionId, leg }
  const entry = exchange.options.tables.phoneBook.get(call.member(leg).user)
  exchange.followUps.push((now) => {
    const running = exchange.sessions.conference(entrance.conference)
    if (running === undefined) return []
    return withSession(exchange, { sessionId: running.sessionId, now }, (conference) => {
      const former = seatsOf(running, entry)
      const moved = moveMember(conference, from)
      if (moved === null) return
      for (const member of former) takePlace(conference, member)
      sit(conference, moved, entrance)
      const { replaced } = entrance
      if (replaced !== null && isSeated(conference, replaced)) {
        leave(conference, replaced, { status: 200 })
      }
    })
  })
}

/** The focus is the other end from now on. */
function sit(call: Call, leg: Leg, { plan, replaced }: Entrance): void {
  const { user, side, dialog } = call.member(leg)
  const wg67Version = side === 'caller' ? call.session.wg67Version : ''
  call.changeMember(leg, { seat: newSeat(plan, { user, wg67Version, now: call.now }) })
  const { pinHash } = call.session.focus ?? { pinHash: null }
  stop(call, leg)
  const isAsked = replaced === null && isAskedForPin(pinHash, plan, user)
  if (isAsked && !askForPin(call, leg)) {
    leave(call, leg, { status: 503 })
    return
  }
  const open = dialog.pendingServer
  if (open !== null && open.method === 'INVITE' && open.final === null) answerMember(call, leg)
  else {
    tellFocus(call, call.member(leg))
    reconnect(call, leg)
  }
}

function isSeated(call: Call, leg: Leg): boolean {
  return call.has(leg) && isPresent(call.member(leg))
}
