//! Hosts of URIs and Via: names, IPv4 and bracketed IPv6 (RFC 3261 25.1, RFC 5118, RFC 5954).
import { type Cursor, characterClass, consistsOf, decimal } from './scan.ts'

/** Reads `host [":" port]` as far as it goes; spaces around the colon only where `spaced`. Null when
 * there is no valid host or the port is not 1..65535. */
export function scanHostPort(
  cursor: Cursor,
  spaced: boolean,
): { host: string; port: number | null } | null {
  const host = scanHost(cursor)
  if (host === null) return null
  const colon = spaced ? cursor.takeSeparator(':') : cursor.take(':')
  if (!colon) return { host, port: null }
  const port = decimal(cursor.run(characterClass.host), 65_535)
  return port === null || port === 0 ? null : { host, port }
}

function scanHost(cursor: Cursor): string | null {
  if (cursor.peek() !== 0x5b) {
    const name = cursor.run(characterClass.host)
    return isHostName(name) ? name : null
  }
  const end = cursor.text.indexOf(']', cursor.at)
  // 47 is the longest IPv6 text (with an IPv4 tail) and its two brackets.
  if (end < 0 || end - cursor.at > 47) return null
  const text = cursor.text.slice(cursor.at, end + 1)
  if (!isIpv6(text.slice(1, -1))) return null
  cursor.at = end + 1
  return text
}

/** A host name or an IPv4 address. What looks like an IPv4 address must be a valid one. */
function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false
  const end = text.endsWith('.') ? text.length - 1 : text.length
  const last = text.charCodeAt(text.lastIndexOf('.', end - 1) + 1)
  if (last >= 0x30 && last <= 0x39) return isIpv4(text)
  // A label is not empty and has no hyphen at its ends.
  let before = dot
  for (let at = 0; at < end; at += 1) {
    const code = text.charCodeAt(at)
    if (before === dot ? code === dot || code === hyphen : before === hyphen && code === dot) {
      return false
    }
    before = code
  }
  return before !== dot && before !== hyphen
}

const dot = 0x2e
const hyphen = 0x2d

/** A dotted IPv4 address. */
export function isIpv4(text: string): boolean {
  let parts = 0
  let value = -1
  let digits = 0
  for (let at = 0; at <= text.length; at += 1) {
    const code = at < text.length ? text.charCodeAt(at) : dot
    if (code === dot) {
      if (value < 0 || value > 255) return false
      parts += 1
      value = -1
      digits = 0
    } else {
      digits += 1
      if (code < 0x30 || code > 0x39 || digits > 3) return false
      value = Math.max(value, 0) * 10 + code - 0x30
    }
  }
  return parts === 4
}

/** The IPv4 address that a host is, as text: the sockets of the service are IPv4, and an IPv4-mapped IPv6
 * address (RFC 4291 2.5.5.2) means the same host. Null: a name, or an address that cannot be reached. */
export function ipv4Of(host: string): string | null {
  const text = host.startsWith('[') ? host.slice(1, -1) : host
  if (isIpv4(text)) return text
  const tail = /^::ffff:([0-9.]+)$/i.exec(text)?.[1]
  return tail !== undefined && isIpv4(tail) ? tail : null
}

/** An IPv6 address without brackets and without a zone. RFC 5118 4.10: a third colon before an IPv4 tail,
 * which the grammar of RFC 3261 asks for by mistake, is read as two. */
export function isIpv6(written: string): boolean {
  const text = written.includes('.') ? written.replace(':::', '::') : written
  const halves = text.split('::')
  if (halves.length > 2 || text === '') return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') {
      if (halves.length === 1) return false
      continue
    }
    const parts = half.split(':')
    for (const [position, part] of parts.entries()) {
      const isTail = index === halves.length - 1 && position === parts.length - 1
      if (isTail && part.includes('.')) {
        if (!isIpv4(part)) return false
        groups += 2
      } else {
        if (!isHexGroup(part)) return false
        groups += 1
      }
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8
}

function isHexGroup(text: string): boolean {
  if (text.length === 0 || text.length > 4 || !consistsOf(text, characterClass.host)) return false
  for (let at = 0; at < text.length; at += 1) {
    if (hexDigit(text.charCodeAt(at)) < 0) return false
  }
  return true
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
