//! name-addr and addr-spec with parameters: From, To, Contact, Route (RFC 3261 20.10, 25.1).
import type { NameAddress } from './message.ts'
import { parametersText, scanParameters } from './parameters.ts'
import { Cursor, quotedText, unquote } from './scan.ts'
import { parseUri, uriText } from './uri.ts'

/** Reads one address as far as it goes; what follows is the caller's to check. */
export function scanNameAddress(cursor: Cursor): NameAddress | null {
  const displayName = scanDisplayName(cursor)
  if (displayName === undefined) return null
  const uri = parseUri(cursor.peek() === 0x3c ? bracketed(cursor) : bare(cursor))
  if (uri === null) return null
  const { parameters, complete } = scanParameters(cursor)
  return complete ? { displayName, uri, parameters } : null
}

/** Null: none. Undefined: broken. Afterwards the cursor is at `<` or at an addr-spec. */
function scanDisplayName(cursor: Cursor): string | null | undefined {
  if (cursor.peek() === 0x22) {
    const quoted = cursor.quoted()
    if (quoted === null) return undefined
    cursor.skipSpace()
    return cursor.peek() === 0x3c ? unquote(quoted) : undefined
  }
  const from = cursor.at
  while (cursor.token() !== '') cursor.skipSpace()
  if (cursor.peek() === 0x3c)
    return cursor.at === from ? null : cursor.text.slice(from, cursor.at).trim()
  cursor.at = from
  return null
}

/** The text in the brackets, or the empty string, which is no URI. */
function bracketed(cursor: Cursor): string {
  const end = cursor.text.indexOf('>', cursor.at)
  if (end < 0) return ''
  const text = cursor.text.slice(cursor.at + 1, end)
  cursor.at = end + 1
  return text
}

/** An addr-spec ends where the list or the parameters begin. A question mark is not allowed in it
 * (RFC 3261 20: a URI with comma, question mark or semicolon stands in brackets). */
function bare(cursor: Cursor): string {
  const from = cursor.at
  for (;;) {
    const code = cursor.peek()
    if (code === 0x3f) return ''
    if (code === -1 || code === 0x3b || code === 0x2c || code === 0x20 || code === 0x09) break
    cursor.at += 1
  }
  return cursor.text.slice(from, cursor.at)
}

/** One address, alone. */
export function parseNameAddress(text: string): NameAddress | null {
  const cursor = new Cursor(text)
  cursor.skipSpace()
  const address = scanNameAddress(cursor)
  cursor.skipSpace()
  return address !== null && cursor.ended ? address : null
}

/** Always with brackets, so that URI parameters never become header parameters. */
export function nameAddressText(address: NameAddress): string {
  const name = address.displayName === null ? '' : `${quotedText(address.displayName)} `
  return `${name}<${uriText(address.uri)}>${parametersText(address.parameters)}`
}
