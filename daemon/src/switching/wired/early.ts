//! The early dialogs of an INVITE of ours (RFC 3261 12.1, 13.2.2): a proxy may fork it, so that several
//! telephones ring for it. Reliable answers of each are acknowledged by a PRACK (RFC 3262 4). And what our
//! own reliable answers say to a caller.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { PendingClient, PendingServer } from '../../tables/dialog.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import type { SipHeader, SipResponse } from '../../wire/sip/message.ts'
import { establish, nextRequest, type RequestParts, tagOf } from '../dialog/dialog.ts'
import { asDialog, earlyOf, hasPlace, heardOf, wayOf, withEarly } from '../dialog/early-dialog.ts'
import { isReadable, pendingClientOf, requestIn } from '../dialog/pending.ts'
import { isNext, rseqOf } from '../dialog/reliable.ts'
import { loginFor } from '../trunk/sign-in.ts'
import { mediaOf } from '../xip/media.ts'
import type { Call } from './call.ts'
import type { Answered } from './events.ts'
import type { Link } from './links.ts'
import { offerTo } from './media.ts'

/** 100 .. 199 to our INVITE. @returns false: a 100, which says nothing of the telephone. */
export function noteProgress(call: Call, { leg, response }: Answered): boolean {
  const pending = call.dialog(leg).pendingClient
  assert(pending !== null, 'a provisional answer belongs to an open INVITE')
  call.changeDialog(leg, { pendingClient: { ...pending, proceeding: true } })
  if (response.status === 100) return false
  if (call.member(leg).state === 'calling') call.changeMember(leg, { state: 'ringing' })
  return true
}

/** Keeps the description of one whose voice is let in when it answers: it may stand for the one in the
 * 200, which repeats it or has none (RFC 3261 13.2.1). */
export function keepDescription(call: Call, { leg, response }: Answered): void {
  if (mediaOf(response.body) !== null) call.changeDialog(leg, { remoteSdp: response.body })
}

type PrackSlot = `prack-${number}`

/** Remembers what a 1xx to our INVITE says of its early dialog, and acknowledges it when it is reliable.
 * @returns false: it says nothing new. */
export function takeEarly(call: Call, leg: Leg, response: SipResponse): boolean {
  const dialog = call.dialog(leg)
  const tag = tagOf(response.to) ?? ''
  const rseq = rseqOf(response)
  if (response.status === 100 || dialog.remoteTag !== null || tag === '') return true
  const known = earlyOf(dialog, tag)
  if (rseq !== null && !isNext(known, rseq)) return false
  const sdp = known?.sdp || describedIn(response)
  if (rseq === null && (sdp === '' || sdp === known?.sdp)) return true
  // Its sender gives up when nobody acknowledges it.
  if (!hasPlace(dialog, tag)) return rseq === null
  const remote = wayOf(establish(dialog, response))
  const next = { rseq: rseq ?? known?.rseq ?? 0, sdp, remote }
  const early = withEarly(dialog, tag, next)
  call.changeDialog(leg, { early })
  const at = early.findIndex((one) => one.tag === tag)
  return rseq === null || sendPrack(call, leg, { at, response, rseq })
}

function describedIn({ body }: SipResponse): string {
  const isUsable = body !== '' && body.length <= limits.sdpBytesMax && mediaOf(body) !== null
  return isUsable ? body : ''
}

function sendPrack(
  call: Call,
  leg: Leg,
  {
    at,
    response,
    rseq,
  }: { readonly at: number; readonly response: SipResponse; readonly rseq: number },
): boolean {
  const { exchange, sessionId, now } = call
  const dialog = establish(call.dialog(leg), response)
  if (!isReadable(dialog)) return true
  const { cseq } = response
  const headers = [{ name: 'RAck', value: `${rseq} ${cseq.number} ${cseq.method}` }]
  const made = nextRequest(dialog, { method: 'PRACK', contact: null, headers, body: '' })
  const { destination } = dialog
  const { id, request, output } = exchange.layer.request(made.request, destination, now.monotonicMs)
  exchange.links.bind(id, { sessionId, leg, slot: `prack-${at}` })
  const early = call.dialog(leg).early ?? []
  const prack = pendingClientOf(request, destination)
  call.changeDialog(leg, {
    localSeq: made.dialog.localSeq,
    early: early.map((one, index) => (index === at ? { ...one, prack } : one)),
  })
  call.emit(output, true)
  return true
}

export function isPrack(slot: Link['slot']): slot is PrackSlot {
  return slot.startsWith('prack-')
}

/** The answer to a PRACK; none, as `null`. Another system may want a password for it; whatever it says
 * else, the call goes on. */
export function onPracked(
  call: Call,
  leg: Leg,
  { slot, response }: { readonly slot: PrackSlot; readonly response: SipResponse | null },
): void {
  if (response !== null && response.status < 200) return
  const { early } = call.dialog(leg)
  const at = Number(slot.slice('prack-'.length))
  const cseq = early?.[at]?.prack?.cseq
  if (early === null || (response !== null && response.cseq.number !== cseq)) return
  const prack = early[at]?.prack ?? null
  const credentials =
    prack === null || response === null ? null : loginFor(call, leg, { response, pending: prack })
  if (prack !== null && credentials !== null) {
    prackAgain(call, leg, { at, prack, credentials })
    return
  }
  call.changeDialog(leg, {
    early: early.map((one, index) => (index === at ? { ...one, prack: null } : one)),
  })
}

