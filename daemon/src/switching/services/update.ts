//! UPDATE (RFC 3311): a change or a refresh of a session without an ACK, also before it is answered. It
//! has to be answered at once, so the other terminal is not asked before; what it was told is told anew when
//! that keeps it from what the offer lets it do.
import type { Leg } from '../../tables/wired-conference.ts'
import { refreshTarget } from '../dialog/dialog.ts'
import { isReadable } from '../dialog/pending.ts'
import type { Call } from '../wired/call.ts'
import { isHold, meet } from '../wired/direction.ts'
import type { OpenedRequest } from '../wired/events.ts'
import { answerTo } from '../wired/media.ts'
import { grantedTo, setHold, take, widen } from '../wired/modify.ts'
import { mediaOf } from '../xip/media.ts'

/** In a call that is answered. */
export function onUpdate(call: Call, opened: OpenedRequest): void {
  const { leg, request } = opened
  if (request.body === '') {
    refresh(call, opened)
    return
  }
  const { pendingClient, pendingServer } = call.dialog(leg)
  // RFC 3311 5.2: an offer of ours is open, or one of theirs.
  if (pendingClient?.method === 'INVITE') {
    call.refuse(opened, 491)
    return
  }
  const isOpen = pendingServer?.method === 'INVITE' && pendingServer.final === null
  if (isOpen || pendingServer?.answerInAck === true) {
    refuseForNow(call, opened)
    return
  }
  change(call, opened)
}

/** While the caller waits: there is an offer of his without answer, unless early media has answered it. */
export function onEarlyUpdate(call: Call, opened: OpenedRequest): void {
  const { leg, request } = opened
  if (request.body === '') refresh(call, opened)
  else if (call.dialog(leg).remoteSdp === '') refuseForNow(call, opened)
  else change(call, opened)
}

function refuseForNow(call: Call, opened: OpenedRequest): void {
  call.refuse(opened, 500, { headers: [{ name: 'Retry-After', value: '1' }] })
}

function refresh(call: Call, opened: OpenedRequest): void {
  if (!accept(call, opened)) return
  call.respond(opened.leg, 'relayServer', 200)
}

function change(call: Call, opened: OpenedRequest): void {
  const { leg, request } = opened
  const media = mediaOf(request.body)
  if (media === null) {
    call.refuse(opened, 488)
    return
  }
  if (!accept(call, opened)) return
  const body = answerTo(call, leg, request.body, meet(grantedTo(call, leg), media.direction))
  call.changeDialog(leg, { localSdp: body })
  take(call, leg, { description: request.body, media })
  if (call.session.answeredAtMs !== null) noteHold(call, leg, isHold(media.direction))
  call.respond(leg, 'relayServer', 200, { body })
  widen(call, leg, media.direction)
}

/** In a call of two the other one is held then. Whoever talks to the switch, or in a conference, holds nobody. */
function noteHold(call: Call, leg: Leg, holds: boolean): void {
  const { focus, attendant, callType } = call.session
  if (focus === null && attendant === null) setHold(call, leg, holds)
  else call.changeMember(leg, { state: holds && callType === 'da-ida' ? 'hold' : 'talking' })
}

/** @returns false when it was refused. */
function accept(call: Call, opened: OpenedRequest): boolean {
  const { leg, id, request, pending } = opened
  const { relayServer } = call.dialog(leg)
  const refreshed = refreshTarget(call.dialog(leg), request)
  if (!isReadable(refreshed)) {
    call.refuse(opened, 400)
    return false
  }
  if (relayServer !== null && relayServer.final === null) {
    refuseForNow(call, opened)
    return false
  }
  const { remoteTarget, destination } = refreshed
  call.changeDialog(leg, { remoteTarget, destination })
  call.accept(leg, 'relayServer', { id, pending })
  return true
}
