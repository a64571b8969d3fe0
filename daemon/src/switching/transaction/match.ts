//! Which transaction a message belongs to: RFC 3261 17.1.3 and 17.2.3.

import type { Endpoint, NameAddress, SipMessage, SipRequest, Via } from '../../wire/sip/message.ts'
import { uriText } from '../../wire/sip/write.ts'
import type { ClientId, ServerId } from './layer-types.ts'
import { bareHost, sipPort } from './via-source.ts'

/** RFC 3261 8.1.1.7: branches that begin so are unique and are all that is needed to match. */
const magicCookie = 'z9hG4bK'

/** Begins every branch that this pair makes; both nodes know their own requests by it (loops). */
export const branchMark = `${magicCookie}-vccs-`

/** The transaction a response belongs to. */
export function clientId(message: SipMessage): ClientId {
  return `${branchOf(message.via[0])}|${message.cseq.method}`
}

/** The transaction that a request opens or repeats. A CANCEL is one of its own. */
export function serverId(request: SipRequest): ServerId {
  return serverKey(request, request.method, tagOf(request.to))
}

/** The INVITE transaction that a CANCEL means (RFC 3261 9.2). */
export function cancelledId(request: SipRequest): ServerId {
  return serverKey(request, 'INVITE', tagOf(request.to))
}

/** The INVITE transactions that an ACK can belong to. An RFC 2543 ACK carries the tag of the response,
 * while its INVITE may have had none; then `responseTag` must be the tag that was answered. */
export function acknowledgedIds(request: SipRequest): { id: ServerId; responseTag?: string }[] {
  const responseTag = tagOf(request.to)
  const id = serverKey(request, 'INVITE', responseTag)
  if (hasCookie(request) || responseTag === '') return [{ id }]
  return [{ id }, { id: serverKey(request, 'INVITE', ''), responseTag }]
}

/** Sent-by of a Via in one form: lower case, default port written out. */
export function sentByText(via: Via): string {
  return `${bareHost(via.host)}:${via.port ?? sipPort}`
}

export function endpointText(endpoint: Endpoint): string {
  return `${bareHost(endpoint.address)}:${endpoint.port}`
}

export function tagOf(address: NameAddress): string {
  return address.parameters.get('tag') ?? ''
}

export function branchOf(via: Via | undefined): string {
  return via?.parameters.get('branch') ?? ''
}

/** RFC 4475 3.2.1: the cookie with nothing after it is not unique. */
function hasCookie(request: SipRequest): boolean {
  const branch = branchOf(request.via[0])
  return branch.startsWith(magicCookie) && branch.length > magicCookie.length
}

function serverKey(request: SipRequest, method: string, toTag: string): ServerId {
  const via = request.via[0]
  const hop = `${branchOf(via)}|${via === undefined ? '' : sentByText(via)}`
  if (hasCookie(request)) return `${hop}|${method}`
  const { uri, from, callId, cseq } = request
  return [hop, uriText(uri), toTag, tagOf(from), callId, cseq.number, method].join('|')
}
