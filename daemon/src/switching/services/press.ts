//! Calls that may enter a conversation or end it, and the conversations of the line that they wait for. Looked
//! at again whenever a call on the line changes: one call at a time presses in, as soon as there is a
//! conversation for it, and its time begins anew when that one is gone. All of it is in the records.
import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { isWaiting } from '../wired/sessions.ts'
import type { Urge } from '../xip/xip.ts'
import { conversationsOf } from './conversations.ts'
import { canBeWarned, isEnding, relieve, warnOfEnd } from './interrupt.ts'
import { ringBeside, ringsBeside } from './ring-beside.ts'
import type { SessionChange } from './service.ts'

/** Also the name of the clock. */
export const pressing = 'intrude'
export const pressingLeg = 'a'

/** What a call is about to enter or to end; null: nothing. */
export function pressOf(session: Conference | null) {
  if (session === null || !isWaiting(session)) return null
  return session.queued?.presses ?? null
}

/** A call that would come now would press in at once. */
export function wouldPress(
  exchange: Exchange,
  { entry, urge }: { readonly entry: PhoneBookEntry; readonly urge: Urge },
): boolean {
  if (exchange.queue.isPressed(entry.number)) return false
  return conversationsOf(exchange, entry).some((one) => urge === 'intrude' || !isEnding(one))
}

/** Something of these lines has changed. */
export function pressLater(exchange: Exchange, numbers: Iterable<string>): void {
  for (const number of numbers) {
    if (exchange.queue.length(number) === 0) continue
    exchange.followUps.push((now) => reconsider(exchange, number, now))
  }
}

/** Everybody of whose line a change says something. */
export function linesOf({ previous, next }: SessionChange): ReadonlySet<string> {
  const sessions = [previous, next].filter((session) => session !== null)
  const users = sessions.flatMap(({ members }) => members.map(({ user }) => user))
  return new Set([...users, ...sessions.flatMap(({ queued }) => queued?.number ?? [])])
}

/** A call that pressed in and has gone: what it was about to end goes on. */
export function leaveAlone(exchange: Exchange, { previous, next }: SessionChange): void {
  const before = pressOf(previous)
  if (before === null || previous === null || pressOf(next)?.sessionId === before.sessionId) return
  relieveOf(exchange, { sessionId: before.sessionId, by: previous.sessionId })
}

/** Unless it presses on that one anew by then, as after a take-over between their records. */
export function relieveOf(
  exchange: Exchange,
  { sessionId, by }: { readonly sessionId: string; readonly by: string },
): void {
  exchange.followUps.push((now) => {
    const isBack = pressOf(exchange.sessions.get(by) ?? null)?.sessionId === sessionId
    return isBack ? [] : relieve(exchange, { sessionId, by }, now)
  })
}

function reconsider(exchange: Exchange, number: string, now: Now): CoreEffect[] {
  const entry = exchange.options.tables.phoneBook.get(number)
  if (entry === undefined) return []
  const open = conversationsOf(exchange, entry)
  const gone = waitingFor(exchange, number).filter(
    (one) => pressOf(one) !== null && !isAt(one, open),
  )
  const effects = gone.flatMap((session) => rest(exchange, session, now))
  const waiting = waitingFor(exchange, number)
  const next = waiting.find(({ queued }) => queued?.urge != null)
  const conversation = open.find((one) => next?.queued?.urge === 'intrude' || canBeWarned(one))
  const isPressed = waiting.some((session) => pressOf(session) !== null)
  if (next !== undefined && conversation !== undefined && !isPressed) {
    effects.push(...press(exchange, { session: next, conversation }, now))
  }
  return [...effects, ...ringForAll(exchange, entry, now)]
}

/** As their records are now; the index follows when what is at hand is done. */
function waitingFor({ queue, sessions }: Exchange, number: string): Conference[] {
  const known = queue.waiting(number).flatMap(({ sessionId }) => sessions.get(sessionId) ?? [])
  return known.filter(isWaiting)
}

/** What it presses on is still there, and knows of it. */
function isAt(session: Conference, open: readonly Conference[]): boolean {
  const at = open.find(({ sessionId }) => sessionId === pressOf(session)?.sessionId)
  if (at === undefined) return false
  return session.queued?.urge !== 'release' || at.interruption?.by === session.sessionId
}

function press(
  exchange: Exchange,
  { session, conversation }: Record<'session' | 'conversation', Conference>,
  now: Now,
): CoreEffect[] {
  const { sessionId } = session
  const effects = withSession(exchange, { sessionId, now }, (call) => {
    const { queued } = call.session
    if (queued === null) return
    const presses = { sessionId: conversation.sessionId, sinceMs: now.wallMs }
    call.change({ queued: { ...queued, presses } })
    startPressClock(exchange, call.session, now)
  })
  if (session.queued?.urge !== 'release') return effects
  const at = { sessionId: conversation.sessionId, now }
  return [...effects, ...withSession(exchange, at, (call) => warnOfEnd(call, sessionId))]
}

/** There is nothing to enter or to end any more: it waits on. */
function rest(exchange: Exchange, { sessionId }: Conference, now: Now): CoreEffect[] {
  exchange.timers.stop(clockOf(sessionId))
  return withSession(exchange, { sessionId, now }, (call) => {
    const { queued } = call.session
    if (queued !== null) call.change({ queued: { ...queued, presses: null } })
  })
}

function clockOf(sessionId: string) {
  return { sessionId, timer: 'service', service: pressing, leg: pressingLeg } as const
}

function waitMs(urge: Urge): number {
  return urge === 'intrude' ? limits.intrusionWaitMs : limits.interruptionWaitMs
}

export function startPressClock(exchange: Exchange, session: Conference, now: Now): void {
  const press = pressOf(session)
  const urge = session.queued?.urge ?? null
  if (press === null || urge === null) return
  const wholeMs = waitMs(urge)
  // The wall clocks of the nodes may differ; the wait is never longer than a whole one.
  const waitedMs = Math.min(Math.max(now.wallMs - press.sinceMs, 0), wholeMs)
  exchange.timers.start(clockOf(session.sessionId), now.monotonicMs + wholeMs - waitedMs)
}

/** A change of the conversation is under way, which takes a moment. */
export function pressAgain({ timers }: Exchange, sessionId: string, now: Now): void {
  timers.start(clockOf(sessionId), now.monotonicMs + limits.queueRetryMs)
}

function ringForAll(exchange: Exchange, entry: PhoneBookEntry, now: Now): CoreEffect[] {
  return waitingFor(exchange, entry.number).flatMap((session) => {
    const presses = pressOf(session) !== null
    if (session.queued?.rungAtMs != null) return []
    return ringsBeside(session.priority, entry, { presses })
      ? ringBeside(exchange, { session, entry }, now)
      : []
  })
}
