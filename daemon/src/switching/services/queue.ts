//! Calls that wait for a busy line (排队; ED-137 sheet 5.12): the caller is told 182, and when the line
//! is free the call that is most urgent, then the oldest, rings. The wait is in the record of the
//! session, so that a take-over keeps every place in the queue.
import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import { playTone } from '../bridge/leg-changes.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { Call, withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { lineState } from '../wired/line.ts'
import { memberOfInvite } from '../wired/member.ts'
import { callFirst } from '../wired/redirect.ts'
import { refuse } from '../wired/refuse.ts'
import { isOver, isPresent, isWaiting } from '../wired/sessions.ts'
import type { SetUp } from '../wired/setup.ts'
import { hasRoom, newSession } from '../wired/setup-terminal.ts'
import { causes } from '../xip/causes.ts'
import { play, playEarly } from './call-tones.ts'
import { failCall } from './failure-tones.ts'
import { isEnding } from './interrupt.ts'
import { linesOf, pressLater, wouldPress } from './press.ts'
import { besideOf } from './ring-beside.ts'
import type { Service, SessionChange } from './service.ts'

const name = 'queue'
const first = 'a'
/** The clock of a line that is free and could not be rung. */
const again = ''

export const queueing: Service = {
  name,
  invited,
  timer: (call, leg) => (leg === again ? tryAgain(call) : giveUp(call)),
  changed: (exchange, change) => {
    exchange.queue.note(change.previous, change.next)
    tellOfWaiting(exchange, change)
    for (const user of freed(change)) callNext(exchange, user)
    if (exchange.queue.size > 0) pressLater(exchange, linesOf(change))
    return []
  },
  restore: (call) => {
    call.exchange.queue.note(null, call.session)
    startClock(call)
    const { queued } = call.session
    // The line may have become free in the moment of the take-over.
    if (queued !== null) lookAtLines(call.exchange, [queued.number])
  },
}

/** What the lines of these numbers come to: their terminals, accounts or calls may have changed. */
export function lookAtLines(exchange: Exchange, numbers: Iterable<string>): void {
  if (exchange.queue.size === 0) return
  for (const number of numbers) {
    if (exchange.queue.length(number) === 0) continue
    callNext(exchange, number)
    pressLater(exchange, [number])
  }
}

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  const entry = exchange.options.tables.phoneBook.get(xip.destinationUser)
  if (entry === undefined || entry.number === xip.sourceUser || xip.callType !== 'da-ida') {
    return null
  }
  if (!mustWait(exchange, entry, invitation.now) || !canWait(work, entry)) return null
  return wait(work, entry)
}

/** There is a place in the queue, or the call presses in. */
export function canWait(work: SetUp, entry: PhoneBookEntry): boolean {
  const isFull = work.exchange.queue.length(entry.number) >= profileOf(entry).line.waiting
  return !isFull || pressesAtOnce(work, entry) || isSecond(work, entry)
}

/** A priority call that comes while another one presses in, or has done so: it is let in nowhere, and is not
 * turned away (ED-137 sheet 5.6). */
function isSecond({ exchange, xip }: SetUp, { number }: PhoneBookEntry): boolean {
  if (xip.urge === null && xip.priority !== 'emergency') return false
  if (exchange.queue.length(number) >= limits.waitingCallsMax) return false
  const talks = exchange.sessions.of(number)
  const isPressed = (talk: Conference) => talk.intrusion !== null || isEnding(talk)
  return exchange.queue.isPressed(number) || talks.some(isPressed)
}

/** One call at a time is pressed in; another one only waits (ED-137 sheet 5.6). */
export function pressesAtOnce({ exchange, xip }: SetUp, entry: PhoneBookEntry): boolean {
  return xip.urge !== null && wouldPress(exchange, { entry, urge: xip.urge })
}

/** Nobody overtakes those who wait already, even while the line has just become free. */
function mustWait(exchange: Exchange, entry: PhoneBookEntry, now: Now): boolean {
  const line = lineState(exchange, entry, now)
  if (line.kind === 'busy') return true
  return line.kind === 'free' && exchange.queue.length(entry.number) > 0
}

