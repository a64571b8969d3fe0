//! A call that fails, for a caller whose terminal has no tones of its own (`line.failureTones`): he hears busy,
//! congestion, unobtainable, out of service, or that he is to hang up (ED-137 sheet 5.13, ITU-T E.180) as
//! early media (RFC 3960), and is told by SIP after a while what everybody else is told at once. What he will
//! be told is in the record of the session, so that the other node says the same.
import { limits } from '../../limits.ts'
import { profileOf } from '../../tables/profile.ts'
import type { TonePattern } from '../../tables/tone.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Failure, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { ResponseExtras } from '../../wire/sip/write.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { trunkOfRequest } from '../trunk/places.ts'
import { Call } from '../wired/call.ts'
import type { OpenedRequest } from '../wired/events.ts'
import type { Exchange } from '../wired/exchange.ts'
import { memberOfInvite } from '../wired/member.ts'
import {
  answerBye,
  type CallEnd,
  dropMember,
  endCall,
  onCancelAgain,
  onRelease,
} from '../wired/release.ts'
import { ignored, notOffered, type Row, reinvitedTooEarly } from '../wired/rows.ts'
import { isOver, isPresent, isSettingUp } from '../wired/sessions.ts'
import type { SetUp } from '../wired/setup.ts'
import { hasRoom, newSession } from '../wired/setup-terminal.ts'
import { causes } from '../xip/causes.ts'
import { mediaOf } from '../xip/media.ts'
import { playEarly } from './call-tones.ts'
import { onInfoDone, onInfoTooEarly } from './info.ts'
import type { Service } from './service.ts'
import { onUpdate } from './update.ts'

const name = 'failure-tones'
/** It is about the call as a whole. */
const noLeg: Leg = ''

export const failureTones: Service = { name, timer: conclude, restore: startClock }

const busy = [486, 600, 603, 607]
const unobtainable = [403, 404, 410, 484, 604]
const congestion = [500, 502, 503, 504]

type FailureTone = keyof ReturnType<typeof toneSet> &
  ('busy' | 'congestion' | 'unobtainable' | 'out-of-service' | 'release' | 'wrong-operation')

/** What other statuses say is for the terminal, which may ask again as it was told to: they are said at once. */
function toneFor(status: number): FailureTone | null {
  if (busy.includes(status)) return 'busy'
  if (unobtainable.includes(status)) return 'unobtainable'
  if (congestion.includes(status)) return 'congestion'
  if (status === 480) return 'out-of-service'
  // Nobody answers, and the caller does not give up by himself.
  return status === 408 ? 'release' : null
}

/** Makes refusals of the INVITE heard, when its sender wants that. Otherwise the same object. */
export function withFailureTones(work: SetUp): SetUp {
  if (work.xip.callType !== 'da-ida' || !wantsTones(work)) return work
  const invitation = {
    ...work.invitation,
    refusing: (status: number, extras: ResponseExtras) => soundRefusal(work, { status, extras }),
  }
  return { ...work, invitation }
}

function wantsTones({ exchange, invitation }: SetUp): boolean {
  const { request, caller, now } = invitation
  const { plan, options } = exchange
  if (caller !== undefined) return isSet(exchange, caller.user, caller.trunk)
  if (!isSet(exchange, request.from.uri.user ?? '', null)) return false
  // Another system may say that it is anybody, and gets its own name only later.
  return trunkOfRequest(invitation, { plan, tables: options.tables }, now.wallMs) === null
}

/** A call over a trunk has the setting of the gateway that the trunk belongs to. */
function isSet({ plan, options }: Exchange, user: string, trunk: string | null): boolean {
  const account = plan.trunks.find((one) => one.name === trunk)?.account ?? ''
  const entry = options.tables.phoneBook.get(trunk === null ? user : account)
  return entry !== undefined && profileOf(entry).line.failureTones
}

/** A call that finds nobody to ring: its caller alone is a session then.
 * @returns null: it is refused at once. */
function soundRefusal(
  work: SetUp,
  { status, extras }: { readonly status: number; readonly extras: ResponseExtras },
): CoreEffect[] | null {
  const { exchange, invitation, xip, names } = work
  const { request, source, now } = invitation
  const { sessionId } = xip
  const tone = toneFor(status)
  if (tone === null || mediaOf(request.body) === null) return null
  const pending = pendingServerOf(request, source)
  const place = { sessionId, leg: 'a', localPort: 1, names }
  const caller = memberOfInvite(exchange, invitation, place)
  const isKnown = exchange.sessions.get(sessionId) !== undefined
  if (isKnown || pending === null || caller === null || !hasRoom(exchange, 1)) return null
  const taken = exchange.resources.take(sessionId, 1)
  const localPort = taken?.ports[0]
  if (taken === null || localPort === undefined) return null
  const session = {
    ...newSession(xip, { conferenceId: taken.conferenceId, now }),
    members: [{ ...caller, localPort }],
  }
  if (!exchange.sessions.save(session)) {
    exchange.resources.giveBack(sessionId, taken)
    return null
  }
  const call = new Call(exchange, session, now)
  call.accept('a', 'pendingServer', { id: invitation.id, pending })
  const { reason = '', headers = [] } = extras
  const told = { status, reason, headers: headers.slice(0, headersMax), byCallee: false }
  // A service that was dialled and is not given is no number that is busy.
  const directory = {
    plan: exchange.plan,
    phoneBook: (number: string) => exchange.options.tables.phoneBook.get(number),
  }
  const isFeature = destinationOf(xip.destinationUser, directory).kind === 'feature'
  sound(call, 'a', told, isFeature ? 'wrong-operation' : tone)
  return call.commit()
}

