//! Bytes of one datagram to a SIP message (RFC 3261 7, 25). Strict, linear, never throws: what is
//! not valid becomes a `SipMalformed` value, with what is needed to answer it where that is possible.
import { isUtf8 } from 'node:buffer'
import { limits } from '../../limits.ts'
import { nameAddressText } from './address.ts'
import { type Draft, emptyDraft, readHeaderLine, refuse } from './draft.ts'
import type { NameAddress, SipMalformed, SipMessage, SipRequest, SipUri } from './message.ts'
import { controlsAreQuoted, decimal, isToken } from './scan.ts'
import { parseUri, uriScheme } from './uri.ts'
import { viaText } from './via.ts'

type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: SipUri }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string }

/** Stands for a Request-URI that could not be read; `.invalid` is reserved (RFC 2606). */
const unreadableUri: SipUri = {
  scheme: 'sip',
  user: null,
  host: 'unreadable.invalid',
  port: null,
  parameters: new Map(),
  headers: '',
}

/** The answer to it has to be readable as well. */
const askedLengthMax = limits.sipRepeatedLengthMax - limits.sipAddedLengthMax

/** Parses one datagram. Never throws; the work is linear in the length and the length is bounded. */
export function parseSip(bytes: Uint8Array): SipMessage | SipMalformed {
  const draft = emptyDraft()
  if (bytes.length > limits.sipMessageBytesMax) refuse(draft, 'the message is too large', 513)
  const size = Math.min(bytes.length, limits.sipMessageBytesMax)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, size)
  const headFrom = skipLeadingLines(buffer)
  if (headFrom === size) return malformed(draft, null, 'the datagram holds no message')
  const blank = buffer.indexOf('\r\n\r\n', headFrom, 'latin1')
  if (blank < 0) refuse(draft, 'the headers have no end')
  const headBytes = buffer.subarray(headFrom, blank < 0 ? size : blank)
  if (headBytes.length > limits.sipHeadBytesMax) refuse(draft, 'the headers are too large', 513)
  if (!isUtf8(headBytes)) refuse(draft, 'the headers are not UTF-8')
  const hasControl = hasControls(headBytes)
  if (hasControl) checkControls(draft, headBytes.toString('utf8'))
  draft.doubtful = hasControl || headBytes.length > askedLengthMax
  const start = readHead(draft, headBytes.toString('utf8'))
  if (start === null) return malformed(draft, null, 'the start line is not valid')
  const body = blank < 0 ? '' : readBody(draft, buffer.subarray(blank + 4))
  return complete(draft, start, body)
}

/** RFC 3261 7.5: CRLF before the start line is ignored. */
function skipLeadingLines(buffer: Buffer): number {
  let at = 0
  while (buffer[at] === 0x0d && buffer[at + 1] === 0x0a) at += 2
  return at
}

/** Reads the start line and all header lines, folded lines joined (RFC 3261 7.3.1). */
function readHead(draft: Draft, head: string): StartLine | null {
  let end = lineEnd(head, 0)
  const first = head.slice(0, end)
  const start = readStartLine(draft, first)
  if (start === null) return null
  draft.refusal = start.kind === 'response' && start.status >= 300
  let lines = 0
  while (end < head.length) {
    lines += 1
    if (lines > limits.sipHeaderLinesMax) {
      refuse(draft, 'too many header lines')
      break
    }
    const from = end + 2
    end = lineEnd(head, from)
    let line = head.slice(from, end)
    while (end < head.length && isFold(head, end + 2) && lines <= limits.sipHeaderLinesMax) {
      lines += 1
      const next = lineEnd(head, end + 2)
      const more = head.slice(end + 2, next)
      line += ` ${more.trimStart()}`
      end = next
    }
    readHeaderLine(draft, line)
  }
  return start
}

function lineEnd(head: string, from: number): number {
  const end = head.indexOf('\r\n', from)
  return end < 0 ? head.length : end
}

function isFold(head: string, at: number): boolean {
  const code = head.charCodeAt(at)
  return code === 0x20 || code === 0x09
}

/** True when there is more of control characters than tabs and line ends. */
function hasControls(head: Uint8Array): boolean {
  for (let at = 0; at < head.length; at += 1) {
    const code = head[at] ?? 0
    if (code >= 0x20 ? code === 0x7f : code !== 0x09) {
      if (code !== 0x0d || head[at + 1] !== 0x0a) return true
      at += 1
    }
  }
  return false
}

/** Control characters, a CR or LF alone among them, are good only as quoted pairs; of the unfolded
 * line, as that is how a value is written again. */
function checkControls(draft: Draft, head: string): void {
  for (const line of head.replaceAll(/\r\n[ \t]/g, ' ').split('\r\n')) {
    if (!controlsAreQuoted(line)) refuse(draft, 'a header has a control character')
  }
}

function readStartLine(draft: Draft, line: string): StartLine | null {
  if (line.slice(0, 4).toUpperCase() === 'SIP/') return readStatusLine(draft, line)
  const first = line.indexOf(' ')
  const last = line.lastIndexOf(' ')
  const method = first < 0 ? '' : line.slice(0, first)
  if (!isToken(method)) return null
  const version = line.slice(last + 1)
  // The last word decides on 505 before anything else of a foreign version is judged.
  if (first === last || !isVersion(version)) refuse(draft, 'the request line is not valid')
  else if (version.toUpperCase() !== 'SIP/2.0') refuse(draft, 'not SIP/2.0', 505)
  return { kind: 'request', method, uri: readRequestUri(draft, line.slice(first + 1, last)) }
}

