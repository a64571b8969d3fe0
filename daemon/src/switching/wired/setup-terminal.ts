//! A call from one terminal to another: its resources, its records, then the INVITE to the callee.
import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import type { User } from '../../tables/user.ts'
import type { Conference, Member } from '../../tables/wired-conference.ts'
import { newHistory } from '../call-record.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { causeOfLine } from '../xip/causes.ts'
import { xipRecord } from '../xip/to-sip.ts'
import type { Xip } from '../xip/xip.ts'
import { Call } from './call.ts'
import type { Exchange } from './exchange.ts'
import { lineState } from './line.ts'
import { offerTo } from './media.ts'
import { memberOfInvite, memberToInvite } from './member.ts'
import { refuse } from './refuse.ts'
import type { SetUp } from './setup.ts'

export function callTerminal(work: SetUp, entry: PhoneBookEntry): CoreEffect[] {
  const { exchange, invitation, xip } = work
  const callee = findCallee(exchange, entry, { xip, now: invitation.now })
  if (typeof callee === 'number') {
    return refuse(exchange, invitation, callee, { headers: causeOfLine(callee) })
  }
  return openSession(work, callee)
}

/** The callee's registration, or the status that refuses the call. */
function findCallee(
  exchange: Exchange,
  entry: PhoneBookEntry,
  { xip, now }: { readonly xip: Xip; readonly now: Now },
): User | number {
  const line = lineState(exchange, entry, now)
  if (line.kind === 'not-registered') return 480
  if (line.kind === 'loop') return 482
  return line.kind === 'busy' || entry.number === xip.sourceUser ? 486 : line.user
}

export function openSession(work: SetUp, callee: User): CoreEffect[] {
  const { exchange, invitation, xip } = work
  const { request, source, now } = invitation
  const { sessions, resources, timers } = exchange
  const { sessionId } = xip
  const pending = pendingServerOf(request, source)
  const members = makeMembers(work, callee)
  if (pending === null) return refuse(exchange, invitation, 513)
  if (typeof members === 'number') return refuse(exchange, invitation, members)
  if (!hasRoom(exchange, members.length)) return refuse(exchange, invitation, 503)
  const taken = resources.take(sessionId, members.length)
  if (taken === null) return refuse(exchange, invitation, 503)
  const ported = members.map((member, index) => ({
    ...member,
    localPort: taken.ports[index] ?? member.localPort,
  }))
  const session: Conference = {
    ...newSession(xip, { conferenceId: taken.conferenceId, now }),
    members: ported,
  }
  if (!sessions.save(session)) {
    resources.giveBack(sessionId, taken)
    return refuse(exchange, invitation, 503)
  }
  exchange.started += 1
  const call = new Call(exchange, session, now)
  call.accept('a', 'pendingServer', { id: invitation.id, pending })
  const direction = xip.media?.direction ?? 'sendrecv'
  const first = xip.media?.codecs[0]?.name ?? 'PCMA'
  const offer = offerTo(call, 'b', direction, first)
  call.invite('b', offer, {
    maxForwards: (request.maxForwards ?? limits.sipMaxForwards) - 1,
  })
  timers.start({ sessionId, timer: 'no-answer' }, now.monotonicMs + limits.noAnswerMs)
  return call.commit()
}

/** True when so many more legs fit. */
export function hasRoom({ sessions }: Exchange, legs: number): boolean {
  return sessions.size < limits.sessionsMax && sessions.legCount + legs <= limits.legsMax
}

/** A session that begins, still without members. */
export function newSession(
  xip: Xip,
  { conferenceId, now }: { readonly conferenceId: number; readonly now: Now },
): Conference {
  return {
    sessionId: xip.sessionId,
    type: 'ordinary',
    state: 'ringing',
    startedAtMs: now.wallMs,
    answeredAtMs: null,
    conferenceId,
    ...xipRecord(xip),
    ended: null,
    legCount: null,
    queued: null,
    intrusion: null,
    interruption: null,
    history: newHistory(xip.destinationUser),
    focus: null,
    transfer: null,
    attendant: null,
    callBack: null,
    failure: null,
    members: [],
  }
}

/** @returns the status that says why not: the INVITE has no Contact, or is larger than a record, or the
 * registration of the callee cannot be used. */
function makeMembers({ exchange, invitation, xip, names }: SetUp, callee: User): Member[] | number {
  const place = { sessionId: xip.sessionId, localPort: 1 }
  const caller = memberOfInvite(exchange, invitation, { ...place, leg: 'a', names })
  const { displayName } = invitation.request.from
  const called = memberToInvite(
    exchange,
    { ...place, leg: 'b' },
    {
      callee,
      from: { user: xip.sourceUser, displayName },
      names: names.callee,
    },
  )
  const { contact } = invitation.request
  if (caller === null) return contact === '*' || contact.length === 0 ? 400 : 513
  return called === null ? 480 : [caller, called]
}
