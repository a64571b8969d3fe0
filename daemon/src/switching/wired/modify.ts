//! Changes of a call by re-INVITE (RFC 3261 14): hold and resume, another codec or port, a refresh.
//! Codec and port end at the switch. A change of direction concerns the other terminal, too: it is
//! passed through, and answered when that terminal has answered.
import { assert } from '../../assert.ts'
import type { PendingServer } from '../../tables/dialog.ts'
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import type { Direction } from '../../tables/wired-media.ts'
import { refreshTarget } from '../dialog/dialog.ts'
import { isReadable, isSuccess, offerIn } from '../dialog/pending.ts'
import { saidToHeld, setHoldTones } from '../services/call-tones.ts'
import { mediaOf } from '../xip/media.ts'
import type { Codec, XipMedia } from '../xip/xip.ts'
import type { Call } from './call.ts'
import { isHold, lets, meet, receives } from './direction.ts'
import type { Answered, CallEvents, Failed, OpenedRequest } from './events.ts'
import { settleGlare, triesAgain } from './glare.ts'
import { answerTo, connect, describedBy, farEnd, offerTo, saidTo, wishOf } from './media.ts'
import { acknowledged, endCall } from './release.ts'
import { isPresent } from './sessions.ts'

export function onReinvite(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const dialog = call.dialog(leg)
  if (dialog.pendingServer?.final === null) {
    // RFC 3261 14.2: a second INVITE before the first is answered.
    const headers = [{ name: 'Retry-After', value: '1' }]
    call.refuse(opened, 500, { headers })
    return
  }
  const media = request.body === '' ? null : mediaOf(request.body)
  const far = call.far(leg)
  const passes = media !== null && saidToHeld(call, far, media.direction) !== saidTo(call, far)
  const isGlare = dialog.pendingClient !== null || (passes && isOccupied(call, far))
  if (isGlare) {
    call.refuse(opened, 491)
    return
  }
  const refreshed = refreshTarget(dialog, request)
  const isUsable = request.body === '' || media !== null
  if (!isUsable || !isReadable(refreshed)) {
    call.refuse(opened, 488)
    return
  }
  // The ACK of the INVITE before is overdue; this request shows that its 2xx has come.
  if (dialog.pendingServer !== null) acknowledged(call, leg)
  call.accept(leg, 'pendingServer', { id, pending })
  call.changeDialog(leg, {
    remoteTarget: refreshed.remoteTarget,
    destination: refreshed.destination,
  })
  if (media === null) offerInAnswer(call, leg)
  else if (passes) passOn(call, far, media)
  else answerModification(call, leg)
}

/** True while an INVITE of or to that leg is not settled (RFC 3261 14.1). */
function isOccupied(call: Call, leg: Leg): boolean {
  return call.dialog(leg).pendingClient !== null || isUnsettled(call.dialog(leg).pendingServer)
}

/** A refusal stays in the record for repetitions only; it settles the INVITE. */
function isUnsettled(pending: PendingServer | null): boolean {
  if (pending === null || pending.method !== 'INVITE') return false
  return pending.final === null || isSuccess(pending.final)
}

/** Somebody else is at the other end now. What a leg was told by the one before, a hold, is told anew;
 * what it has asked and nobody has answered, is answered. Who only talks on hears nothing. */
export function align(call: Call, leg: Leg): void {
  const { pendingServer } = call.dialog(leg)
  if (pendingServer !== null && pendingServer.method === 'INVITE' && pendingServer.final === null) {
    answerModification(call, leg)
    return
  }
  const isOpen = isOccupied(call, leg)
  const far = call.far(leg)
  // What the far end said while it was held itself, is no wish of its own.
  const wish = call.member(far).state === 'hold' ? describedBy(call, far)?.direction : undefined
  const direction = saidToHeld(call, leg, wish ?? 'sendrecv')
  // Its own hold is its own to end.
  const isRight = saidTo(call, leg) === direction || call.member(leg).state === 'hold'
  call.changeMember(leg, { isToAlign: isOpen && !isRight ? true : null })
  if (!isOpen && !isRight) passOn(call, leg, { direction })
}

/** What one leg can have at most: what the other end of its call wants, or what its place in a conference
 * gives. */
export function grantedTo(call: Call, leg: Leg): Direction {
  const { seat } = call.member(leg)
  if (seat !== null) return seat.mayTalk ? 'sendrecv' : 'sendonly'
  const far = farEnd(call, leg)
  return far === null ? 'sendrecv' : saidToHeld(call, leg, wishOf(call, far))
}

/** A leg says `direction` now and is answered already. The far end is told so when what it was told last
 * keeps it from that: at once, or when its INVITE is settled. */
export function widen(call: Call, leg: Leg, direction: Direction): void {
  const far = farEnd(call, leg)
  if (far === null || lets(lastSaidTo(call, far), saidToHeld(call, far, direction))) return
  if (call.session.answeredAtMs === null) call.changeMember(far, { isToAlign: true })
  else align(call, far)
}

/** Also in an offer that has no answer yet. */
function lastSaidTo(call: Call, leg: Leg): Direction {
  const { pendingClient, localSdp } = call.dialog(leg)
  const isFirst = localSdp === '' && pendingClient?.method === 'INVITE'
  return (isFirst ? mediaOf(offerIn(pendingClient))?.direction : null) ?? saidTo(call, leg)
}

/** After a glare: what the terminal is to be told now, or the same once more. */
export function sendAgain(call: Call, leg: Leg): void {
  if (isOccupied(call, leg)) {
    call.changeMember(leg, { isToAlign: true })
    return
  }
  align(call, leg)
  if (call.dialog(leg).pendingClient === null) call.invite(leg, call.dialog(leg).localSdp)
}

