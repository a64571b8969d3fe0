//! The one gate that every request passes before a service sees it (RFC 3261 8.2). Default: refused.
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { headerList, type ResponseExtras, response } from '../../wire/sip/write.ts'
import { isTooShort, minSeHeader } from '../dialog/session-timer.ts'
import { branchMark, branchOf, endpointText, sentByText } from '../transaction/match.ts'
import { statelessTag } from '../transaction/stateless.ts'
import { versionHeaders } from '../xip/ed137.ts'
import { allowedMethods, allowHeader, supportedOptions } from './capabilities.ts'

/** Methods of other RFCs: known, and not offered here. All others are answered 501. */
const foreignMethods = ['NOTIFY', 'PUBLISH', 'MESSAGE', 'UPDATE']

type GateVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'refuse'; readonly response: SipResponse }

/** Judges a new request that can be answered: no ACK. `sentBys` are the addresses of this pair in Via. */
export function gate(request: SipRequest, sentBys: readonly Endpoint[]): GateVerdict {
  const refusal = refusalOf(request, sentBys)
  if (refusal === null) return { kind: 'pass' }
  const { status } = refusal
  const toTag = statelessTag(request)
  const headers = [...versionHeaders(request), ...(refusal.headers ?? [])]
  return { kind: 'refuse', response: response(request, status, { headers, toTag }) }
}

type Refusal = { readonly status: number } & Pick<ResponseExtras, 'headers'>

function refusalOf(request: SipRequest, sentBys: readonly Endpoint[]): Refusal | null {
  const { method } = request
  if (!allowedMethods.includes(method)) {
    return { status: notOffered(method), headers: [allowHeader] }
  }
  if (request.uri.scheme !== 'sip') return { status: 416 }
  if (isLoop(request, sentBys)) return { status: 482 }
  if (request.maxForwards === 0 && isForwarded(method)) return { status: 483 }
  if (isTooShort(request)) return { status: 422, headers: [minSeHeader] }
  const unsupported = unsupportedOptions(request)
  if (unsupported.length > 0) {
    return { status: 420, headers: [{ name: 'Unsupported', value: unsupported.join(', ') }] }
  }
  return null
}

/** What a request is told that the parser has refused: RFC 3261 8.2.1 looks at the method before the body. */
export function refusalOfMalformed(
  { method }: SipRequest,
  status: number,
): { readonly status: number; readonly extras: Pick<ResponseExtras, 'headers'> } {
  if (status !== 415 || allowedMethods.includes(method)) return { status, extras: {} }
  return { status: notOffered(method), extras: { headers: [allowHeader] } }
}

/** Known by its name, or by nobody. */
function notOffered(method: string): number {
  return foreignMethods.includes(method) ? 405 : 501
}

/** RFC 3261 16.3, of what goes on to somebody else. For all others the switch is the far end, which does
 * not look at the hops (RFC 4475 3.3.11). */
function isForwarded(method: string): boolean {
  return method === 'INVITE' || method === 'INFO'
}

/** RFC 3261 16.3 4: a request that this pair has sent comes back to it. */
function isLoop(request: SipRequest, sentBys: readonly Endpoint[]): boolean {
  const ours = sentBys.map(endpointText)
  return request.via.some(
    (via) => branchOf(via).startsWith(branchMark) && ours.includes(sentByText(via)),
  )
}

/** RFC 3261 8.2.2.3: Require is ignored in CANCEL. */
function unsupportedOptions(request: SipRequest): string[] {
  if (request.method === 'CANCEL') return []
  return headerList(request, 'Require').filter(
    (option) => !supportedOptions.includes(option.toLowerCase()),
  )
}
