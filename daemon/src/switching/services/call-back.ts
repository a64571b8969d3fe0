//! Call back on busy (遇忙回叫): who found a number busy dials a code. The wish is a session of its own,
//! still without members (S1.82 `idle`), so that the other node has it. When both lines are free the switch
//! calls the asker, and then the number (`call-back-ring.ts`).

import { limits } from '../../limits.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import { keyedHash } from '../../wire/keyed-hash.ts'
import { newHistory } from '../call-record.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { refuse } from '../wired/refuse.ts'
import { endCall } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { directoryOf, type SetUp } from '../wired/setup.ts'
import { hasRoom, newSession } from '../wired/setup-terminal.ts'
import { confirm } from './attendant.ts'
import { attempt, onSilence, startCallBackClock } from './call-back-ring.ts'
import { freed } from './queue.ts'
import type { Service, SessionChange } from './service.ts'

export const callingBack: Service = {
  name: 'call-back',
  invited,
  timer: onTime,
  changed: (exchange, change) => {
    const { previous, next } = change
    const sessionId = (next ?? previous)?.sessionId ?? ''
    exchange.callBacks.note(sessionId, next)
    for (const user of freed(change)) {
      // An asker who has refused is not called again at once.
      const others = exchange.callBacks.of(user).filter((id) => id !== sessionId)
      tryLater(exchange, others)
    }
    fulfilLater(exchange, change)
    return []
  },
  restore: (call) => {
    const { exchange, session } = call
    const { callBack } = session
    exchange.callBacks.note(session.sessionId, session)
    if (callBack === null || isOver(session)) return
    startCallBackClock(call, callBack)
    // A line may have become free in the moment of the take-over.
    tryLater(exchange, [session.sessionId])
  },
}

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  const dialled = destinationOf(xip.destinationUser, directoryOf(exchange))
  if (dialled.kind !== 'feature') return null
  const { feature, argument } = dialled
  if (feature === 'callBackOff') return cancel(work, argument)
  if (feature !== 'callBack') return null
  const number = argument === '' ? busyNumber(work) : argument
  const status = refusalOf(work, number)
  const stored = status === null && !isWanted(exchange, xip.sourceUser, number)
  if (status !== null || (stored && !store(work, number))) {
    return refuse(exchange, invitation, status ?? 503, { reason: 'Not Set' })
  }
  return confirmed(work)
}

function confirmed(work: SetUp): CoreEffect[] {
  const call = confirm(work)
  if (typeof call !== 'number') return call.commit()
  return refuse(work.exchange, work.invitation, 480, { reason: 'Setting Stored' })
}

/** Both are accounts of this site: of others nobody knows when they are free. */
function refusalOf({ exchange, xip }: SetUp, number: string): number | null {
  const { phoneBook } = exchange.options.tables
  const asker = phoneBook.get(xip.sourceUser)
  const entry = phoneBook.get(number)
  if (asker === undefined || asker.type === 'gateway') return 403
  if (entry === undefined || entry.type === 'gateway' || number === xip.sourceUser) return 404
  if (entry.type === 'radio') return 603
  const { callBacks, sessions } = exchange
  const own = callBacks
    .of(xip.sourceUser)
    .filter((id) => askerOf(sessions.get(id)) === asker.number)
  const isFull = own.length >= limits.callBacksPerUserMax || callBacks.size >= limits.callBacksMax
  return isFull && !isWanted(exchange, asker.number, number) ? 503 : null
}

function askerOf(session: Conference | undefined): string | undefined {
  return session?.callBack?.asker
}

/** The same wish again. */
function isWanted({ callBacks, sessions }: Exchange, asker: string, number: string): boolean {
  return callBacks.of(asker).some((id) => {
    const wish = sessions.get(id)?.callBack
    return wish?.asker === asker && wish.number === number
  })
}

