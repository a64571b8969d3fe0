//! PRACK (RFC 3262): the caller has our reliable provisional answer. What waited for that is said now: the
//! next one, or the answer of the callee. Without it the call ends after 64*T1.
import type { Leg } from '../../tables/wired-conference.ts'
import { leave } from '../conference/leave.ts'
import { finalOf } from '../dialog/pending.ts'
import { isPrackOf } from '../dialog/reliable.ts'
import type { Call } from '../wired/call.ts'
import { meet } from '../wired/direction.ts'
import type { OpenedRequest } from '../wired/events.ts'
import { answerTo, connect, saidTo } from '../wired/media.ts'
import { grantedTo, widen } from '../wired/modify.ts'
import { endCall, onByeDone } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { mediaOf } from '../xip/media.ts'

export function onPrack(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const { pendingServer, relayServer } = call.dialog(leg)
  if (!isPrackOf(request, pendingServer)) {
    call.refuse(opened, 481)
    return
  }
  const body = describe(call, leg, request.body)
  if (body === null) {
    call.refuse(opened, 488)
    return
  }
  // An INFO that was passed on may wait for its answer there: a PRACK that is refused would end the call.
  if (relayServer !== null && relayServer.final === null) call.answerAside(opened, { body })
  else {
    call.accept(leg, 'relayServer', { id, pending })
    call.respond(leg, 'relayServer', 200, { body })
  }
  goOn(call, leg)
}

/** Takes the answer to our offer, or an offer (RFC 3262 5).
 * @returns our answer, '' for none; null: it cannot be used. */
function describe(call: Call, leg: Leg, description: string): string | null {
  const { pendingServer, remoteSdp } = call.dialog(leg)
  const isAnswered = remoteSdp !== ''
  const isDescribed = pendingServer?.reliable?.described === true
  const isOffered = isDescribed && pendingServer.body === '' && !isAnswered
  if (description === '') return isOffered ? null : ''
  const media = mediaOf(description)
  if (media === null || !isDescribed || !isPresent(call.member(leg))) return null
  if (isOffered) {
    call.changeDialog(leg, { remoteSdp: description })
    connect(call, leg, media, saidTo(call, leg))
    return ''
  }
  const said = meet(grantedTo(call, leg), media.direction)
  const body = answerTo(call, leg, description, said)
  call.changeDialog(leg, { localSdp: body, remoteSdp: description })
  connect(call, leg, media, said)
  widen(call, leg, media.direction)
  return body
}

function goOn(call: Call, leg: Leg): void {
  const { exchange, sessionId, now } = call
  const invite = call.dialog(leg).pendingServer
  if (invite === null || invite.reliable === null) return
  const id = exchange.links.idOf({ sessionId, leg, slot: 'pendingServer' })
  if (id !== undefined) exchange.layer.acknowledged(id)
  const { reliable } = invite
  const [next, ...waiting] = reliable.waiting
  const settled = { ...reliable, open: null, isHeld: false, waiting }
  call.changeDialog(leg, { pendingServer: { ...invite, reliable: settled } })
  const final = reliable.isHeld ? finalOf(invite) : null
  if (final !== null && id !== undefined) {
    call.emit(exchange.layer.respond(id, final, now.monotonicMs), true)
  }
  if (next === undefined || invite.final !== null) return
  call.respond(leg, 'pendingServer', next.status, { body: next.body })
}

/** 64*T1 without the PRACK: the INVITE is refused with a 5xx (RFC 3262 3).
 * @returns false: no answer waits for one. */
export function onUnpracked(call: Call, leg: Leg): boolean {
  const invite = call.dialog(leg).pendingServer
  const reliable = invite?.reliable ?? null
  if (invite === null || reliable === null || reliable.open === null) return false
  if (invite.final !== null && !reliable.isHeld) return false
  const settled = { ...reliable, open: null, isHeld: false, waiting: [] }
  call.changeDialog(leg, { pendingServer: { ...invite, final: null, reliable: settled } })
  call.log('info', 'a caller does not acknowledge a reliable answer', { leg })
  call.respond(leg, 'pendingServer', 504)
  const end = { status: 504, gone: leg }
  if (isOver(call.session) || !isPresent(call.member(leg))) onByeDone(call, { leg })
  else if (call.session.focus !== null) leave(call, leg, end)
  else endCall(call, { ...end, by: 'switch' })
  return true
}
