//! UPDATE (RFC 3311): a change or a refresh of a session without an ACK, also before it is answered, by
//! either side. It has to be answered at once, so the other terminal is not asked before; what it was told
//! is told anew when that keeps it from what the offer lets it do.
import type { Leg } from '../../tables/wired-conference.ts'
import { tagOf } from '../dialog/dialog.ts'
import { earlyOf, heardOf, refreshedBy, withEarly } from '../dialog/early-dialog.ts'
import { offerIn } from '../dialog/pending.ts'
import type { Call } from '../wired/call.ts'
import { isHold, meet } from '../wired/direction.ts'
import type { OpenedRequest } from '../wired/events.ts'
import { answerEarly, answerTo, connect } from '../wired/media.ts'
import { grantedTo, setHold, take, widen } from '../wired/modify.ts'
import { isSettingUp } from '../wired/sessions.ts'
import { mediaOf } from '../xip/media.ts'
import type { XipMedia } from '../xip/xip.ts'

export function onUpdate(call: Call, opened: OpenedRequest): void {
  if (opened.request.body === '') {
    if (accept(call, opened)) call.respond(opened.leg, 'relayServer', 200)
    return
  }
  const status = inTheWay(call, opened)
  if (status === 491) call.refuse(opened, 491)
  else if (status === 500) refuseForNow(call, opened)
  else change(call, opened)
}

/** RFC 3311 5.2: 491 when an offer of ours has no answer, 500 when one of theirs has none. An answer that
 * is not acknowledged may be lost: it counts when it was reliable. */
function inTheWay(call: Call, { leg, request }: OpenedRequest): 491 | 500 | null {
  const dialog = call.dialog(leg)
  const { pendingClient, pendingServer, remoteSdp } = dialog
  if (dialog.remoteTag === null) {
    const early = earlyOf(dialog, tagOf(request.from) ?? '')
    return early !== undefined && early.rseq > 0 && early.sdp !== '' ? null : 491
  }
  if (pendingClient?.method === 'INVITE') return 491
  if (pendingServer === null || pendingServer.method !== 'INVITE') return null
  if (pendingServer.answerInAck) return 491
  if (pendingServer.final !== null) return null
  if (pendingServer.reliable?.described !== true) return 500
  return remoteSdp === '' ? 491 : null
}

function refuseForNow(call: Call, opened: OpenedRequest): void {
  call.refuse(opened, 500, { headers: [{ name: 'Retry-After', value: '1' }] })
}

function change(call: Call, opened: OpenedRequest): void {
  const { leg, request } = opened
  const media = mediaOf(request.body)
  if (media === null) {
    call.refuse(opened, 488)
    return
  }
  if (!accept(call, opened)) return
  const isEarly = call.dialog(leg).remoteTag === null
  const body = isEarly ? changeEarly(call, opened, media) : changeLeg(call, opened, media)
  call.respond(leg, 'relayServer', 200, { body })
  widen(call, leg, media.direction)
}

/** @returns our answer. */
function changeLeg(call: Call, { leg, request }: OpenedRequest, media: XipMedia): string {
  const body = answerTo(call, leg, request.body, meet(grantedTo(call, leg), media.direction))
  call.changeDialog(leg, { localSdp: body })
  take(call, leg, { description: request.body, media })
  noteHold(call, leg, isHold(media.direction))
  return body
}

/** In a call of two the other one is held then. Whoever talks to the switch, or in a conference, holds nobody. */
function noteHold(call: Call, leg: Leg, holds: boolean): void {
  const { answeredAtMs, focus, attendant, callType } = call.session
  if (answeredAtMs !== null && focus === null && attendant === null) setHold(call, leg, holds)
  else if (!isSettingUp(call.member(leg))) {
    call.changeMember(leg, { state: holds && callType === 'da-ida' ? 'hold' : 'talking' })
  }
}

/** Somebody who is called and has answered our offer, but not the call. Of several only the one who is heard
 * has media. */
function changeEarly(call: Call, { leg, request }: OpenedRequest, media: XipMedia): string {
  const tag = tagOf(request.from) ?? ''
  const { pendingClient } = call.dialog(leg)
  const said = earlyOf(call.dialog(leg), tag)?.localSdp ?? null
  const before = said ?? (pendingClient === null ? '' : offerIn(pendingClient))
  const direction = meet(grantedTo(call, leg), media.direction)
  const { body: offer } = request
  const localSdp = answerEarly(call, leg, { offer, direction, before })
  const dialog = call.dialog(leg)
  call.changeDialog(leg, { early: withEarly(dialog, tag, { sdp: offer, localSdp }) })
  if (heardOf(dialog)?.tag !== tag) return localSdp
  call.changeDialog(leg, { remoteSdp: offer })
  const { wiredMedia } = call.exchange.options.tables
  if (wiredMedia.get(call.member(leg).mediaId) !== undefined) {
    call.changeDialog(leg, { localSdp })
    connect(call, leg, media, direction)
  }
  return localSdp
}

/** @returns false when it was refused. */
function accept(call: Call, opened: OpenedRequest): boolean {
  const { leg, id, request, pending } = opened
  const { relayServer } = call.dialog(leg)
  if (refreshedBy(call.dialog(leg), request) === null) {
    call.refuse(opened, 400)
    return false
  }
  if (relayServer !== null && relayServer.final === null) {
    refuseForNow(call, opened)
    return false
  }
  call.accept(leg, 'relayServer', { id, pending })
  call.changeDialog(leg, refreshedBy(call.dialog(leg), request) ?? {})
  return true
}
