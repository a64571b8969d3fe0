//! The end of a call (S1.82 `released`): who is told what, and what is given back. Nothing waits for the
//! terminals: media, ports and numbers are free at once; the record stays until both sides are done.
import { limits } from '../../limits.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import type { SipHeader, SipResponse } from '../../wire/sip/message.ts'
import { dissolve } from '../bridge/bridge.ts'
import type { SessionResources } from '../bridge/resources.ts'
import { ackOf, establish } from '../dialog/dialog.ts'
import { isReadable, isSuccess } from '../dialog/pending.ts'
import { type Call, callRecordOf } from './call.ts'
import type { Answered, Failed, OfSide, OpenedRequest } from './events.ts'
import { isOver, type Side } from './sessions.ts'

interface CallEnd {
  readonly by: Side | 'switch'
  /** Status of the call record, and of the answer to an INVITE that is still open. */
  readonly status: number
  /** A side that needs no BYE any more. */
  readonly gone?: Side
  /** In that answer, and in a BYE that leaves at once. */
  readonly headers?: readonly SipHeader[]
}

export function endCall(call: Call, end: CallEnd): void {
  const { tables } = call.exchange.options
  const { session, exchange } = call
  dissolve(tables, session)
  exchange.resources.giveBack(session.sessionId, resourcesOf(session))
  const ended = { atMs: call.now.wallMs, status: end.status, by: end.by }
  call.change({ state: 'released', ended })
  exchange.timers.stop(call.sessionId, 'no-answer')
  for (const side of ['caller', 'callee'] as const) releaseMember(call, side, end)
  const record = callRecordOf(call.session)
  if (record !== null) call.effects.push({ kind: 'call-record', record })
  boundEnd(call)
  settle(call)
}

/** Whatever is lost of the way to the terminals, the record of an ended session does not stay. */
export function boundEnd({ exchange, sessionId, now }: Call): void {
  if (exchange.lingering.has(sessionId)) return
  exchange.timers.start(sessionId, 'linger', now.monotonicMs + limits.releasedMsMax)
}

export function resourcesOf({ conferenceId, members }: Conference): SessionResources {
  return { conferenceId, ports: members.map((member) => member.localPort) }
}

function releaseMember(call: Call, side: Side, end: CallEnd): void {
  const { relayServer } = call.dialog(side)
  if (relayServer !== null && relayServer.final === null) call.respond(side, 'relayServer', 481)
  call.close(side, 'relayClient')
  const server = call.dialog(side).pendingServer
  if (server !== null && server.method === 'INVITE' && server.final === null) {
    const isSetUp = call.session.answeredAtMs === null
    call.respond(side, 'pendingServer', isSetUp ? end.status : 487, {
      headers: end.headers ?? [],
    })
    if (isSetUp) {
      released(call, side)
      return
    }
  }
  if (end.gone === side) {
    released(call, side)
    return
  }
  if (call.dialog(side).remoteTag === null) {
    cancelMember(call, side)
    return
  }
  call.changeMember(side, { state: 'releasing' })
  if (!awaitsAck(call, side)) sendBye(call, side, end.headers)
}

/** RFC 3261 9.1. The end is the final answer to the INVITE, whatever it is. */
function cancelMember(call: Call, side: Side): void {
  if (call.dialog(side).pendingClient === null) {
    released(call, side)
    return
  }
  call.changeMember(side, { state: 'releasing' })
  call.cancel(side)
}

/** RFC 3261 15: no BYE between our 2xx and its ACK. */
function awaitsAck(call: Call, side: Side): boolean {
  const server = call.dialog(side).pendingServer
  return server !== null && server.method === 'INVITE' && isSuccess(server.final)
}

function sendBye(call: Call, side: Side, headers: readonly SipHeader[] = []): void {
  call.request(side, 'pendingClient', { method: 'BYE', headers, body: '' })
}

function released(call: Call, side: Side): void {
  call.changeMember(side, { state: 'released' })
  call.close(side, 'pendingClient')
}

/** When both sides are done, the record stays a while for repeated messages, then it goes. */
function settle(call: Call): void {
  if (!call.session.members.every((member) => member.state === 'released')) return
  linger(call)
}

export function linger(call: Call): void {
  const { lingering, timers, sessions, links } = call.exchange
  if (lingering.has(call.sessionId)) return
  lingering.add(call.sessionId)
  timers.start(call.sessionId, 'linger', call.now.monotonicMs + limits.releasedLingerMs)
  const [oldest] = lingering
  if (lingering.size <= limits.releasedLingerMax || oldest === undefined) return
  lingering.delete(oldest)
  timers.stop(oldest, 'linger')
  links.forget(oldest)
  const session = sessions.get(oldest)
  if (session !== undefined) sessions.remove(session)
}

