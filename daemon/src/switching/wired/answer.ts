//! The callee's answers to our INVITE, passed to the caller with our own description (S1.45).
import { assert } from '../../assert.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import { header, type SipHeader, type SipResponse } from '../../wire/sip/message.ts'
import { establish } from '../dialog/dialog.ts'
import { isReadable } from '../dialog/pending.ts'
import { stopTones } from '../services/call-tones.ts'
import { failCall } from '../services/failure-tones.ts'
import { causes } from '../xip/causes.ts'
import { mediaOf } from '../xip/media.ts'
import type { XipMedia } from '../xip/xip.ts'
import type { Call } from './call.ts'
import { meet } from './direction.ts'
import { isDescribed, isHeardEarly, noteProgress } from './early.ts'
import type { Answered, Failed } from './events.ts'
import { answerTo, connect, describedBy, offerTo, permitted, saidTo } from './media.ts'
import { endCall } from './release.ts'
import { isSettingUp } from './sessions.ts'

/** 100 .. 199 of the callee. A 183 with a description connects early media. */
export function onProvisional(call: Call, answered: Answered): void {
  if (!noteProgress(call, answered)) return
  const { leg, response } = answered
  const early = isHeardEarly(call, leg, response) ? mediaOf(response.body) : null
  const body = early === null ? '' : connectEarly(call, leg, { response, media: early })
  call.respond(call.far(leg), 'pendingServer', response.status, { body })
}

/** @returns our description for the caller: none when it made no offer, as it cannot answer it. */
function connectEarly(
  call: Call,
  callee: Leg,
  { response, media }: { readonly response: SipResponse; readonly media: XipMedia },
): string {
  call.takeOffer(callee)
  call.changeDialog(callee, { remoteSdp: response.body })
  connect(call, callee, media, saidTo(call, callee))
  stopTones(call)
  const caller = call.far(callee)
  const offer = call.dialog(caller).pendingServer?.body ?? ''
  return offer === '' ? '' : connectCaller(call, caller, offer)
}

/** Answers the caller's offer as far as the callee goes along. */
function connectCaller(call: Call, caller: Leg, offer: string): string {
  const isAnswered = isDescribed(call, caller)
  // An UPDATE or a PRACK may have changed what he has offered.
  const media = (isAnswered ? describedBy(call, caller) : null) ?? mediaOf(offer)
  const theirs = describedBy(call, call.far(caller))
  assert(media !== null, 'the offer was checked when it came')
  // Who comes with an INVITE without offer describes itself in its ACK.
  const said = permitted(call, caller, meet(theirs?.direction ?? 'sendrecv', media.direction))
  if (isAnswered) {
    // The caller has our answer for good; what the callee wants else is told it later.
    if (said !== saidTo(call, caller)) call.changeMember(caller, { isToAlign: true })
    return call.dialog(caller).localSdp
  }
  const body = answerTo(call, caller, offer, said)
  call.changeDialog(caller, { localSdp: body, remoteSdp: offer })
  connect(call, caller, media, said)
  return body
}

/** 2xx of the callee: ACK, both legs of the bridge, 200 to the caller. */
export function onAnswered(call: Call, { leg, response }: Answered): void {
  const dialog = establish(call.dialog(leg), response)
  if (!isReadable(dialog)) {
    call.log('warn', 'the answer of the callee cannot be used')
    endCall(call, { by: call.member(leg).side, status: 500, gone: leg })
    return
  }
  call.takeOffer(leg)
  call.changeDialog(leg, {
    ...establish(call.dialog(leg), response),
    pendingClient: null,
  })
  call.acknowledge(leg, response.cseq.number)
  const description = response.body === '' ? call.dialog(leg).remoteSdp : response.body
  const media = mediaOf(description)
  if (media === null) {
    endCall(call, { by: 'switch', status: 488 })
    return
  }
  call.changeDialog(leg, { remoteSdp: description })
  connect(call, leg, media, saidTo(call, leg))
  const caller = call.far(leg)
  call.changeMember(caller, { state: 'talking' })
  call.changeMember(leg, { state: 'talking' })
  call.exchange.timers.stop({ sessionId: call.sessionId, timer: 'no-answer' })
  call.exchange.answered += 1
  const body = describeToCaller(call, caller, media)
  stopTones(call)
  call.change({ state: 'communicating', answeredAtMs: call.now.wallMs })
  call.respond(caller, 'pendingServer', 200, { body })
}