/** The same PRACK with the password (RFC 3261 22.2). */
function prackAgain(
  call: Call,
  leg: Leg,
  {
    at,
    prack,
    credentials,
  }: { readonly at: number; readonly prack: PendingClient; readonly credentials: SipHeader },
): void {
  const { early } = call.dialog(leg)
  const next = again(call, leg, { slot: `prack-${at}`, pending: prack, credentials })
  call.changeDialog(leg, {
    early: (early ?? []).map((one, index) => (index === at ? { ...one, prack: next } : one)),
  })
}

/** @returns what was asked, as the next request of the leg with the password. */
function again(
  call: Call,
  leg: Leg,
  {
    slot,
    pending,
    credentials,
  }: {
    readonly slot: Link['slot']
    readonly pending: PendingClient
    readonly credentials: SipHeader
  },
): PendingClient {
  const { exchange, sessionId, now } = call
  const before = requestIn(pending)
  const number = call.dialog(leg).localSeq + 1
  const headers = [credentials, ...before.headers]
  const { destination } = pending
  const made = { ...before, cseq: { number, method: before.method }, headers }
  const { id, request, output } = exchange.layer.request(made, destination, now.monotonicMs)
  exchange.links.bind(id, { sessionId, leg, slot })
  call.changeDialog(leg, { localSeq: number })
  call.emit(output, true)
  return pendingClientOf(request, destination)
}

/** A request in the early dialog whose voice is heard. */
export function requestEarly(
  call: Call,
  leg: Leg,
  parts: Pick<RequestParts, 'method' | 'headers' | 'body'>,
): void {
  const { exchange, sessionId, now } = call
  const early = heardOf(call.dialog(leg))
  const dialog = early === undefined ? null : asDialog(call.dialog(leg), early)
  assert(dialog !== null, 'it is known where the terminal is that is heard')
  const made = nextRequest(dialog, { ...parts, contact: null })
  const { destination } = dialog
  const { id, request, output } = exchange.layer.request(made.request, destination, now.monotonicMs)
  exchange.links.bind(id, { sessionId, leg, slot: 'relayClient' })
  call.changeDialog(leg, {
    localSeq: made.dialog.localSeq,
    relayClient: pendingClientOf(request, destination),
  })
  call.emit(output, true)
}

/** Another system wants a password for what it was asked in its early dialog.
 * @returns false: the challenge is the answer. */
export function signsInEarly(
  call: Call,
  { leg, slot }: Pick<Link, 'leg' | 'slot'>,
  response: SipResponse,
): boolean {
  const { remoteTag, relayClient } = call.dialog(leg)
  if (slot !== 'relayClient' || remoteTag !== null || relayClient === null) return false
  const pending = relayClient
  const credentials = loginFor(call, leg, { response, pending })
  if (credentials === null) return false
  call.changeDialog(leg, { relayClient: again(call, leg, { slot, pending, credentials }) })
  return true
}

/** Of several early dialogs the caller hears the first one that speaks. */
export function isHeardEarly(call: Call, leg: Leg, response: SipResponse): boolean {
  if (response.body === '') return false
  const first = heardOf(call.dialog(leg))
  if (first === undefined) return true
  // After an UPDATE it is no description any more, but what it was before.
  return first.tag === (tagOf(response.to) ?? '') && first.localSdp === null
}

/** The 2xx with the description that counts: the first one in a reliable answer of the dialog that it opens
 * (RFC 3261 13.2.1). */
export function withEarlyAnswer(call: Call, leg: Leg, response: SipResponse): SipResponse {
  const tag = tagOf(response.to)
  const early = call.dialog(leg).early?.find((one) => one.tag === tag && one.rseq > 0)
  return early === undefined || early.sdp === '' ? response : { ...response, body: early.sdp }
}

/** True when the caller got our answer or offer in a reliable provisional answer. */
export function isDescribed(call: Call, caller: Leg): boolean {
  return call.dialog(caller).pendingServer?.reliable?.described === true
}

/** The description in an answer of ours. After a reliable one no other follows; the first reliable one to
 * an INVITE without offer has ours (RFC 3261 13.2.1). */
export function bodyOf(
  call: Call,
  leg: Leg,
  {
    pending,
    status,
    body,
  }: { readonly pending: PendingServer; readonly status: number; readonly body: string },
): string {
  const { reliable } = pending
  if (reliable === null || status >= 300 || status <= 100) return body
  if (reliable.described) return ''
  if (status >= 200 || body !== '' || pending.body !== '') return body
  const offer = offerTo(call, leg, 'sendrecv', 'PCMA')
  call.changeDialog(leg, { localSdp: offer })
  return offer
}