export function forget(call: Call): void {
  call.exchange.lingering.delete(call.sessionId)
  call.remove()
}

/** BYE of a terminal, also one that crosses ours. */
export function onBye(call: Call, { side, id, pending }: OpenedRequest): void {
  const server = call.dialog(side).pendingServer
  if (server !== null && server.method === 'INVITE') {
    const isSetUp = call.session.answeredAtMs === null
    if (server.final === null && !isSetUp) call.respond(side, 'pendingServer', 487)
    if (isSuccess(call.dialog(side).pendingServer?.final ?? null)) acknowledged(call, side)
  }
  const status = call.session.answeredAtMs === null ? 487 : 200
  if (!isOver(call.session)) endCall(call, { by: side, status, gone: side })
  call.accept(side, 'pendingServer', { id, pending })
  call.respond(side, 'pendingServer', 200)
  released(call, side)
  settle(call)
}

/** Every answer to our BYE ends that side, 481 and silence too. */
export function onByeDone(call: Call, { side, response }: OfSide & Partial<Failed>): void {
  if (response === null) call.exchange.untold(call.sessionId)
  released(call, side)
  settle(call)
}

/** CANCEL of the caller while the callee rings. */
export function onCancel(call: Call): void {
  endCall(call, { by: 'caller', status: 487 })
}

export function onNoAnswer(call: Call): void {
  endCall(call, { by: 'switch', status: 408 })
}

export function onRelease(call: Call): void {
  endCall(call, { by: 'switch', status: call.session.answeredAtMs === null ? 480 : 200 })
}

/** 64*T1 without the ACK of our 2xx: RFC 3261 13.3.1.4. */
export function onUnacknowledged(call: Call, { side }: OfSide): void {
  if (!awaitsAck(call, side)) return
  call.close(side, 'pendingServer')
  if (!isOver(call.session)) endCall(call, { by: 'switch', status: 408 })
  else if (call.member(side).state === 'releasing') sendBye(call, side)
}

/** The ACK for which a BYE has waited. */
export function onLateAck(call: Call, { side }: OfSide): void {
  if (!awaitsAck(call, side)) return
  acknowledged(call, side)
  if (call.member(side).state === 'releasing') sendBye(call, side)
}

export function acknowledged(call: Call, side: Side): void {
  const place = { sessionId: call.sessionId, side, slot: 'pendingServer' } as const
  const id = call.exchange.links.idOf(place)
  if (id !== undefined) call.exchange.layer.acknowledged(id)
  call.close(side, 'pendingServer')
}

/** A 1xx after the decision to cancel: the layer sends the CANCEL now. */
export function onLateProvisional(call: Call, { side }: OfSide): void {
  const pending = call.dialog(side).pendingClient
  if (pending !== null) call.changeDialog(side, { pendingClient: { ...pending, proceeding: true } })
}

/** After a take-over: the CANCEL of the other node may have been lost. */
export function onCancelAgain(call: Call): void {
  for (const { side, dialog } of call.session.members) {
    if (dialog.pendingClient?.cancelled === true) call.cancelAgain(side, false)
  }
}

/** A 200 that crossed our CANCEL: the dialog exists, so it is ended. */
export function onLateSuccess(call: Call, { side, response }: Answered): void {
  const dialog = establish(call.dialog(side), response)
  if (!isReadable(dialog)) {
    onByeDone(call, { side })
    return
  }
  call.changeDialog(side, dialog)
  call.acknowledge(side, response.cseq.number)
  sendBye(call, side)
}

/** The callee's final answer after our CANCEL, mostly 487. */
export function onCancelled(call: Call, { side }: Failed): void {
  released(call, side)
  settle(call)
}

/** A second 2xx with another tag: a fork of the callee. One call is enough (RFC 3261 13.2.2.4). */
export function refuseFork(call: Call, side: Side, response: SipResponse): void {
  const fork = establish(call.dialog(side), response)
  if (!isReadable(fork)) return
  const { layer } = call.exchange
  const ack = ackOf(fork, response.cseq.number)
  const bye = { ...ack, method: 'BYE', cseq: { number: ack.cseq.number + 1, method: 'BYE' } }
  call.emit({ send: [layer.outside(ack, fork.destination)], events: [] }, false)
  call.emit(layer.request(bye, fork.destination, call.now.monotonicMs).output, false)
}
