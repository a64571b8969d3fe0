//! SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966). Percent escapes of unreserved characters are
//! resolved and the others written in upper case (RFC 3986 6.2.2), so that equal URIs have equal
//! text: `%75se%72` is `user`, while `%40` stays `%40`.
import { hexDigit, scanHostPort } from './host.ts'
import type { SipUri } from './message.ts'
import { Cursor, characterClass, consistsOf } from './scan.ts'

const noParameters: ReadonlyMap<string, string | null> = new Map()

/** Parses a URI without angle brackets. Null: no valid URI, or another scheme than the three. */
export function parseUri(text: string): SipUri | null {
  const scheme = uriScheme(text)
  if (scheme === null) return null
  const rest = text.slice(scheme.length + 1)
  if (scheme === 'tel') return parseTel(rest)
  return scheme === 'sip' || scheme === 'sips' ? parseSipUri(scheme, rest) : null
}

/** The scheme in lower case, or null when the text does not begin with one. */
export function uriScheme(text: string): string | null {
  const colon = text.indexOf(':')
  if (colon < 1 || colon > 32) return null
  const scheme = text.slice(0, colon).toLowerCase()
  const first = scheme.charCodeAt(0)
  if (first < 0x61 || first > 0x7a || !consistsOf(scheme, characterClass.token)) return null
  return scheme
}

function parseSipUri(scheme: 'sip' | 'sips', text: string): SipUri | null {
  const at = text.indexOf('@')
  const person = at < 0 ? null : parseUserInfo(text.slice(0, at))
  if (at >= 0 && person === null) return null
  const cursor = new Cursor(text)
  cursor.at = at + 1
  const place = scanHostPort(cursor, false)
  if (place === null) return null
  const parameters = scanUriParameters(cursor)
  if (parameters === null) return null
  const headers = cursor.ended ? '' : scanUriHeaders(cursor)
  if (headers === null) return null
  return { scheme, user: null, ...person, ...place, parameters, headers }
}

function parseUserInfo(text: string): { user: string; password?: string } | null {
  const colon = text.indexOf(':')
  const user = colon < 0 ? text : text.slice(0, colon)
  if (!consistsOf(user, characterClass.user)) return null
  const normal = normaliseEscapes(user)
  if (normal === null) return null
  if (colon < 0) return { user: normal }
  const password = text.slice(colon + 1)
  if (password === '') return { user: normal, password }
  if (!consistsOf(password, characterClass.password)) return null
  const normalPassword = normaliseEscapes(password)
  return normalPassword === null ? null : { user: normal, password: normalPassword }
}

/** Names in lower case. A name that comes twice makes the URI invalid (RFC 3261 19.1.1). */
function scanUriParameters(cursor: Cursor): ReadonlyMap<string, string | null> | null {
  if (cursor.peek() !== 0x3b) return noParameters
  const parameters = new Map<string, string | null>()
  while (cursor.take(';')) {
    const name = normaliseEscapes(cursor.run(characterClass.uriParameter))?.toLowerCase()
    if (name === undefined || name === '' || parameters.has(name)) return null
    let value: string | null = null
    if (cursor.take('=')) {
      value = normaliseEscapes(cursor.run(characterClass.uriParameter))
      if (value === null || value === '') return null
    }
    parameters.set(name, value)
  }
  return parameters
}

function scanUriHeaders(cursor: Cursor): string | null {
  if (!cursor.take('?')) return null
  const headers = cursor.run(characterClass.uriHeader)
  return cursor.ended && headers !== '' ? normaliseEscapes(headers) : null
}

/** RFC 3966: a number with visual separators. */
function parseTel(text: string): SipUri | null {
  const semicolon = text.indexOf(';')
  const number = semicolon < 0 ? text : text.slice(0, semicolon)
  if (!isTelNumber(number)) return null
  const cursor = new Cursor(text)
  cursor.at = number.length
  const parameters = scanUriParameters(cursor)
  if (parameters === null || !cursor.ended) return null
  return { scheme: 'tel', user: number, host: '', port: null, parameters, headers: '' }
}

function isTelNumber(text: string): boolean {
  const digits = text.startsWith('+') ? text.slice(1) : text
  let count = 0
  for (const character of digits) {
    const code = character.charCodeAt(0)
    if (hexDigit(code) >= 0 || character === '*' || character === '#') count += 1
    else if (!'-.()'.includes(character)) return false
  }
  return count > 0
}

const unreservedMarks = "-_.!~*'()"

function isUnreserved(code: number): boolean {
  const letter = code | 0x20
  if ((letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39)) return true
  return unreservedMarks.includes(String.fromCharCode(code))
}

/** Resolves the escapes of unreserved characters; null when a `%` has no two digits after it. */
function normaliseEscapes(text: string): string | null {
  if (!text.includes('%')) return text
  let value = ''
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) !== 0x25) {
      value += text[at]
      continue
    }
    const high = hexDigit(text.charCodeAt(at + 1))
    const low = hexDigit(text.charCodeAt(at + 2))
    if (high < 0 || low < 0) return null
    const code = high * 16 + low
    if (isUnreserved(code)) value += String.fromCharCode(code)
    else value += text.slice(at, at + 3).toUpperCase()
    at += 2
  }
  return value
}

/** Writes a URI without angle brackets. */
export function uriText(uri: SipUri): string {
  let text = `${uri.scheme}:`
  if (uri.scheme === 'tel') text += uri.user ?? ''
  else {
    if (uri.user !== null) {
      text += uri.password === undefined ? `${uri.user}@` : `${uri.user}:${uri.password}@`
    }
    text += uri.host
    if (uri.port !== null) text += `:${uri.port}`
  }
  for (const [name, value] of uri.parameters)
    text += value === null ? `;${name}` : `;${name}=${value}`
  return uri.headers === '' ? text : `${text}?${uri.headers}`
}
