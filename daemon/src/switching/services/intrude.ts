//! Intrusion (强插, S1.30) and forced release (强拆, S1.31) after ED-137 sheet 5.6. A call that may do so
//! waits for the busy line in its queue (182); when its time is over and the line is still busy, it
//! enters the conversation (183, then 200), or the conversation is ended for it (Reason WG-67 1001). When
//! the line becomes free before, it rings as any call. All of it is in the records of both sessions.
import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { playTone } from '../bridge/leg-changes.ts'
import { answerMember } from '../conference/answer.ts'
import { makeConference } from '../conference/convert.ts'
import { newSeat } from '../conference/seat.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { refuse } from '../wired/refuse.ts'
import { endCall } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { directoryOf, dispatch, type SetUp } from '../wired/setup.ts'
import { wg67Reasons } from '../xip/ed137.ts'
import type { Urge } from '../xip/xip.ts'
import { moveMember } from './move-member.ts'
import type { Service } from './service.ts'

const name = 'intrude'
const waitingLeg = 'a'

export const intruding: Service = {
  name,
  invited,
  timer: onTime,
  changed: (exchange, { previous, next }) => {
    if (next !== null && previous?.queued?.urge !== next.queued?.urge) announce(exchange, next)
    if (previous !== null && next !== null && hasEnded(previous, next)) complete(exchange, next)
    return []
  },
  restore: (call) => startClock(call.exchange, call.session, call.now),
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

/** Whether the conversation of a busy account can be entered or ended for another call. */
export function mayBeUrged(exchange: Exchange, entry: PhoneBookEntry, urge: Urge): boolean {
  if (urge === 'intrude' && !profileOf(entry).rights.beIntruded) return false
  return victimOf(exchange, entry.number) !== null
}

/** A conversation of two that nobody else has entered: a transfer, a conference or an emergency call is
 * left alone, and one that still rings. */
function victimOf(exchange: Exchange, number: string): Conference | null {
  const talks = exchange.sessions.of(number).filter((session) => {
    const { type, state, callType, priority, transfer, members } = session
    const isCalm = type === 'ordinary' && state === 'communicating' && transfer === null
    return (
      isCalm &&
      callType === 'da-ida' &&
      priority !== 'emergency' &&
      members.filter(isPresent).every((member) => member.state === 'talking')
    )
  })
  return talks[0] ?? null
}

function waitMs(urge: Urge): number {
  return urge === 'intrude' ? limits.intrusionWaitMs : limits.interruptionWaitMs
}

function startClock(exchange: Exchange, session: Conference, now: Call['now']): void {
  const { queued, sessionId } = session
  if (isOver(session) || queued === null || queued.urge === null || queued.calledAtMs !== null)
    return
  const wholeMs = waitMs(queued.urge)
  // The wall clocks of the nodes may differ; the wait is never longer than a whole one.
  const waitedMs = Math.min(Math.max(now.wallMs - queued.sinceMs, 0), wholeMs)
  const timer = { sessionId, timer: 'service', service: name, leg: waitingLeg } as const
  exchange.timers.start(timer, now.monotonicMs + wholeMs - waitedMs)
}

/** The call has begun to wait: its clock runs, and who is to be interrupted is warned. */
function announce(exchange: Exchange, session: Conference): void {
  const { queued, sessionId } = session
  if (queued === null || queued.urge === null) return
  exchange.followUps.push((now) => {
    startClock(exchange, session, now)
    const victim = queued.urge === 'release' ? victimOf(exchange, queued.number) : null
    if (victim === null) return []
    return withSession(exchange, { sessionId: victim.sessionId, now }, (call) => {
      call.log('info', 'a call is about to be interrupted', { for: sessionId })
      warn(call, { text: 'Interruption is impending', tone: 'interruption' })
    })
  })
}

/** The time is over and the line is still busy. Otherwise the call has rung, or goes on waiting. */
function onTime(call: Call): void {
  const { exchange, sessionId } = call
  const { queued } = call.session
  if (isOver(call.session) || queued === null || queued.calledAtMs !== null) return
  const { urge, number } = queued
  const victim = urge === null ? null : victimOf(exchange, number)
  if (urge === null || victim === null) return
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId: victim.sessionId, now }, (talk) => {
      if (urge === 'release') interrupt(talk, sessionId)
      else enter(talk, { sessionId, number })
    }),
  )
}

