//! The end of a call (S1.82 `released`): who is told what, and what is given back. Nothing waits for the
//! terminals: media, ports and numbers are free at once; the record stays until both sides are done.
import { limits } from '../../limits.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { header, type SipHeader } from '../../wire/sip/message.ts'
import { dissolve, takeOut } from '../bridge/bridge.ts'
import type { SessionResources } from '../bridge/resources.ts'
import { withReason } from '../call-record.ts'
import { establish } from '../dialog/dialog.ts'
import { isReadable, isSuccess } from '../dialog/pending.ts'
import type { Call } from './call.ts'
import type { Answered, Failed, OfLeg, OpenedRequest } from './events.ts'
import type { Exchange } from './exchange.ts'
import { cancelForksAgain, hasOpenForks } from './forks.ts'
import { isOver, isPresent, isSettingUp } from './sessions.ts'

/** How one member leaves. */
interface MemberEnd {
  /** Status of the answer to an INVITE that is still open. */
  readonly status: number
  /** A leg that needs no BYE any more. */
  readonly gone?: Leg
  /** In that answer, and in a BYE that leaves at once; a CANCEL has the Reason of them. */
  readonly headers?: readonly SipHeader[]
}

/** `status`: of the call record, too. */
export interface CallEnd extends MemberEnd {
  readonly by: Member['side'] | 'switch'
  /** Value of the Reason header of who ended it; absent: that of `headers`. */
  readonly reason?: string | undefined
}

export function endCall(call: Call, end: CallEnd): void {
  const { tables } = call.exchange.options
  const { session, exchange } = call
  dissolve(tables, session)
  exchange.resources.giveBack(session.sessionId, resourcesOf(session))
  const ended = { atMs: call.now.wallMs, status: end.status, by: end.by }
  call.change({ state: 'released', ended })
  const headers = withKeptReason(session, end.headers ?? [])
  const reason = end.reason ?? reasonIn(headers)
  if (reason !== undefined) call.change({ history: withReason(call.session, reason).history })
  exchange.timers.stop({ sessionId: call.sessionId, timer: 'no-answer' })
  for (const member of session.members) {
    if (isPresent(member)) releaseMember(call, legOf(member), { ...end, headers })
  }
  boundEnd(call)
  settle(call)
}

/** Why it ends may be in the record before: the operator said so. */
function withKeptReason(
  { history }: Conference,
  headers: readonly SipHeader[],
): readonly SipHeader[] {
  const kept = history?.reason ?? ''
  if (kept === '' || reasonIn(headers) !== undefined) return headers
  return [...headers, { name: 'Reason', value: kept }]
}

function reasonIn(headers: readonly SipHeader[]): string | undefined {
  return headers.find(({ name }) => name === 'Reason')?.value
}

/** One member leaves; the others go on. Its media ends a few ticks later; its port is free; its place in the record
 * stays until its terminal knows, and a while for repeated messages. */
export function dropMember(call: Call, leg: Leg, end: MemberEnd): void {
  const { exchange, sessionId } = call
  const member = call.member(leg)
  if (takeOut(exchange.options.tables, member, call.now.tick)) {
    exchange.endingLegs.add(member.mediaId, call.now.monotonicMs)
  }
  exchange.resources.giveBackPort(sessionId, member.localPort)
  const room = member.seat?.room ?? null
  if (room !== null) exchange.resources.giveBackRoom(sessionId, room)
  const { relayClient } = call.dialog(leg)
  releaseMember(call, leg, end)
  if (relayClient?.method === 'INFO') answerPassedOn(call, leg)
  if (call.member(leg).state !== 'released') boundMember(call, leg, limits.releasedMsMax)
}

/** What was passed on to somebody who leaves, will not be answered by him. */
function answerPassedOn(call: Call, gone: Leg): void {
  for (const member of call.session.members) {
    const { relayServer } = member.dialog
    if (legOf(member) === gone || relayServer?.method !== 'INFO') continue
    if (relayServer.final === null) call.respond(legOf(member), 'relayServer', 500)
  }
}

/** A member who has left goes from the record after this time, whatever is lost. */
export function boundMember({ exchange, sessionId, now }: Call, leg: Leg, ms: number): void {
  exchange.timers.start({ sessionId, timer: 'member-gone', leg }, now.monotonicMs + ms)
}

/** The time of a member who has left is over. */
export function onMemberGone(call: Call, { leg }: OfLeg): void {
  const { sessionId, session, exchange } = call
  if (isOver(session)) return
  exchange.links.forget(sessionId, leg)
  exchange.timers.forget(sessionId, leg)
  call.change({ members: session.members.filter((member) => legOf(member) !== leg) })
}