/** Once what was open with a leg is settled. */
export function alignLate(call: Call): void {
  for (const member of call.session.members) {
    if (member.isToAlign === true && isPresent(member)) align(call, legOf(member))
  }
}

function passOn(call: Call, far: Leg, media: Pick<XipMedia, 'direction'>): void {
  const said = saidToHeld(call, far, media.direction)
  call.invite(far, offerTo(call, far, said, codecOf(call, far)))
}

/** The codec in use stays the first choice. */
function codecOf(call: Call, leg: Leg): Codec {
  const { wiredMedia } = call.exchange.options.tables
  return wiredMedia.get(call.member(leg).mediaId)?.codec ?? 'PCMA'
}

/** A re-INVITE without offer: ours is in the 200, and the answer in the ACK. */
function offerInAnswer(call: Call, leg: Leg): void {
  const far = call.far(leg)
  const theirs = describedBy(call, far)?.direction ?? 'sendrecv'
  const isTheirWish = call.member(far).state === 'hold' || call.session.callType !== 'da-ida'
  const direction: Direction = isTheirWish ? theirs : 'sendrecv'
  const body = offerTo(call, leg, direction, codecOf(call, leg))
  const pending = call.dialog(leg).pendingServer
  assert(pending !== null, 'the re-INVITE was accepted')
  call.changeDialog(leg, { localSdp: body, pendingServer: { ...pending, answerInAck: true } })
  call.respond(leg, 'pendingServer', 200, { body })
}

/** 200 to the leg that asked, as far as the other one goes along. */
function answerModification(call: Call, leg: Leg): void {
  const offer = call.dialog(leg).pendingServer?.body ?? ''
  const media = mediaOf(offer)
  assert(media !== null, 'the offer was checked when it came')
  const theirs = describedBy(call, call.far(leg))?.direction ?? 'sendrecv'
  const said = meet(saidToHeld(call, leg, theirs), media.direction)
  const body = answerTo(call, leg, offer, said)
  call.changeDialog(leg, { localSdp: body })
  take(call, leg, { description: offer, media })
  setHold(call, leg, isHold(media.direction))
  call.respond(leg, 'pendingServer', 200, { body })
}

interface Described {
  readonly description: string
  readonly media: XipMedia
}

/** A leg's new description holds: for its leg, and for the state of the call (S1.82). */
export function take(call: Call, leg: Leg, { description, media }: Described): void {
  call.changeDialog(leg, { remoteSdp: description })
  connect(call, leg, media, saidTo(call, leg))
}

/** Only the leg that asks puts on hold; for monitoring and half-duplex calls one-way is normal. */
export function setHold(call: Call, leg: Leg, wanted: boolean): void {
  const holds = wanted && call.session.callType === 'da-ida'
  call.changeMember(leg, { state: holds ? 'hold' : 'talking' })
  const isAnyHold = call.session.members.some((member) => member.state === 'hold')
  call.change({ state: isAnyHold ? 'hold' : 'communicating' })
  setHoldTones(call)
}

/** The far leg has answered our re-INVITE. */
export function onModified(call: Call, { leg: far, response }: Answered): void {
  const near = call.far(far)
  call.takeOffer(far)
  settleGlare(call, far)
  const refreshed = refreshTarget(call.dialog(far), response)
  if (isReadable(refreshed)) call.changeDialog(far, refreshed)
  call.close(far, 'pendingClient')
  call.acknowledge(far, response.cseq.number)
  const media = mediaOf(response.body)
  if (media === null) {
    endCall(call, { by: 'switch', status: 488 })
    return
  }
  take(call, far, { description: response.body, media })
  if (receives(media.direction)) setHold(call, far, false)
  const open = call.dialog(near).pendingServer
  if (open === null || open.method !== 'INVITE' || open.final !== null) return
  answerModification(call, near)
}

/** The far leg refuses: the call goes on as it was (RFC 3261 14.1), unless that leg is gone. */
export function onModificationRefused(call: Call, failed: Failed): void {
  const { leg: far, status, response } = failed
  const near = call.far(far)
  call.close(far, 'pendingClient')
  // RFC 3261 12.2.1.2.
  if (response === null || status === 481 || status === 408) {
    endCall(call, { by: call.member(far).side, status: 408, gone: far })
    return
  }
  const open = call.dialog(near).pendingServer
  if (open === null || open.method !== 'INVITE' || open.final !== null) {
    triesAgain(call, failed)
    return
  }
  // 491: the terminal that has asked waits, and asks again.
  const isOurs = status < 400 || status === 401 || status === 407
  call.respond(near, 'pendingServer', isOurs ? 488 : status)
}

/** ACK of our 2xx: it is not repeated any more. It may carry the answer to our offer. */
export function onAck(call: Call, { leg, request }: CallEvents['ack']): void {
  const pending = call.dialog(leg).pendingServer
  if (pending === null || pending.method !== 'INVITE' || pending.cseq !== request.cseq.number)
    return
  if (!isSuccess(pending.final)) return
  acknowledged(call, leg)
  if (!pending.answerInAck) return
  const media = mediaOf(request.body)
  if (media === null) {
    endCall(call, { by: 'switch', status: 488 })
    return
  }
  take(call, leg, { description: request.body, media })
  const far = call.far(leg)
  setHold(call, leg, isHold(media.direction))
  const passes = saidToHeld(call, far, media.direction) !== saidTo(call, far)
  if (passes && !isOccupied(call, far)) passOn(call, far, media)
}
