//! SIP messages to text, and the skeleton of a response.
import { nameAddressText } from './address.ts'
import {
  header,
  type NameAddress,
  type SipHeader,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message.ts'
import { reasonPhrase } from './reasons.ts'
import { commaList, singleLine } from './scan.ts'
import { uriText } from './uri.ts'
import { viaText } from './via.ts'

export { nameAddressText, parseNameAddress } from './address.ts'
export { reasonPhrase } from './reasons.ts'
export { parseUri, uriText } from './uri.ts'
export { parseVia, viaText } from './via.ts'

/** The text of a message; send it as UTF-8. Content-Length counts the bytes of the body. A CR or LF
 * inside a value becomes a space, so that no value can add a header or end the headers. */
export function writeSip(message: SipMessage): string {
  let text = line(startLine(message))
  for (const via of message.via) text += line(`Via: ${viaText(via)}`)
  text += addressLines('Route', message.route)
  text += addressLines('Record-Route', message.recordRoute)
  if (message.maxForwards !== null) text += line(`Max-Forwards: ${message.maxForwards}`)
  text += line(`From: ${nameAddressText(message.from)}`)
  text += line(`To: ${nameAddressText(message.to)}`)
  text += line(`Call-ID: ${message.callId}`)
  text += line(`CSeq: ${message.cseq.number} ${message.cseq.method}`)
  if (message.contact === '*') text += 'Contact: *\r\n'
  else text += addressLines('Contact', message.contact)
  for (const { name, value } of message.headers) text += line(`${name}: ${value}`)
  return `${text}Content-Length: ${Buffer.byteLength(message.body)}\r\n\r\n${message.body}`
}

function startLine(message: SipMessage): string {
  if (message.kind === 'response') return `SIP/2.0 ${message.status} ${message.reason}`
  return `${message.method} ${uriText(message.uri)} SIP/2.0`
}

function addressLines(name: string, addresses: readonly NameAddress[]): string {
  let text = ''
  for (const address of addresses) text += line(`${name}: ${nameAddressText(address)}`)
  return text
}

function line(text: string): string {
  return `${singleLine(text)}\r\n`
}

export interface ResponseExtras {
  readonly reason?: string
  /** Set as the tag of To when the request had none there (RFC 3261 8.2.6.2). */
  readonly toTag?: string
  /** Copies Record-Route, as a response that makes a dialog must (RFC 3261 12.1.1). */
  readonly recordRoute?: boolean
  readonly contact?: readonly NameAddress[]
  readonly headers?: readonly SipHeader[]
  readonly body?: string
}

/** The response to a request after RFC 3261 8.2.6: Via, From, To, Call-ID and CSeq are copied. */
export function response(
  request: SipRequest,
  status: number,
  extras: ResponseExtras = {},
): SipResponse {
  const headers = [...(extras.headers ?? [])]
  // RFC 3261 8.2.6.1: only the 100 repeats the time stamp of the request.
  const timestamp = status === 100 ? header(request, 'Timestamp') : undefined
  if (timestamp !== undefined) headers.unshift({ name: 'Timestamp', value: timestamp })
  return {
    kind: 'response',
    status,
    reason: extras.reason ?? reasonPhrase(status),
    via: request.via,
    from: request.from,
    to: extras.toTag === undefined ? request.to : withTag(request.to, extras.toTag),
    callId: request.callId,
    cseq: request.cseq,
    contact: extras.contact ?? [],
    route: [],
    recordRoute: extras.recordRoute === true ? request.recordRoute : [],
    maxForwards: null,
    headers,
    body: extras.body ?? '',
  }
}

/** The address with this tag, unless it has one. */
function withTag(address: NameAddress, tag: string): NameAddress {
  if (address.parameters.has('tag')) return address
  return { ...address, parameters: new Map([...address.parameters, ['tag', tag]]) }
}

/** The message with this header as its only one of the name (any case), or without it (null). */
export function withHeader<M extends SipMessage>(
  message: M,
  name: string,
  value: string | null,
): M {
  const wanted = name.toLowerCase()
  const headers = message.headers.filter((entry) => entry.name.toLowerCase() !== wanted)
  return { ...message, headers: value === null ? headers : [...headers, { name, value }] }
}

/** The elements of a list header over all its lines, as written: `Supported`, `Require`, `Allow`,
 * `WG67-Version`. */
export function headerList(message: SipMessage, name: string): string[] {
  const wanted = name.toLowerCase()
  return message.headers
    .filter((entry) => entry.name.toLowerCase() === wanted)
    .flatMap((entry) => commaList(entry.value))
}
