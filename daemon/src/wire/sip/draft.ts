//! A message while it is read: the headers found so far and the first thing that was wrong. Reading
//! goes on after a fault, so that a request that can be answered gets its 400 (RFC 3261 16.3).
import { limits } from '../../limits.ts'
import { scanNameAddress } from './address.ts'
import { parseCseq } from './cseq.ts'
import { canonicalHeaderName, singleHeaders } from './header-names.ts'
import type { NameAddress, SipHeader, Via } from './message.ts'
import { Cursor, characterClass, consistsOf, decimal, isToken } from './scan.ts'
import { scanVia } from './via.ts'

export interface Draft {
  via: Via[]
  from: NameAddress | null
  to: NameAddress | null
  callId: string | null
  cseq: { number: number; method: string } | null
  contact: NameAddress[] | '*'
  /** It is a refusal or a redirection (3xx to 6xx). */
  refusal: boolean
  /** A Contact of it could not be read, so that it has none. */
  contactLost: boolean
  route: NameAddress[]
  recordRoute: NameAddress[]
  maxForwards: number | null
  contentLength: number | null
  headers: SipHeader[]
  /** Canonical names of the single-instance headers that were seen. */
  seen: Set<string>
  /** Long, or with control characters: it may be that no answer can repeat its names. */
  doubtful: boolean
  /** The first fault and the status it is answered with. */
  fault: { why: string; status: number } | null
}

export function emptyDraft(): Draft {
  return {
    via: [],
    from: null,
    to: null,
    callId: null,
    cseq: null,
    contact: [],
    refusal: false,
    contactLost: false,
    route: [],
    recordRoute: [],
    maxForwards: null,
    contentLength: null,
    headers: [],
    seen: new Set(),
    doubtful: false,
    fault: null,
  }
}

/** Notes a fault; the first one counts. */
export function refuse(draft: Draft, why: string, status = 400): void {
  draft.fault ??= { why, status }
}

/** Takes in one unfolded header line. */
export function readHeaderLine(draft: Draft, line: string): void {
  const colon = line.indexOf(':')
  let end = colon
  while (end > 0 && isSpace(line.charCodeAt(end - 1))) end -= 1
  const written = colon < 0 ? '' : line.slice(0, end)
  if (!isToken(written)) {
    refuse(draft, 'a header line has no valid name')
    return
  }
  const name = canonicalHeaderName(written)
  if (singleHeaders.has(name)) {
    if (draft.seen.has(name)) {
      refuse(draft, `${name} comes twice`)
      return
    }
    draft.seen.add(name)
  }
  const value = trimmed(line, colon + 1)
  const read = readers.get(name)
  if (read === undefined) draft.headers.push({ name, value })
  else if (!read(draft, value)) refuse(draft, `${name} is not valid`)
}

type HeaderReader = (draft: Draft, value: string) => boolean

const readers: ReadonlyMap<string, HeaderReader> = new Map<string, HeaderReader>([
  ['Via', readVia],
  ['From', readFrom],
  ['To', readTo],
  ['Call-ID', readCallId],
  ['CSeq', readCseq],
  ['Contact', readContact],
  ['Route', (draft, value) => readAddresses(draft.route, value, true)],
  ['Record-Route', (draft, value) => readAddresses(draft.recordRoute, value, true)],
  ['Max-Forwards', readMaxForwards],
  ['Content-Length', readContentLength],
])

function readVia(draft: Draft, value: string): boolean {
  const cursor = new Cursor(value)
  do {
    const scanned = scanVia(cursor)
    if (scanned === null || draft.via.length >= limits.sipListMax) return false
    draft.via.push(scanned.via)
    if (!scanned.complete) return false
  } while (cursor.takeSeparator(','))
  return cursor.ended
}

function singleAddress(value: string): NameAddress | null {
  const cursor = new Cursor(value)
  const address = scanNameAddress(cursor)
  return cursor.ended ? address : null
}

function readFrom(draft: Draft, value: string): boolean {
  draft.from = singleAddress(value)
  return draft.from !== null
}

function readTo(draft: Draft, value: string): boolean {
  draft.to = singleAddress(value)
  return draft.to !== null
}

function readCseq(draft: Draft, value: string): boolean {
  draft.cseq = parseCseq(value)
  return draft.cseq !== null
}

function readMaxForwards(draft: Draft, value: string): boolean {
  draft.maxForwards = decimal(value, 255)
  return draft.maxForwards !== null
}

/** `word ["@" word]`. */
function readCallId(draft: Draft, value: string): boolean {
  const at = value.indexOf('@')
  const good =
    at < 0
      ? consistsOf(value, characterClass.word)
      : consistsOf(value.slice(0, at), characterClass.word) &&
        consistsOf(value.slice(at + 1), characterClass.word)
  if (good) draft.callId = value
  return good
}

/** A final answer ends its request whatever stands in Contact: it may name what is no SIP (RFC 3261 20.10,
 * `mailto:`), and without a place to go on to a redirection is a refusal. Everything else needs its Contact. */
function readContact(draft: Draft, value: string): boolean {
  if (readContacts(draft, value)) return true
  draft.contactLost = draft.refusal
  return draft.refusal
}

function readContacts(draft: Draft, value: string): boolean {
  if (value === '*') {
    if (draft.contact === '*' || draft.contact.length > 0) return false
    draft.contact = '*'
    return true
  }
  return draft.contact !== '*' && readAddresses(draft.contact, value, false)
}

/** Route and Record-Route values stand in brackets (RFC 3261 25.1: name-addr). */
function readAddresses(into: NameAddress[], value: string, bracketed: boolean): boolean {
  const cursor = new Cursor(value)
  do {
    const from = cursor.at
    const address = scanNameAddress(cursor)
    if (address === null || into.length >= limits.sipListMax) return false
    if (bracketed && !value.slice(from, cursor.at).includes('<')) return false
    into.push(address)
  } while (cursor.takeSeparator(','))
  return cursor.ended
}

/** A length beyond 2^31 is as wrong as one beyond the datagram. */
function readContentLength(draft: Draft, value: string): boolean {
  draft.contentLength = decimal(value, 2 ** 31)
  return draft.contentLength !== null
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function trimmed(line: string, from: number): string {
  let start = from
  let end = line.length
  while (start < end && isSpace(line.charCodeAt(start))) start += 1
  while (end > start && isSpace(line.charCodeAt(end - 1))) end -= 1
  return line.slice(start, end)
}