/** The number that the caller has just found busy, or ''. */
function busyNumber({ exchange, xip, invitation }: SetUp): string {
  const sinceMs = invitation.now.wallMs - limits.callBackWindowMs
  const busy = exchange.sessions.values().filter(({ ended, members }) => {
    const isOwn = members.some(({ user, side }) => user === xip.sourceUser && side === 'caller')
    return isOwn && ended?.status === 486 && ended.atMs >= sinceMs
  })
  const last = busy.sort((a, b) => (b.ended?.atMs ?? 0) - (a.ended?.atMs ?? 0))[0]
  return last?.diversions?.at(-1)?.to ?? last?.history?.called ?? ''
}

/** Both nodes make the same wish of the same INVITE. */
function store({ exchange, invitation, xip }: SetUp, number: string): boolean {
  const { secret } = exchange.options
  const digest = keyedHash('sha512', secret).update(`call back\n${xip.sessionId}`).digest('hex')
  const sessionId = digest.slice(0, 24)
  const { now } = invitation
  const { wallMs: sinceMs } = now
  const taken = hasRoom(exchange, 0) ? exchange.resources.take(sessionId, 0) : null
  if (taken === null) return false
  const plain = { ...xip, sessionId, subject: '', wg67Versions: [], diversions: [], received: null }
  const wish = { asker: xip.sourceUser, number, sinceMs, phaseAtMs: sinceMs, tries: 0 }
  const session: Conference = {
    ...newSession(plain, { conferenceId: taken.conferenceId, now }),
    type: 'service',
    state: 'idle',
    history: newHistory(number),
    callBack: { ...wish, phase: 'waiting' },
  }
  if (!exchange.sessions.save(session)) {
    exchange.resources.giveBack(sessionId, taken)
    return false
  }
  exchange.followUps.push((at) =>
    withSession(exchange, { sessionId, now: at }, (call) => {
      const { callBack } = call.session
      if (callBack === null) return
      startCallBackClock(call, callBack)
      attempt(call)
    }),
  )
  return true
}

/** @param number '': all of them. */
function cancel(work: SetUp, number: string): CoreEffect[] {
  const { exchange, invitation, xip } = work
  const own = exchange.callBacks.of(xip.sourceUser).filter((id) => {
    const wish = exchange.sessions.get(id)?.callBack
    return wish?.asker === xip.sourceUser && (number === '' || wish.number === number)
  })
  if (own.length === 0) return refuse(exchange, invitation, 404, { reason: 'Not Set' })
  const ended = own.flatMap((sessionId) => endWish(exchange, sessionId, 487, invitation.now))
  return [...ended, ...confirmed(work)]
}

function endWish(
  exchange: Exchange,
  sessionId: string,
  status: number,
  now: Call['now'],
): CoreEffect[] {
  return withSession(exchange, { sessionId, now }, (call) => {
    if (!isOver(call.session)) endCall(call, { by: status === 487 ? 'caller' : 'switch', status })
  })
}

function onTime(call: Call): void {
  const { callBack } = call.session
  if (isOver(call.session) || callBack === null) return
  if (callBack.phase !== 'waiting') onSilence(call)
  else if (call.now.wallMs - callBack.sinceMs >= limits.callBackMsMax) {
    endCall(call, { by: 'switch', status: 408 })
  } else {
    startCallBackClock(call, callBack)
    attempt(call)
  }
}

/** Who waits for the line in a queue comes first: his call has been pushed before. */
function tryLater(exchange: Exchange, sessionIds: readonly string[]): void {
  for (const sessionId of sessionIds) {
    exchange.followUps.push((now) => withSession(exchange, { sessionId, now }, attempt))
  }
}

/** The two have found each other without the switch. */
function fulfilLater(exchange: Exchange, { previous, next }: SessionChange): void {
  if (next === null || next.answeredAtMs === null || next.callBack !== null) return
  if (previous === null || previous.answeredAtMs !== null || next.callType !== 'da-ida') return
  const users = new Set(next.members.filter(isPresent).map(({ user }) => user))
  for (const user of users) {
    for (const sessionId of exchange.callBacks.of(user)) {
      const wish = exchange.sessions.get(sessionId)?.callBack
      if (wish?.asker !== user || !users.has(wish.number) || wish.phase !== 'waiting') continue
      exchange.followUps.push((now) => endWish(exchange, sessionId, 200, now))
    }
  }
}
