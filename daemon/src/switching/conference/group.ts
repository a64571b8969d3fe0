//! Group call (群组呼叫, S1.81): one number calls several terminals. They ring together; the first answer has
//! the call, and the others ring no more, or whoever answers joins. Who does not want to be disturbed does
//! not ring; where his calls go else is no matter of the group.
import { limits } from '../../limits.ts'
import type { User } from '../../tables/user.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { establish } from '../dialog/dialog.ts'
import { isReadable, pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect, Now } from '../effects.ts'
import type { GroupPlan } from '../plan.ts'
import { stopTones } from '../services/call-tones.ts'
import { failCall, onNoAnswer } from '../services/failure-tones.ts'
import { onInfoDone, onInfoTooEarly } from '../services/info.ts'
import { onUpdate } from '../services/update.ts'
import { onAnswered } from '../wired/answer.ts'
import { Call } from '../wired/call.ts'
import type { Answered, Failed } from '../wired/events.ts'
import type { Exchange } from '../wired/exchange.ts'
import { lineState, mayRing } from '../wired/line.ts'
import { offerTo } from '../wired/media.ts'
import { memberOfInvite, memberToInvite, nextLeg } from '../wired/member.ts'
import { redirectToAll } from '../wired/redirect.ts'
import { refuse } from '../wired/refuse.ts'
import {
  dropMember,
  onBye,
  onCancel,
  onCancelAgain,
  onLateSuccess,
  onRelease,
} from '../wired/release.ts'
import { ignored, notOffered, type Row, reinvitedTooEarly } from '../wired/rows.ts'
import { isPresent } from '../wired/sessions.ts'
import type { SetUp } from '../wired/setup.ts'
import { hasRoom, newSession } from '../wired/setup-terminal.ts'
import { causes } from '../xip/causes.ts'
import { mediaOf } from '../xip/media.ts'
import { answerMember, onInvitedAnswered } from './answer.ts'
import { startRinging } from './invite.ts'
import { newSeat } from './seat.ts'

export function callGroup(work: SetUp, group: GroupPlan): CoreEffect[] {
  const { exchange, invitation, xip, names } = work
  const { sessionId } = xip
  const { now } = invitation
  const place = { sessionId, leg: 'a', localPort: 1 }
  const caller = memberOfInvite(exchange, invitation, { ...place, names })
  const pending = pendingServerOf(invitation.request, invitation.source)
  if (caller === null || pending === null) {
    return refuse(exchange, invitation, pending === null ? 513 : 400)
  }
  const taken = hasRoom(exchange, 2) ? exchange.resources.take(sessionId, 1) : null
  if (taken === null) return refuse(exchange, invitation, 503)
  const call = new Call(
    exchange,
    {
      ...newSession(xip, { conferenceId: taken.conferenceId, now }),
      type: 'group',
      members: [{ ...caller, localPort: taken.ports[0] ?? caller.localPort }],
    },
    now,
  )
  const states = group.members.map((user) => ring(call, user, work))
  const isRung = states.includes('rings')
  if (!isRung || !exchange.sessions.save(call.session)) {
    for (const { localPort } of call.session.members) {
      exchange.resources.giveBackPort(sessionId, localPort)
    }
    exchange.resources.giveBack(sessionId, taken)
    const why = whyNone.find(({ state }) => !isRung && states.includes(state)) ?? noRoom
    return refuse(exchange, invitation, why.status, { headers: why.headers })
  }
  exchange.started += 1
  call.accept('a', 'pendingServer', { id: invitation.id, pending })
  const direction = xip.media?.direction ?? 'sendrecv'
  const first = xip.media?.codecs[0]?.name ?? 'PCMA'
  for (const { leg } of call.session.members.slice(1)) {
    if (leg !== null) call.invite(leg, offerTo(call, leg, direction, first))
  }
  const clock = { sessionId, timer: 'no-answer' } as const
  exchange.timers.start(clock, now.monotonicMs + ringMsOf(group))
  return call.commit()
}

export function ringMsOf({ noAnswerSeconds }: GroupPlan): number {
  return Math.min(noAnswerSeconds * 1_000, limits.noAnswerMs)
}

