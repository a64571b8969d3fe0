//! Answers to requests that belong to no session.
import type { SipRequest } from '../../wire/sip/message.ts'
import { type ResponseExtras, response } from '../../wire/sip/write.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { statelessTag } from '../transaction/stateless.ts'
import { versionHeaders } from '../xip/ed137.ts'
import type { Exchange } from './exchange.ts'

export interface OpenRequest {
  readonly id: string
  readonly request: SipRequest
  readonly now: Now
  /** Tells a refusal in another way. Null: it is told as always. */
  readonly refusing?: (status: number, extras: ResponseExtras) => CoreEffect[] | null
}

/** Nothing was changed, so nothing has to be replicated before this answer. */
export function refuse(
  exchange: Exchange,
  open: OpenRequest,
  status: number,
  extras: ResponseExtras = {},
): CoreEffect[] {
  const told = open.refusing?.(status, extras) ?? null
  if (told !== null) return told
  const toTag = statelessTag(open.request)
  const headers = [...versionHeaders(open.request), ...(extras.headers ?? [])]
  const answer = response(open.request, status, { toTag, ...extras, headers })
  const { send } = exchange.layer.respond(open.id, answer, open.now.monotonicMs)
  return send.map((outgoing) => ({
    kind: 'send',
    session: exchange.sessions.ofCallId(open.request.callId) ?? '',
    outgoing,
    afterReplication: false,
  }))
}
