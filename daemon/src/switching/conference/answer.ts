//! The descriptions of a member of a conference. The focus is the other end of each of them: what one
//! member does with its media is answered at once, and the others hear nothing of it.
import { assert } from '../../assert.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import type { Direction } from '../../tables/wired-media.ts'
import { header } from '../../wire/sip/message.ts'
import { establish, refreshTarget } from '../dialog/dialog.ts'
import { isReadable, isSuccess } from '../dialog/pending.ts'
import type { Call } from '../wired/call.ts'
import { isHold, meet } from '../wired/direction.ts'
import { keepDescription, noteProgress } from '../wired/early.ts'
import type { Answered, CallEvents, Failed, OpenedRequest } from '../wired/events.ts'
import { settleGlare, triesAgain } from '../wired/glare.ts'
import { answerTo, connect, offerTo, saidTo } from '../wired/media.ts'
import { acknowledged } from '../wired/release.ts'
import { mediaOf } from '../xip/media.ts'
import { stopRinging } from './invite.ts'
import { leave } from './leave.ts'
import { goesOnOutside } from './outside.ts'
import { referred } from './referred.ts'

/** 200 to an INVITE or re-INVITE of a member, with our answer or, when it made no offer, ours. */
export function answerMember(call: Call, leg: Leg): void {
  const pending = call.dialog(leg).pendingServer
  assert(pending !== null, 'an INVITE of the member is open')
  const body = pending.body === '' ? offerMember(call, leg) : answerOffer(call, leg, pending.body)
  call.respond(leg, 'pendingServer', 200, { body })
}

function offerMember(call: Call, leg: Leg): string {
  const body = offerTo(call, leg, wanted(call, leg), 'PCMA')
  const pending = call.dialog(leg).pendingServer
  assert(pending !== null, 'an INVITE of the member is open')
  call.changeDialog(leg, { localSdp: body, pendingServer: { ...pending, answerInAck: true } })
  if (call.member(leg).state === 'calling') call.changeMember(leg, { state: 'talking' })
  return body
}

function answerOffer(call: Call, leg: Leg, offer: string): string {
  const media = mediaOf(offer)
  assert(media !== null, 'the offer was checked when it came')
  const body = answerTo(call, leg, offer, meet(wanted(call, leg), media.direction))
  call.changeDialog(leg, { localSdp: body })
  describe(call, leg, offer)
  return body
}

/** Who only listens is told so; who is silenced for now keeps what was agreed. */
function wanted(call: Call, leg: Leg): Direction {
  return call.member(leg).seat?.mayTalk === false ? 'sendonly' : 'sendrecv'
}

/** A description of the member holds: for its leg, and for its state. */
function describe(call: Call, leg: Leg, description: string): void {
  const media = mediaOf(description)
  assert(media !== null, 'the description was checked when it came')
  call.changeDialog(leg, { remoteSdp: description })
  const listens = call.session.callType !== 'da-ida'
  const holds = isHold(media.direction) && !listens
  call.changeMember(leg, { state: holds ? 'hold' : 'talking' })
  connect(call, leg, media, saidTo(call, leg))
}

/** Hold, resume, another codec or port, a refresh. */
export function onMemberReinvite(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const dialog = call.dialog(leg)
  if (dialog.pendingServer?.final === null) {
    // RFC 3261 14.2: a second INVITE before the first is answered.
    call.refuse(opened, 500, { headers: [{ name: 'Retry-After', value: '1' }] })
    return
  }
  if (dialog.pendingClient !== null) {
    call.refuse(opened, 491)
    return
  }
  const refreshed = refreshTarget(dialog, request)
  const isUsable = request.body === '' || mediaOf(request.body) !== null
  if (!isUsable || !isReadable(refreshed)) {
    call.refuse(opened, 488)
    return
  }
  // The ACK of the INVITE before is overdue; this request shows that its 2xx has come.
  if (dialog.pendingServer !== null) acknowledged(call, leg)
  call.accept(leg, 'pendingServer', { id, pending })
  const { remoteTarget, destination } = refreshed
  call.changeDialog(leg, { remoteTarget, destination })
  answerMember(call, leg)
}

/** ACK of our 2xx; it may carry the answer to our offer. */
export function onMemberAck(call: Call, { leg, request }: CallEvents['ack']): void {
  const pending = call.dialog(leg).pendingServer
  if (pending === null || pending.method !== 'INVITE') return
  if (pending.cseq !== request.cseq.number || !isSuccess(pending.final)) return
  acknowledged(call, leg)
  if (!pending.answerInAck) return
  if (mediaOf(request.body) === null) leave(call, leg, { status: 488 })
  else describe(call, leg, request.body)
}

/** 100 .. 199 of somebody whom we have called. */
export function onInvitedProvisional(call: Call, answered: Answered): void {
  if (!noteProgress(call, answered)) return
  keepDescription(call, answered)
  referred(call, answered.leg, answered.response.status)
}

/** It is in: the others go on as they are. */
export function onInvitedAnswered(call: Call, { leg, response }: Answered): void {
  const dialog = establish(call.dialog(leg), response)
  stopRinging(call, leg)
  if (!isReadable(dialog)) {
    call.log('warn', 'the answer of a member cannot be used', { leg })
    leave(call, leg, { status: 500, gone: leg })
    return
  }
  call.takeOffer(leg)
  call.changeDialog(leg, { ...establish(call.dialog(leg), response), pendingClient: null })
  call.acknowledge(leg, response.cseq.number)
  const description = response.body === '' ? call.dialog(leg).remoteSdp : response.body
  if (mediaOf(description) === null) {
    leave(call, leg, { status: 488 })
    return
  }
  const { seat } = call.member(leg)
  if (seat !== null) {
    const wg67Version = (header(response, 'WG67-Version') ?? '').slice(0, versionLengthMax)
    call.changeMember(leg, { seat: { ...seat, wg67Version, sinceMs: call.now.wallMs } })
  }
  describe(call, leg, description)
  referred(call, leg, 200)
}

const versionLengthMax = 64

/** Refused, or silent: it is shown as away and can be called again. */
export function onInvitedRefused(call: Call, failed: Failed): void {
  const { leg, status } = failed
  call.close(leg, 'pendingClient')
  if (goesOnOutside(call, failed)) return
  stopRinging(call, leg)
  referred(call, leg, status)
  leave(call, leg, { status, gone: leg })
}

/** The member has answered a re-INVITE of ours. */
export function onMemberModified(call: Call, { leg, response }: Answered): void {
  call.takeOffer(leg)
  settleGlare(call, leg)
  const refreshed = refreshTarget(call.dialog(leg), response)
  if (isReadable(refreshed)) call.changeDialog(leg, refreshed)
  call.close(leg, 'pendingClient')
  call.acknowledge(leg, response.cseq.number)
  if (mediaOf(response.body) === null) leave(call, leg, { status: 488 })
  else describe(call, leg, response.body)
}

/** It stays as it was (RFC 3261 14.1), unless it is gone. */
export function onModificationRefused(call: Call, failed: Failed): void {
  const { leg, status, response } = failed
  call.close(leg, 'pendingClient')
  if (triesAgain(call, failed)) return
  // RFC 3261 12.2.1.2.
  const isGone = response === null || status === 481 || status === 408
  if (isGone) leave(call, leg, { status: 408, gone: leg })
}