function wait(work: SetUp, entry: PhoneBookEntry): CoreEffect[] {
  const { exchange, invitation, xip, names } = work
  const { request, source, now } = invitation
  const { sessionId } = xip
  const place = { sessionId, leg: first, localPort: 1, names }
  const caller = memberOfInvite(exchange, invitation, place)
  const pending = pendingServerOf(request, source)
  if (caller === null || pending === null) return refuse(exchange, invitation, 400)
  const taken = hasRoom(exchange, 1) ? exchange.resources.take(sessionId, 1) : null
  const localPort = taken?.ports[0]
  if (taken === null || localPort === undefined) return refuse(exchange, invitation, 503)
  const session: Conference = {
    ...newSession(xip, { conferenceId: taken.conferenceId, now }),
    queued: {
      ...{ number: entry.number, sinceMs: now.wallMs, calledAtMs: null },
      ...{ urge: xip.urge, presses: null, rungAtMs: null },
    },
    members: [{ ...caller, localPort }],
  }
  if (!exchange.sessions.save(session)) {
    exchange.resources.giveBack(sessionId, taken)
    return refuse(exchange, invitation, 503)
  }
  exchange.started += 1
  const call = new Call(exchange, session, now)
  call.accept(first, 'pendingServer', { id: invitation.id, pending })
  // A terminal of ED-137 sounds its own tone, and one that presses in is soon inside.
  const hears = !pressesAtOnce(work, entry) && xip.wg67Versions.length === 0
  const { queue: tone } = toneSet(exchange.plan.tones)
  const body = hears ? playEarly(call, first, tone) : ''
  call.respond(first, 'pendingServer', 182, { body })
  startClock(call)
  return call.commit()
}

function startClock({ exchange, sessionId, session, now }: Call): void {
  const { queued } = session
  if (queued === null || !isWaiting(session)) return
  const waitedMs = Math.min(Math.max(now.wallMs - queued.sinceMs, 0), limits.queueMsMax)
  const timer = { sessionId, timer: 'service', service: name, leg: first } as const
  exchange.timers.start(timer, now.monotonicMs + limits.queueMsMax - waitedMs)
}

function giveUp(call: Call): void {
  if (!isWaiting(call.session)) return
  failCall(call, { by: 'switch', status: 486, headers: causes.busy })
}

/** Users who have left a session, or whose session is over. */
export function freed({ previous, next }: SessionChange): ReadonlySet<string> {
  const before = presentIn(previous)
  const still = presentIn(next)
  return new Set([...before].filter((user) => !still.has(user)))
}

function presentIn(session: Conference | null): ReadonlySet<string> {
  if (session === null || isOver(session)) return new Set()
  return new Set(session.members.filter(isPresent).map(({ user }) => user))
}

/** Who talks on the line hears once that somebody waits for it (call waiting), beside the conversation. */
function tellOfWaiting(exchange: Exchange, { previous, next }: SessionChange): void {
  const queued = previous === null ? (next?.queued ?? null) : null
  if (queued === null || queued.calledAtMs !== null) return
  const { number } = queued
  const { wiredMedia } = exchange.options.tables
  const pattern = { ...toneSet(exchange.plan.tones)['call-waiting'], times: 1 }
  exchange.followUps.push((now) => {
    for (const talk of exchange.sessions.of(number)) {
      const { members } = talk
      const own = members.find((one) => one.user === number && one.state === 'talking')
      const record = own === undefined ? undefined : wiredMedia.get(own.mediaId)
      // It takes the place of no tone that goes on, and of no warning.
      if (record === undefined || isEnding(talk)) continue
      if (record.tone !== null && record.tone.times === null) continue
      wiredMedia.put(playTone(record, pattern, now.tick))
    }
    return []
  })
}

function callNext(exchange: Exchange, number: string): void {
  if (exchange.queue.length(number) === 0) return
  exchange.followUps.push((now) => {
    const session = exchange.queue.first(number)
    const entry = exchange.options.tables.phoneBook.get(number)
    if (session === null || entry === undefined) return []
    const line = lineState(exchange, entry, now)
    if (line.kind !== 'free') return []
    return withSession(exchange, { sessionId: session.sessionId, now }, (call) => {
      if (!isWaiting(call.session)) return
      if (besideOf(call.session) === undefined && !callFirst(call, line.user)) {
        callLater(call)
        return
      }
      takeTurn(call)
    })
  })
}

/** There is no port to ring it now. */
function callLater({ exchange, sessionId, now }: Call): void {
  const timer = { sessionId, timer: 'service', service: name, leg: again } as const
  exchange.timers.start(timer, now.monotonicMs + limits.queueRetryMs)
}

function tryAgain({ exchange, session }: Call): void {
  if (session.queued !== null) lookAtLines(exchange, [session.queued.number])
}

/** From now on it rings as any other call. */
function takeTurn(call: Call): void {
  const { exchange, sessionId, now } = call
  const { queued } = call.session
  if (queued === null) return
  play(call, first, toneSet(exchange.plan.tones).ringback)
  call.change({ queued: { ...queued, calledAtMs: now.wallMs } })
  exchange.timers.start({ sessionId, timer: 'no-answer' }, now.monotonicMs + limits.noAnswerMs)
}
