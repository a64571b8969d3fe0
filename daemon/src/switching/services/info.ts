//! INFO in a call (RFC 6086), passed through: what it carries concerns only the terminals, but for a digit
//! that a service takes. Also before the call is answered, to a terminal whose early dialog can be used. An
//! error would end the dialog there (RFC 5057 5.1), so that a digit that nobody can hear yet is answered.
import { limits } from '../../limits.ts'
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import { infoDigit } from '../../wire/info-digit.ts'
import { header, type SipHeader, type SipMessage } from '../../wire/sip/message.ts'
import { heardOf } from '../dialog/early-dialog.ts'
import type { Call } from '../wired/call.ts'
import { requestEarly } from '../wired/early.ts'
import type { Failed, OpenedRequest } from '../wired/events.ts'
import { farEnd } from '../wired/media.ts'
import { takesInfoDigit } from './digits.ts'
import { isProbe, onProbed } from './probe.ts'

const passedHeaders = ['Content-Type', 'Content-Disposition', 'Info-Package'] as const
/** What is passed on lies in the record until it is answered, and must be readable from there. */
const valueLengthMax = 512

export function onInfo(call: Call, opened: OpenedRequest): void {
  if (takesInfoDigit(call, opened)) return
  const { leg, id, request, pending } = opened
  const far = farEnd(call, leg)
  if (far === null || !isReachable(call, far)) {
    answerAlone(call, opened)
    return
  }
  const isBusy = call.dialog(leg).relayServer?.final === null
  if (isBusy || call.dialog(far).relayClient !== null) {
    refuseForNow(call, opened)
    return
  }
  if (!isPassable(request)) {
    call.refuse(opened, 513)
    return
  }
  call.accept(leg, 'relayServer', { id, pending })
  const parts = { method: 'INFO', headers: headersOf(request), body: request.body }
  if (call.dialog(far).remoteTag === null) requestEarly(call, far, parts)
  else call.request(far, 'relayClient', parts)
}

/** Nobody is there yet who could get it. */
export function onInfoTooEarly(call: Call, opened: OpenedRequest): void {
  if (!takesInfoDigit(call, opened)) answerAlone(call, opened)
}

/** Who is called is reached when he is heard; who calls, when he is known to have the dialog. */
function isReachable(call: Call, leg: Leg): boolean {
  const { mediaId } = call.member(leg)
  const { pendingServer, remoteTag, ...dialog } = call.dialog(leg)
  if (remoteTag === null) {
    const isConnected = call.exchange.options.tables.wiredMedia.get(mediaId) !== undefined
    return isConnected && (heardOf(dialog)?.remote ?? null) !== null
  }
  if (pendingServer === null || pendingServer.method !== 'INVITE') return true
  if (call.session.answeredAtMs !== null || pendingServer.final !== null) return true
  const { reliable } = pendingServer
  return reliable !== null && reliable.rseq > 0 && reliable.open === null
}

function answerAlone(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const isOpen = call.dialog(leg).relayServer?.final === null
  const isDigit = infoDigit(header(request, 'Content-Type'), request.body) !== null
  if (isOpen || !(isDigit || request.body === '')) {
    refuseForNow(call, opened)
    return
  }
  call.accept(leg, 'relayServer', { id, pending })
  call.respond(leg, 'relayServer', 200)
}

function refuseForNow(call: Call, opened: OpenedRequest): void {
  call.refuse(opened, 500, { headers: [{ name: 'Retry-After', value: '1' }] })
}

export function onInfoDone(call: Call, failed: Failed): void {
  const { leg: far, response } = failed
  if (isProbe(call, far)) {
    onProbed(call, failed)
    return
  }
  call.close(far, 'relayClient')
  const near = askerOf(call, far)
  if (near === null) return
  const status = passedStatus(call, failed)
  if (response === null || !isPassable(response)) {
    call.respond(near, 'relayServer', response === null ? status : 502)
    return
  }
  call.respond(near, 'relayServer', status, {
    headers: headersOf(response),
    body: response.body,
  })
}

/** An early dialog may be over while its call goes on with others: that is not the end of both (RFC 3261
 * 12.2.1.2). */
function passedStatus({ session }: Call, { status }: Failed): number {
  const isGone = status === 481 || status === 408
  return session.answeredAtMs === null && isGone ? 500 : status
}

/** Who waits for the answer of that leg; null: nobody (any more). */
function askerOf({ session }: Call, far: Leg): Leg | null {
  const asker = session.members.find((one) => {
    const { relayServer } = one.dialog
    const isOpen = relayServer !== null && relayServer.final === null
    return legOf(one) !== far && isOpen && relayServer.method === 'INFO'
  })
  return asker === undefined ? null : legOf(asker)
}

function isPassable(message: SipMessage): boolean {
  const isShort = headersOf(message).every(({ value }) => value.length <= valueLengthMax)
  return isShort && Buffer.byteLength(message.body) <= limits.sdpBytesMax
}

function headersOf(message: SipMessage): SipHeader[] {
  return passedHeaders.flatMap((name) => {
    const value = header(message, name)
    return value === undefined ? [] : [{ name, value }]
  })
}