function isVersion(text: string): boolean {
  const dot = text.indexOf('.')
  if (text.slice(0, 4).toUpperCase() !== 'SIP/' || dot < 0) return false
  return decimal(text.slice(4, dot), 1e6) !== null && decimal(text.slice(dot + 1), 1e6) !== null
}

/** A Request-URI has no brackets, no spaces and no headers part (RFC 3261 19.1.1, 25.1). */
function readRequestUri(draft: Draft, text: string): SipUri {
  const uri = parseUri(text)
  if (uri !== null && uri.headers === '') return uri
  const scheme = uriScheme(text)
  const known = scheme === null || scheme === 'sip' || scheme === 'sips' || scheme === 'tel'
  if (known || text.includes(' ')) refuse(draft, 'the Request-URI is not valid')
  else refuse(draft, 'the scheme of the Request-URI is not known', 416)
  return unreadableUri
}

function readStatusLine(draft: Draft, line: string): StartLine | null {
  const first = line.indexOf(' ')
  const version = first < 0 ? line : line.slice(0, first)
  if (version.toUpperCase() !== 'SIP/2.0' || first < 0) return null
  const second = line.indexOf(' ', first + 1)
  const digits = line.slice(first + 1, second < 0 ? line.length : second)
  const status = digits.length === 3 ? decimal(digits, 699) : null
  if (status === null || status < 100) refuse(draft, 'the status is not valid')
  return { kind: 'response', status: status ?? 0, reason: second < 0 ? '' : line.slice(second + 1) }
}

/** RFC 3261 18.3: over UDP a body beyond Content-Length is cut, a shorter one is an error, and
 * without Content-Length the body is the rest. */
function readBody(draft: Draft, rest: Buffer): string {
  const length = draft.contentLength ?? rest.length
  if (length > rest.length) {
    refuse(draft, 'Content-Length is longer than the datagram')
    return ''
  }
  const body = rest.subarray(0, length)
  if (!isUtf8(body)) {
    refuse(draft, 'the body is not UTF-8', 415)
    return ''
  }
  return body.toString('utf8')
}

function complete(draft: Draft, start: StartLine, body: string): SipMessage | SipMalformed {
  const { from, to, callId, cseq } = draft
  const noVia = draft.via.length === 0
  if (from === null || to === null || callId === null || cseq === null || noVia) {
    return unreadable(draft, start)
  }
  if (start.kind === 'request' && cseq.method !== start.method) {
    refuse(draft, 'the method of CSeq is another one')
  }
  const message: SipMessage = {
    ...start,
    via: draft.via,
    from,
    to,
    callId,
    cseq,
    contact: draft.contactLost ? [] : draft.contact,
    route: draft.route,
    recordRoute: draft.recordRoute,
    maxForwards: draft.maxForwards,
    headers: draft.headers,
    body,
  }
  if (draft.doubtful && !canBeRepeated(message)) {
    return malformed(draft, null, 'what has to be repeated cannot be')
  }
  if (draft.fault === null) return message
  const answerable = message.kind === 'request' && message.method !== 'ACK'
  return malformed(draft, answerable ? { ...message, body: '' } : null, '')
}

/** Without From, To, Call-ID or CSeq. A request is answered all the same when its Via can be read: the branch
 * and the method are all that its sender needs to know what is answered (RFC 3261 17.1.3, RFC 4475 3.3.1).
 * What cannot be repeated is replaced by names that nobody has. */
function unreadable(draft: Draft, start: StartLine): SipMalformed {
  const why = 'Via, From, To, Call-ID or CSeq is missing'
  const { via, from, to, callId, cseq, doubtful } = draft
  const isAnswerable = start.kind === 'request' && start.method !== 'ACK'
  if (!isAnswerable || via.length === 0 || doubtful) return malformed(draft, null, why)
  const nobody: NameAddress = { displayName: null, uri: unreadableUri, parameters: new Map() }
  const reply: SipRequest = {
    ...start,
    via,
    from: from ?? nobody,
    to: to ?? nobody,
    callId: callId ?? unreadableUri.host,
    cseq: { number: cseq?.number ?? 0, method: start.method },
    contact: [],
    route: [],
    recordRoute: [],
    maxForwards: null,
    headers: [],
    body: '',
  }
  return malformed(draft, reply, why)
}

/** The noted fault, or `why` when there was none before. */
function malformed(draft: Draft, reply: SipRequest | null, why: string): SipMalformed {
  refuse(draft, why)
  const { why: noted, status } = draft.fault ?? { why, status: 400 }
  // U+FFFD marks bytes that were lost: a reply must echo the names exactly or not at all.
  const lost = reply !== null && namesAreLossy(reply)
  return { kind: 'malformed', why: noted, reply: lost ? null : reply, status }
}

/** What an answer, or the ACK of one, has to repeat is short, and holds no control character that is not a quoted pair. */
function canBeRepeated({ kind, via, from, to, callId, cseq }: SipMessage): boolean {
  const texts = [...via.map(viaText), nameAddressText(from), nameAddressText(to)]
  if (!texts.every(controlsAreQuoted)) return false
  const lengthMax = kind === 'request' ? askedLengthMax : limits.sipRepeatedLengthMax
  return [...texts, callId, cseq.method].join('').length <= lengthMax
}

function namesAreLossy(request: SipRequest): boolean {
  const names = [request.from.displayName ?? '', request.to.displayName ?? '']
  const values = [...request.from.parameters.values(), ...request.to.parameters.values()]
  return [...names, ...values].some((text) => text?.includes('\ufffd'))
}
