//! Answers that leave no transaction behind (RFC 3261 8.2.7).
import { createHash } from 'node:crypto'
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { type ResponseExtras, response, writeSip } from '../../wire/sip/write.ts'
import type { Outgoing } from './layer-types.ts'
import { branchOf, tagOf } from './match.ts'
import { responseTarget, topViaWithSource } from './via-source.ts'

/** The To tag of an answer without a dialog: the same for every repetition of the request, and on
 * both nodes. */
export function statelessTag(request: SipRequest): string {
  const { callId, cseq, from, via } = request
  // The method is not part of it: the 200 to a CANCEL has the tag of its INVITE (9.2).
  const text = [callId, cseq.number, tagOf(from), branchOf(via[0])].join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** One answer to one packet: 400 for a malformed request that can be answered, 503 when full, and what a
 * stranger is told. A repeated request is judged and answered again. */
export function statelessAnswer(
  request: SipRequest,
  status: number,
  source: Endpoint,
  extras: ResponseExtras = {},
): Outgoing {
  const stamped = topViaWithSource(request, source)
  return statelessResponse(
    response(stamped, status, { toTag: statelessTag(stamped), ...extras }),
    source,
  )
}

/** An answer that is ready, to where its Via says. */
export function statelessResponse(answer: SipResponse, source: Endpoint): Outgoing {
  const [top] = answer.via
  return { text: writeSip(answer), to: top === undefined ? source : responseTarget(top) }
}
