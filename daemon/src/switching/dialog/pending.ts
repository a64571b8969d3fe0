//! Open transactions as records (S1.82: a ringing call survives a take-over): what was asked of us and
//! what we asked, with enough of the message to go on with it on the other node.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { PendingClient, PendingServer } from '../../tables/dialog.ts'
import type { Endpoint, SipMessage, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { parseSip } from '../../wire/sip/parse.ts'
import {
  nameAddressText,
  parseNameAddress,
  parseUri,
  parseVia,
  response,
  viaText,
  writeSip,
} from '../../wire/sip/write.ts'
import type { TransactionLayerApi } from '../transaction/layer-types.ts'
import type { DialogCore } from './dialog.ts'
import { reliableOf } from './reliable.ts'
import { timerFor } from './session-timer.ts'

/** Values longer than the record allows cannot come back from it. */
const valueLengthMax = 512
const nameLengthMax = 1024
/** Of all values that are copied into an answer, and of a whole route set. What is made of them must be
 * readable for the other node (`sipMessageBytesMax`), with the rest of its headers and a body. */
const copiedBytesMax = 8_192
const routeSetLengthMax = 4_096
/** Each of them becomes a line of the answer (`sipHeaderLinesMax`). */
const copiedLinesMax = 70

/** @returns null when the request is larger than what a record holds. */
export function pendingServerOf(request: SipRequest, source: Endpoint): PendingServer | null {
  const pending: PendingServer = {
    method: request.method,
    via: request.via.map(viaText),
    from: nameAddressText(request.from),
    to: nameAddressText(request.to),
    callId: request.callId,
    cseq: request.cseq.number,
    recordRoute: request.recordRoute.map(nameAddressText),
    source,
    body: request.body,
    answerInAck: false,
    timer: opensSession(request.method) ? timerFor(request) : null,
    reliable: reliableOf(request),
    provisional: 0,
    final: null,
  }
  return fits(pending) ? pending : null
}

function opensSession(method: string): boolean {
  return method === 'INVITE' || method === 'UPDATE'
}

function fits(pending: PendingServer): boolean {
  const { via, recordRoute, from, to, callId, body } = pending
  if (via.length + recordRoute.length > copiedLinesMax) return false
  if (recordRoute.length > 20 || callId.length > 256) return false
  if (from.length > nameLengthMax || to.length > nameLengthMax) return false
  if (body.length > limits.sdpBytesMax) return false
  if (parseNameAddress(from) === null || parseNameAddress(to) === null) return false
  const copied = [...via, ...recordRoute]
  if (Buffer.byteLength([...copied, from, to].join()) > copiedBytesMax) return false
  return copied.every((value) => value.length <= valueLengthMax)
}

/** The request again, as far as answering it needs. */
export function requestOf(pending: PendingServer): SipRequest {
  const from = parseNameAddress(pending.from)
  const to = parseNameAddress(pending.to)
  assert(from !== null && to !== null, 'a pending request of the tables has good addresses')
  return {
    kind: 'request',
    method: pending.method,
    uri: to.uri,
    via: pending.via.flatMap((text) => parseVia(text) ?? []),
    from,
    to,
    callId: pending.callId,
    cseq: { number: pending.cseq, method: pending.method },
    contact: [],
    route: [],
    recordRoute: pending.recordRoute.flatMap((text) => parseNameAddress(text) ?? []),
    maxForwards: null,
    headers: [],
    body: pending.body,
  }
}

export function pendingClientOf(request: SipRequest, destination: Endpoint): PendingClient {
  return {
    method: request.method,
    cseq: request.cseq.number,
    request: writeSip(request),
    destination,
    proceeding: false,
    cancelled: false,
    cancelReason: null,
  }
}

/** The description in our open INVITE. */
export function offerIn(pending: PendingClient): string {
  return readBack(pending.request).body
}

/** Our open request as it was sent. */
export function requestIn(pending: PendingClient): SipRequest {
  const message = readBack(pending.request)
  assert(message.kind === 'request', 'the pending request in the tables is a request')
  return message
}

/** True for the text of a 2xx. */
export function isSuccess(final: string | null): boolean {
  return final?.startsWith('SIP/2.0 2') ?? false
}

/** The final answer in a pending record, or null while there is none. */
export function finalOf(pending: PendingServer): SipResponse | null {
  return pending.final === null ? null : answerIn(pending.final)
}

/** What a repeated request is answered with; null: with nothing but the 100. */
export function lastAnswerOf(pending: PendingServer, localTag: string): SipResponse | null {
  const { reliable, provisional } = pending
  if (pending.final !== null && reliable?.isHeld !== true) return answerIn(pending.final)
  if (reliable !== null && reliable.open !== null) return answerIn(reliable.open)
  if (provisional === 0) return null
  return response(requestOf(pending), provisional, { toTag: localTag })
}

export function answerIn(text: string): SipResponse {
  const message = readBack(text)
  assert(message.kind === 'response', 'an answer in the tables is a response')
  return message
}

export function restoreClient(
  layer: TransactionLayerApi,
  pending: PendingClient,
  nowMs: number,
): string {
  return layer.restoreClient(requestIn(pending), pending.destination, pending.proceeding, nowMs)
}

/** The four places of a dialog in which a transaction can be open. */
export type Slot = 'pendingServer' | 'pendingClient' | 'relayServer' | 'relayClient'

/** True when the dialog fits its record and both nodes can read it: what a terminal wrote is not
 * trusted to be so. */
export function isReadable(dialog: DialogCore): boolean {
  const { remoteTarget, localUri, remoteUri, routeSet } = dialog
  if (remoteTarget === null || remoteTarget.length > valueLengthMax) return false
  if (parseUri(remoteTarget) === null || routeSet.length > 20) return false
  if (localUri.length > nameLengthMax || remoteUri.length > nameLengthMax) return false
  if (dialog.callId.length > 256 || (dialog.remoteTag?.length ?? 0) > 128) return false
  if (parseNameAddress(localUri) === null || parseNameAddress(remoteUri) === null) return false
  if (routeSet.join().length > routeSetLengthMax) return false
  return routeSet.every((route) => route.length <= valueLengthMax)
}

function readBack(text: string): SipMessage {
  const message = parseSip(new TextEncoder().encode(text))
  assert(message.kind !== 'malformed', 'our own message can be read')
  return message
}
