//! Answers to requests that belong to no session.
import type { SipRequest } from '../../wire/sip/message.ts'
import { type ResponseExtras, response } from '../../wire/sip/write.ts'
import { tagOf } from '../dialog/dialog.ts'
import type { CoreEffect, Now } from '../effects.ts'
import type { Exchange } from './exchange.ts'

export interface OpenRequest {
  readonly id: string
  readonly request: SipRequest
  readonly now: Now
}

/** The same request gets the same tag on both nodes. */
export function localTagFor(exchange: Exchange, request: SipRequest): string {
  const { callId, from, cseq } = request
  return exchange.derive('tag', `${callId}|${tagOf(from)}|${cseq.number}`).slice(0, 20)
}

/** Nothing was changed, so nothing has to be replicated before this answer. */
export function refuse(
  exchange: Exchange,
  open: OpenRequest,
  status: number,
  extras: ResponseExtras = {},
): CoreEffect[] {
  const toTag = localTagFor(exchange, open.request)
  const answer = response(open.request, status, { toTag, ...extras })
  const { send } = exchange.layer.respond(open.id, answer, open.now.monotonicMs)
  return send.map((outgoing) => ({
    kind: 'send',
    session: exchange.sessions.ofCallId(open.request.callId) ?? '',
    outgoing,
    afterReplication: false,
  }))
}