const noRoom = { state: 'no-room', status: 503, headers: [] } as const

/** Why a group does not ring: the first that is said of one of its members. */
const whyNone = [
  { state: 'busy', status: 486, headers: causes.busy },
  noRoom,
  { state: 'not-registered', status: 480, headers: causes.notRegistered },
  { state: 'do-not-disturb', status: 480, headers: causes.doNotDisturb },
  { state: 'nobody', status: 480, headers: [] },
] as const

/** One more terminal in the record; nothing is sent yet.
 * @returns that it rings, or why it does not */
function ring(
  call: Call,
  user: string,
  { xip, invitation }: SetUp,
): 'rings' | (typeof whyNone)[number]['state'] {
  const { exchange, session, sessionId, now } = call
  const entry = exchange.options.tables.phoneBook.get(user)
  if (entry === undefined || entry.type === 'radio' || user === xip.sourceUser) return 'nobody'
  if (!mayRing(entry, session.priority)) return 'do-not-disturb'
  const line = lineState(exchange, entry, now)
  if (line.kind === 'busy') return 'busy'
  if (line.kind !== 'free') return 'not-registered'
  const isFull = session.members.length >= limits.conferenceMembersMax
  if (isFull || !hasRoom(exchange, 1)) return 'no-room'
  const { leg, legCount } = nextLeg(exchange, session)
  const { displayName } = invitation.request.from
  const from = { user: xip.sourceUser, displayName }
  const place = { sessionId, leg, localPort: 1 }
  const made = memberToInvite(exchange, place, { callee: line.user, from })
  const localPort = made === null ? null : exchange.resources.takePort(sessionId)
  if (made === null || localPort === null) return 'no-room'
  call.change({ legCount, members: [...session.members, { ...made, localPort }] })
  return 'rings'
}

function callerOf({ session }: Call): Leg {
  const caller = session.members.find(({ side }) => side === 'caller')
  return caller === undefined ? 'a' : legOf(caller)
}

function ringing({ session }: Call): Member[] {
  return session.members.filter((member) => member.side === 'callee' && isPresent(member))
}

/** The caller hears that it rings, once: more it cannot hear of several. */
function onGroupProvisional(call: Call, { leg, response }: Answered): void {
  const pending = call.dialog(leg).pendingClient
  if (pending === null) return
  call.changeDialog(leg, { pendingClient: { ...pending, proceeding: true } })
  if (response.status === 100) return
  call.changeMember(leg, { state: 'ringing' })
  if (mediaOf(response.body) !== null) call.changeDialog(leg, { remoteSdp: response.body })
  const caller = callerOf(call)
  if (call.dialog(caller).pendingServer?.provisional === 0) {
    call.respond(caller, 'pendingServer', 180)
  }
}

function onGroupAnswered(call: Call, answered: Answered): void {
  const { leg, response } = answered
  const description = response.body === '' ? call.dialog(leg).remoteSdp : response.body
  const isUsable = isReadable(establish(call.dialog(leg), response))
  if (!isUsable || mediaOf(description) === null) {
    withoutMember(call, leg, 488)
    if (!isUsable) return
    call.changeMember(leg, { state: 'releasing' })
    onLateSuccess(call, answered)
    return
  }
  if (isForAll(call.exchange, call.session)) begin(call, answered)
  else win(call, answered)
}

/** Whoever answers joins. */
export function isForAll(exchange: Exchange, session: Conference): boolean {
  return session.type === 'group' && groupOf(exchange, session)?.mode === 'all'
}

/** As the plan has it now; of a group that is gone the first answer wins. */
export function groupOf({ plan }: Exchange, session: Conference): GroupPlan | undefined {
  const called = session.diversions?.at(-1)?.to ?? session.history?.called
  return plan.groups.find(({ number }) => number !== null && number === called)
}

/** The terminals of a group that can ring for somebody. */
export function freeMembers(exchange: Exchange, group: GroupPlan, asked: Asked): User[] {
  const free = group.members.flatMap((user) => {
    const entry = exchange.options.tables.phoneBook.get(user)
    if (entry === undefined || entry.type === 'radio' || asked.without.includes(user)) return []
    if (!mayRing(entry, asked.priority)) return []
    const line = lineState(exchange, entry, asked.now)
    return line.kind === 'free' ? [line.user] : []
  })
  return free.slice(0, limits.conferenceMembersMax - asked.without.length)
}