/** The line is free then, and the call that waits for it rings. */
function interrupt(talk: Call, sessionId: string): void {
  if (isOver(talk.session)) return
  talk.log('warn', 'a call is released for another one')
  talk.used('forced-release')
  usedBy(talk.exchange, sessionId, 'forced-release')
  const headers = [{ name: 'Reason', value: wg67Reasons.forcedRelease }]
  endCall(talk, { by: 'switch', status: 200, headers })
}

/** The call for which it was done has used it, too. */
function usedBy(exchange: Exchange, sessionId: string, service: string): void {
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId, now }, (call) => call.used(service)),
  )
}

const inProgress = 'Intrusion in progress'

function enter(talk: Call, from: { readonly sessionId: string; readonly number: string }): void {
  const { exchange, session, now } = talk
  const intruder = exchange.sessions.memberOf({ sessionId: from.sessionId, leg: waitingLeg })
  if (isOver(session) || session.focus !== null || intruder === undefined) return
  if (!isPresent(intruder) || intruder.dialog.pendingServer?.final !== null) return
  if (!makeConference(talk, from.number)) {
    // A change of the call is under way, which takes a moment.
    tryAgain(talk, from.sessionId)
    return
  }
  usedBy(exchange, from.sessionId, 'intrusion')
  const leg = moveMember(talk, { sessionId: from.sessionId, leg: waitingLeg })
  if (leg === null) return
  const seat = newSeat(undefined, { user: intruder.user, wg67Version: session.wg67Version, now })
  talk.changeMember(leg, { seat })
  talk.change({ intrusion: { leg, number: from.number, atMs: now.wallMs } })
  talk.respond(leg, 'pendingServer', 183, { reason: inProgress })
  answerMember(talk, leg)
  talk.log('warn', 'a call enters another one', { intruder: intruder.user, number: from.number })
  warn(talk, { text: inProgress, tone: 'intrusion' })
}

function tryAgain({ exchange, now }: Call, sessionId: string): void {
  const timer = { sessionId, timer: 'service', service: name, leg: waitingLeg } as const
  exchange.timers.start(timer, now.monotonicMs + limits.queueRetryMs)
}

/** ED-137 sheet 5.6: an INFO to every member, and the tone that their terminals may not make. */
function warn(
  call: Call,
  { text, tone }: { readonly text: string; readonly tone: 'intrusion' | 'interruption' },
): void {
  const { wiredMedia } = call.exchange.options.tables
  for (const member of call.session.members) {
    if (!isTalking(member)) continue
    const leg = legOf(member)
    tell(call, leg, text)
    const record = wiredMedia.get(member.mediaId)
    const pattern = toneSet(call.exchange.plan.tones)[tone]
    if (record !== undefined) wiredMedia.put(playTone(record, pattern, call.now.tick))
  }
}

function tell(call: Call, leg: Leg, text: string): void {
  // Another INFO of a terminal is on its way there: the tone says the same.
  if (call.dialog(leg).relayClient !== null) return
  const headers = [{ name: 'Content-Type', value: 'text/plain' }]
  call.request(leg, 'relayClient', { method: 'INFO', headers, body: text })
}

function isTalking({ state }: Member): boolean {
  return state === 'talking' || state === 'hold'
}

/** The intruder has left, or one of those who talked before. */
function hasEnded(previous: Conference, next: Conference): boolean {
  if (next.intrusion === null || isOver(next)) return false
  const talking = (session: Conference) => session.members.filter(isTalking).length
  return talking(previous) >= 3 && talking(next) < 3
}

function complete(exchange: Exchange, { sessionId }: Conference): void {
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId, now }, (call) => {
      if (isOver(call.session)) return
      call.change({ intrusion: null })
      for (const member of call.session.members) {
        if (isTalking(member)) tell(call, legOf(member), 'Intrusion completed')
      }
    }),
  )
}
