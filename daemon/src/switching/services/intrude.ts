//! Intrusion (强插, S1.30) and forced release (强拆, S1.31) after ED-137 sheet 5.6. A call that may do so
//! waits for the busy line in its queue (182); when its time is over and the line is still busy, it
//! enters the conversation (183, then 200), or the conversation is ended for it (Reason WG-67 1001). When
//! the line becomes free before, it rings as any call. All of it is in the records of both sessions.
import { profileOf } from '../../tables/profile.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Conference, legOf } from '../../tables/wired-conference.ts'
import { answerMember } from '../conference/answer.ts'
import { makeConference } from '../conference/convert.ts'
import { newSeat } from '../conference/seat.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { answeredElsewhere } from '../wired/forks.ts'
import { refuse } from '../wired/refuse.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { directoryOf, dispatch, type SetUp } from '../wired/setup.ts'
import type { Urge } from '../xip/xip.ts'
import { interrupt, owesRelief, tellOfRelief } from './interrupt.ts'
import { leaveTogether, takeMember } from './move-member.ts'
import {
  leaveAlone,
  pressAgain,
  pressing,
  pressingLeg,
  pressOf,
  relieveOf,
  startPressClock,
} from './press.ts'
import type { Service } from './service.ts'
import { isInside, tell, warn } from './warnings.ts'

export const intruding: Service = {
  name: pressing,
  invited,
  timer: onTime,
  changed: (exchange, change) => {
    const { previous, next } = change
    leaveAlone(exchange, change)
    if (next !== null && owesRelief(next)) relieveLater(exchange, next)
    if (previous !== null && next !== null && hasEnded(previous, next)) complete(exchange, next)
    return []
  },
  restore: (call) => {
    startPressClock(call.exchange, call.session, call.now)
    lookAgain(call)
  },
}

/** A take-over between two records: who has warned a conversation may be gone. */
function lookAgain({ exchange, session }: Call): void {
  const { sessionId, interruption } = session
  if (interruption === null) return
  if (owesRelief(session)) relieveLater(exchange, session)
  relieveOf(exchange, { sessionId, by: interruption.by })
}

/** Who was to be told that his conversation goes on can be told now. */
function relieveLater(exchange: Exchange, { sessionId }: Conference): void {
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId, now }, (call) => {
      if (!isOver(call.session)) tellOfRelief(call, call.session.interruption?.untold ?? [])
    }),
  )
}

/** Who may, asks for it: by the priority of the call, or by a code. */
function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  if (xip.urge !== null) return null
  const dialled = destinationOf(xip.destinationUser, directoryOf(exchange))
  if (dialled.kind === 'feature') {
    if (dialled.feature !== 'intrude' && dialled.feature !== 'forceRelease') return null
    const urge = dialled.feature === 'intrude' ? 'intrude' : 'release'
    // A code is an order: without the right it is refused, and not made a call of another kind.
    if (!mayUrge(exchange, xip.sourceUser, urge)) return refuse(exchange, invitation, 403)
    return dispatch({ ...work, xip: { ...xip, destinationUser: dialled.argument, urge } })
  }
  if (xip.priority !== 'emergency' || xip.callType !== 'da-ida') return null
  if (!mayUrge(exchange, xip.sourceUser, 'intrude')) return null
  return dispatch({ ...work, xip: { ...xip, urge: 'intrude' } })
}

function mayUrge(exchange: Exchange, user: string, urge: Urge): boolean {
  const entry = exchange.options.tables.phoneBook.get(user)
  if (entry === undefined) return false
  const { intrude, forceRelease } = profileOf(entry).rights
  return urge === 'intrude' ? intrude : forceRelease
}

/** The time is over and the conversation goes on. */
function onTime(call: Call): void {
  const { exchange, sessionId, session } = call
  const press = pressOf(session)
  if (press === null || session.queued === null) return
  const { urge, number } = session.queued
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId: press.sessionId, now }, (talk) => {
      if (urge === 'release') interrupt(talk, sessionId)
      else enter(talk, { sessionId, number })
    }),
  )
}

const inProgress = 'Intrusion in progress'

function enter(talk: Call, from: { readonly sessionId: string; readonly number: string }): void {
  const { exchange, session, now } = talk
  const intruder = exchange.sessions.memberOf({ sessionId: from.sessionId, leg: pressingLeg })
  if (isOver(session) || session.focus !== null || intruder === undefined) return
  if (!isPresent(intruder) || intruder.dialog.pendingServer?.final !== null) return
  if (!makeConference(talk, from.number)) {
    pressAgain(exchange, from.sessionId, now)
    return
  }
  const leg = takeMember(talk, { sessionId: from.sessionId, leg: pressingLeg })
  if (leg === null) return
  leaveLater(exchange, from.sessionId)
  const seat = newSeat(undefined, { user: intruder.user, wg67Version: session.wg67Version, now })
  talk.changeMember(leg, { seat })
  talk.change({ intrusion: { leg, number: from.number, atMs: now.wallMs } })
  talk.respond(leg, 'pendingServer', 183, { reason: inProgress })
  answerMember(talk, leg)
  talk.log('warn', 'a call enters another one', { intruder: intruder.user, number: from.number })
  warn(talk, { text: inProgress, tone: toneSet(exchange.plan.tones).intrusion })
}

/** The terminal that has rung for it beside the conversation shows no missed call. */
function leaveLater(exchange: Exchange, sessionId: string): void {
  const headers = [{ name: 'Reason', value: answeredElsewhere }]
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId, now }, (left) => {
      left.used('intrusion')
      leaveTogether(left, [pressingLeg], headers)
    }),
  )
}

/** The intruder has left, or one of those who talked before. */
function hasEnded(previous: Conference, next: Conference): boolean {
  if (next.intrusion === null || isOver(next)) return false
  const talking = (session: Conference) => session.members.filter(isInside).length
  return talking(previous) >= 3 && talking(next) < 3
}

function complete(exchange: Exchange, { sessionId }: Conference): void {
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId, now }, (call) => {
      if (isOver(call.session)) return
      call.change({ intrusion: null })
      for (const member of call.session.members) {
        if (isInside(member)) tell(call, legOf(member), 'Intrusion completed')
      }
    }),
  )
}