interface Asked {
  /** Who takes part already. */
  readonly without: readonly string[]
  readonly priority: string
  readonly now: Now
}

/** A call that somebody has forwarded here rings at all of them. @returns false when nobody can be called. */
export function forwardToGroup(
  call: Call,
  leg: Leg,
  { group, silent }: { readonly group: GroupPlan; readonly silent: boolean },
): boolean {
  const { exchange, session, sessionId, now } = call
  const { priority } = session
  const without = session.members.filter(isPresent).map(({ user }) => user)
  const callees = freeMembers(exchange, group, { without, priority, now })
  if (!redirectToAll(call, leg, { callees, silent })) return false
  call.change({ type: 'group' })
  const clock = { sessionId, timer: 'no-answer' } as const
  exchange.timers.start(clock, now.monotonicMs + ringMsOf(group))
  return true
}

/** The others ring no more; from now on it is a call of two. */
function win(call: Call, answered: Answered): void {
  for (const member of ringing(call)) {
    if (legOf(member) !== answered.leg) dropMember(call, legOf(member), { status: 200 })
  }
  call.change({ type: 'ordinary' })
  onAnswered(call, answered)
}

/** The first of them: caller and answerer are a conference, which the others join as they answer. */
function begin(call: Call, answered: Answered): void {
  gather(call)
  onInvitedAnswered(call, answered)
}

/** Somebody has picked up (代答), and is the first of them.
 * @param leg of his INVITE, which is open */
export function beginWith(call: Call, leg: Leg, wg67Versions: readonly string[]): void {
  gather(call)
  const { seat } = call.member(leg)
  if (seat !== null) {
    call.changeMember(leg, { seat: { ...seat, wg67Version: wg67Versions.join(', ') } })
  }
  answerMember(call, leg)
}

/** The caller is in, and the others may come. */
function gather(call: Call): void {
  const { exchange, session, sessionId, now } = call
  const caller = callerOf(call)
  const group = groupOf(exchange, session)
  stopTones(call)
  call.change({
    type: 'temporary',
    state: 'communicating',
    answeredAtMs: now.wallMs,
    focus: {
      number: `conf-${sessionId.slice(0, 12)}`,
      displayName: group?.displayName ?? '',
      owner: call.member(caller).user,
      locked: false,
      membersMax: limits.conferenceMembersMax,
      membersMin: 2,
      pinHash: null,
      name: '',
      away: [],
    },
  })
  for (const member of session.members) {
    const { user, side } = member
    const wg67Version = side === 'caller' ? session.wg67Version : ''
    call.changeMember(legOf(member), { seat: newSeat(undefined, { user, wg67Version, now }) })
    if (side === 'callee' && isPresent(member)) {
      startRinging(call, legOf(member), limits.conferenceRingMs)
    }
  }
  exchange.timers.stop({ sessionId, timer: 'no-answer' })
  exchange.answered += 1
  answerMember(call, caller)
}

function onGroupRefused(call: Call, { leg, status }: Failed): void {
  call.close(leg, 'pendingClient')
  withoutMember(call, leg, status)
}

/** The last one who could have answered: nobody does. */
function withoutMember(call: Call, leg: Leg, status: number): void {
  dropMember(call, leg, { status, gone: leg })
  if (ringing(call).length > 0) return
  const isTold = status === 486 || status === 600 || status === 603
  failCall(call, { by: 'callee', status: isTold ? status : 480 })
}

/** While nobody has answered. */
export const groupRow: Row = {
  reinvite: reinvitedTooEarly,
  bye: onBye,
  info: onInfoTooEarly,
  ...notOffered,
  update: onUpdate,
  digit: ignored,
  ack: ignored,
  cancel: onCancel,
  provisional: onGroupProvisional,
  success: onGroupAnswered,
  failure: onGroupRefused,
  'bye-done': ignored,
  'info-done': onInfoDone,
  unacknowledged: ignored,
  'no-answer': onNoAnswer,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onRelease,
}