/** An answer or, after an INVITE without offer, our offer, which the ACK answers (RFC 3264 4). */
function describeToCaller(
  call: Call,
  caller: Leg,
  callee: Pick<XipMedia, 'codecs' | 'direction'>,
): string {
  const pending = call.dialog(caller).pendingServer
  assert(pending !== null, 'the INVITE of the caller is open')
  if (pending.body !== '') return connectCaller(call, caller, pending.body)
  if (isDescribed(call, caller)) return ''
  const first = callee.codecs[0]?.name ?? 'PCMA'
  const body = offerTo(call, caller, callee.direction, first)
  call.changeDialog(caller, {
    localSdp: body,
    pendingServer: { ...pending, answerInAck: true },
  })
  return body
}

/** 200 to an INVITE that takes a place in the call, and to the caller when that is the first answer. */
export function answerNewcomer(call: Call, leg: Leg): void {
  const far = call.far(leg)
  const isFirst = isSettingUp(call.member(far))
  const pending = call.dialog(leg).pendingServer
  assert(pending !== null, 'the INVITE of the newcomer is open')
  const media = pending.body === '' ? null : mediaOf(pending.body)
  const offered = isFirst ? mediaOf(call.dialog(far).pendingServer?.body ?? '') : null
  const direction = (offered ?? describedBy(call, far))?.direction ?? 'sendrecv'
  call.changeMember(leg, { state: 'talking' })
  let body = ''
  if (media === null) {
    body = offerTo(call, leg, direction, 'PCMA')
    call.changeDialog(leg, { localSdp: body, pendingServer: { ...pending, answerInAck: true } })
  } else {
    const said = meet(direction, media.direction)
    body = answerTo(call, leg, pending.body, said)
    call.changeDialog(leg, { localSdp: body, remoteSdp: pending.body })
    connect(call, leg, media, said)
  }
  call.respond(leg, 'pendingServer', 200, { body })
  if (!isFirst) return
  stopTones(call)
  call.changeMember(far, { state: 'talking' })
  const described = media ?? { codecs: [], direction: 'sendrecv' as const }
  const answer = describeToCaller(call, far, described)
  call.respond(far, 'pendingServer', 200, { body: answer })
}

/** A Reason goes into the record with the answer to the caller, which the other node has to read. */
const reasonLengthMax = 512

/** The callee refuses, or does not react at all (Timer B: 408). */
export function onRefused(call: Call, failed: Failed): void {
  const { leg, status, response } = failed
  call.close(leg, 'pendingClient')
  if (call.exchange.services.some(({ refused }) => refused?.(call, failed) === true)) return
  const headers = response === null ? causes.noReply : reasonsIn(response)
  failCall(call, { by: call.member(leg).side, status: passedOn(status), gone: leg, headers })
}

function reasonsIn(response: SipResponse): SipHeader[] {
  const reason = header(response, 'Reason')
  const isShort = reason !== undefined && reason.length <= reasonLengthMax
  return isShort ? [{ name: 'Reason', value: reason }] : []
}

/** What concerns only us and the callee says nothing to the caller: redirections, challenges and
 * faults of our own request become 480. */
function passedOn(status: number): number {
  const isOurs = status < 400 || [401, 407, 421, 481, 482, 483, 491, 493].includes(status)
  return isOurs ? 480 : status
}