const headersMax = 8

/** The end of a call that nobody has answered, because nobody will: heard by a caller who wants that, and told
 * at once to everybody else. */
export function failCall(call: Call, end: CallEnd): void {
  const caller = listenerOf(call)
  const tone = toneFor(end.status)
  if (caller === null || tone === null) {
    endCall(call, end)
    return
  }
  const { exchange, sessionId, session } = call
  for (const member of session.members) {
    const leg = legOf(member)
    if (leg !== legOf(caller) && isPresent(member)) dropMember(call, leg, end)
  }
  exchange.timers.stop({ sessionId, timer: 'no-answer' })
  // Nobody waits for the line any more.
  call.change({ queued: null })
  const { status, by, headers = [] } = end
  const told = { status, reason: '', headers: headers.slice(0, headersMax) }
  sound(call, legOf(caller), { ...told, byCallee: by === 'callee' }, tone)
}

/** Nobody has answered in time. */
export function onNoAnswer(call: Call): void {
  failCall(call, { by: 'switch', status: 408, headers: causes.noAnswer })
}

/** The caller of a telephone call who is still without an answer, has described himself, and wants tones. */
function listenerOf({ exchange, session }: Call): Member | null {
  if (session.callType !== 'da-ida' || session.failure !== null) return null
  const caller = callerOf(session.members)
  const offer = caller?.dialog.pendingServer?.body ?? ''
  if (caller === undefined || mediaOf(offer) === null) return null
  return isSet(exchange, caller.user, caller.trunk?.name ?? null) ? caller : null
}

function callerOf(members: readonly Member[]): Member | undefined {
  return members.find((member) => {
    const open = member.dialog.pendingServer
    if (member.side !== 'caller' || !isPresent(member) || !isSettingUp(member)) return false
    return open !== null && open.method === 'INVITE' && open.final === null
  })
}

function sound(
  call: Call,
  leg: Leg,
  told: Omit<Failure, 'sinceMs' | 'lengthMs'>,
  tone: FailureTone,
): void {
  const isShort = tone === 'wrong-operation'
  const lengthMs = isShort ? limits.confirmationMs : limits.failureToneMs
  call.change({ failure: { ...told, sinceMs: call.now.wallMs, lengthMs } })
  const pattern: TonePattern = toneSet(call.exchange.plan.tones)[tone]
  const body = playEarly(call, leg, pattern)
  call.respond(leg, 'pendingServer', 183, { body })
  call.log('info', 'a caller hears that his call has failed', { status: told.status, tone })
  startClock(call)
}

/** The wall clocks of the nodes may differ; a tone is never longer than a whole one. */
function startClock({ exchange, sessionId, session, now }: Call): void {
  const { failure } = session
  if (failure === null || isOver(session)) return
  const { sinceMs, lengthMs } = failure
  const heardMs = Math.min(Math.max(now.wallMs - sinceMs, 0), lengthMs)
  const timer = { sessionId, timer: 'service', service: name, leg: noLeg } as const
  exchange.timers.start(timer, now.monotonicMs + lengthMs - heardMs)
}

function conclude(call: Call): void {
  const { failure } = call.session
  if (failure !== null && !isOver(call.session)) tell(call, failure, failure.status)
}

/** The caller has heard enough. The record says why the call failed, not that he has hung up. */
function onGivenUp(call: Call): void {
  const { failure } = call.session
  if (failure !== null) tell(call, failure, 487)
}

function tell(call: Call, { status, reason, headers, byCallee }: Failure, said: number): void {
  const caller = callerOf(call.session.members)
  const gone = caller === undefined ? {} : { gone: legOf(caller) }
  if (caller !== undefined) {
    const isTold = said === status
    const phrase = isTold && reason !== '' ? { reason } : {}
    call.respond(legOf(caller), 'pendingServer', said, {
      ...phrase,
      headers: isTold ? headers : [],
    })
  }
  endCall(call, { by: byCallee ? 'callee' : 'switch', status, headers, ...gone })
}

function onBye(call: Call, opened: OpenedRequest): void {
  answerBye(call, opened, () => onGivenUp(call))
}

/** The caller, while he hears the tone. */
export const failureRow: Row = {
  reinvite: reinvitedTooEarly,
  bye: onBye,
  info: onInfoTooEarly,
  ...notOffered,
  update: onUpdate,
  digit: ignored,
  ack: ignored,
  cancel: onGivenUp,
  provisional: ignored,
  success: ignored,
  failure: ignored,
  'bye-done': ignored,
  'info-done': onInfoDone,
  unacknowledged: ignored,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onRelease,
}