/** Whatever is lost of the way to the terminals, the record of an ended session does not stay. */
export function boundEnd({ exchange, sessionId, now }: Call): void {
  if (exchange.lingering.has(sessionId)) return
  exchange.timers.start({ sessionId, timer: 'linger' }, now.monotonicMs + limits.releasedMsMax)
}

/** What a session holds: members who have left hold nothing any more. */
export function resourcesOf({ conferenceId, members }: Conference): SessionResources {
  const present = members.filter(isPresent)
  return {
    conferenceId,
    ports: present.map((member) => member.localPort),
    rooms: present.flatMap(({ seat }) => seat?.room ?? []),
  }
}

/** True when the leg is on its way out, or out. */
function hasLeft(call: Call, leg: Leg): boolean {
  return isOver(call.session) || !isPresent(call.member(leg))
}

function releaseMember(call: Call, leg: Leg, end: MemberEnd): void {
  const { relayServer } = call.dialog(leg)
  if (relayServer !== null && relayServer.final === null) call.respond(leg, 'relayServer', 481)
  // The last NOTIFY of a transfer is told to the end.
  if (call.dialog(leg).relayClient?.method !== 'NOTIFY') call.close(leg, 'relayClient')
  const server = call.dialog(leg).pendingServer
  if (server !== null && server.method === 'INVITE' && server.final === null) {
    const isSetUp = isSettingUp(call.member(leg))
    call.respond(leg, 'pendingServer', isSetUp ? end.status : 487, {
      headers: end.headers ?? [],
    })
    if (isSetUp) {
      released(call, leg)
      return
    }
  }
  if (end.gone === leg) {
    released(call, leg)
    return
  }
  if (call.dialog(leg).remoteTag === null) {
    cancelMember(call, leg, end)
    return
  }
  call.changeMember(leg, { state: 'releasing' })
  if (!awaitsAck(call, leg)) sendBye(call, leg, end.headers)
}

/** RFC 3261 9.1. The end is the final answer to the INVITE, whatever it is. */
function cancelMember(call: Call, leg: Leg, { headers = [] }: MemberEnd): void {
  if (call.dialog(leg).pendingClient === null) {
    released(call, leg)
    return
  }
  call.changeMember(leg, { state: 'releasing' })
  call.cancel(leg, headers.find(({ name }) => name === 'Reason')?.value ?? null)
}

/** RFC 3261 15: no BYE between our 2xx and its ACK. */
export function awaitsAck(call: Call, leg: Leg): boolean {
  const server = call.dialog(leg).pendingServer
  return server !== null && server.method === 'INVITE' && isSuccess(server.final)
}

function sendBye(call: Call, leg: Leg, headers: readonly SipHeader[] = []): void {
  call.request(leg, 'pendingClient', { method: 'BYE', headers, body: '' })
}

function released(call: Call, leg: Leg): void {
  call.close(leg, 'pendingClient')
  const isDone = !hasOpenForks(call.member(leg))
  call.changeMember(leg, { state: isDone ? 'released' : 'releasing' })
  if (!isDone) return
  if (!isOver(call.session)) boundMember(call, leg, limits.releasedLingerMs)
}

/** When all are done, the record stays a while for repeated messages, then it goes. */
function settle(call: Call): void {
  if (!isOver(call.session)) return
  if (call.session.members.every((member) => member.state === 'released')) linger(call)
}

export function linger(call: Call): void {
  const { lingering, timers } = call.exchange
  if (lingering.has(call.sessionId)) return
  lingering.add(call.sessionId)
  const { sessionId } = call
  timers.start({ sessionId, timer: 'linger' }, call.now.monotonicMs + lingerMs(call.session))
  if (lingering.size > limits.releasedLingerMax) forgetOldest(call.exchange)
}

/** The ended session that stays longest makes room. @returns false when there is none. */
export function forgetOldest({ lingering, timers, sessions, links }: Exchange): boolean {
  const [oldest] = lingering
  if (oldest === undefined) return false
  lingering.delete(oldest)
  timers.forget(oldest)
  links.forget(oldest)
  const session = sessions.get(oldest)
  if (session !== undefined) sessions.remove(session)
  return true
}

/** Who found a number busy may want to be called back, and need not dial it again. */
function lingerMs({ ended, history, members }: Conference): number {
  const found = history?.called ?? ''
  const isOwn = members.some(({ user }) => user === found)
  return ended?.status === 486 && !isOwn ? limits.callBackWindowMs : limits.releasedLingerMs
}

export function forget(call: Call): void {
  call.exchange.lingering.delete(call.sessionId)
  call.remove()
}

/** BYE of a terminal: it ends the call. */
export function onBye(call: Call, opened: OpenedRequest): void {
  const { leg } = opened
  answerBye(call, opened, () => {
    const status = call.session.answeredAtMs === null ? 487 : 200
    const reason = header(opened.request, 'Reason')
    endCall(call, { by: call.member(leg).side, status, gone: leg, reason })
  })
}

/** One that crosses ours. */
export function onLateBye(call: Call, opened: OpenedRequest): void {
  answerBye(call, opened, () => {})
}

/** @param leave what becomes of the session or the member, before the answer. */
export function answerBye(
  call: Call,
  { leg, id, pending }: OpenedRequest,
  leave: () => void,
): void {
  const server = call.dialog(leg).pendingServer
  if (server !== null && server.method === 'INVITE') {
    const isSetUp = isSettingUp(call.member(leg))
    if (server.final === null && !isSetUp) call.respond(leg, 'pendingServer', 487)
    if (isSuccess(call.dialog(leg).pendingServer?.final ?? null)) acknowledged(call, leg)
  }
  leave()
  call.accept(leg, 'pendingServer', { id, pending })
  call.respond(leg, 'pendingServer', 200)
  released(call, leg)
  settle(call)
}

/** The last of the other branches of a leg is settled, and perhaps the leg with it. */
export function onForksDone(call: Call, leg: Leg): void {
  const { state, dialog } = call.member(leg)
  if (state !== 'releasing' || hasOpenForks(call.member(leg))) return
  if (dialog.pendingClient !== null || awaitsAck(call, leg)) return
  released(call, leg)
  settle(call)
}

/** Every answer to our BYE ends that leg, 481 and silence too. */
export function onByeDone(call: Call, { leg, response }: OfLeg & Partial<Failed>): void {
  if (response === null) call.exchange.untold(call.sessionId)
  released(call, leg)
  settle(call)
}

/** CANCEL of the caller while the callee rings. */
export function onCancel(call: Call): void {
  endCall(call, { by: 'caller', status: 487 })
}

export function onRelease(call: Call): void {
  endCall(call, { by: 'switch', status: call.session.answeredAtMs === null ? 480 : 200 })
}

/** 64*T1 without the ACK of our 2xx: RFC 3261 13.3.1.4. */
export function onUnacknowledged(call: Call, { leg }: OfLeg): void {
  if (!awaitsAck(call, leg)) return
  call.close(leg, 'pendingServer')
  if (!hasLeft(call, leg)) endCall(call, { by: 'switch', status: 408 })
  else if (call.member(leg).state === 'releasing') sendBye(call, leg)
}

/** The ACK for which a BYE has waited. */
export function onLateAck(call: Call, { leg }: OfLeg): void {
  if (!awaitsAck(call, leg)) return
  acknowledged(call, leg)
  if (call.member(leg).state === 'releasing') sendBye(call, leg)
}

export function acknowledged(call: Call, leg: Leg): void {
  const place = { sessionId: call.sessionId, leg, slot: 'pendingServer' } as const
  const id = call.exchange.links.idOf(place)
  if (id !== undefined) call.exchange.layer.acknowledged(id)
  call.close(leg, 'pendingServer')
}

/** A 1xx after the decision to cancel: the layer sends the CANCEL now. */
export function onLateProvisional(call: Call, { leg }: OfLeg): void {
  const pending = call.dialog(leg).pendingClient
  if (pending !== null) call.changeDialog(leg, { pendingClient: { ...pending, proceeding: true } })
}

/** After a take-over: the CANCEL of the other node may have been lost. */
export function onCancelAgain(call: Call): void {
  for (const member of call.session.members) {
    if (member.dialog.pendingClient?.cancelled === true) call.cancelAgain(legOf(member), false)
  }
  cancelForksAgain(call)
}

/** A 200 that crossed our CANCEL: the dialog exists, so it is ended. */
export function onLateSuccess(call: Call, { leg, response }: Answered): void {
  const dialog = establish(call.dialog(leg), response)
  if (!isReadable(dialog)) {
    onByeDone(call, { leg })
    return
  }
  call.changeDialog(leg, dialog)
  call.acknowledge(leg, response.cseq.number)
  sendBye(call, leg)
}

/** The callee's final answer after our CANCEL, mostly 487. */
export function onCancelled(call: Call, { leg }: Failed): void {
  released(call, leg)
  settle(call)
}
