//! The character classes of RFC 3261 25.1 and a cursor over one unfolded header value. Every step
//! moves forward, so that the work is linear in the length of the text, whatever it holds.

const classToken = 1
const classWord = 2
const classUser = 4
const classPassword = 8
const classUriParameter = 16
const classUriHeader = 32
const classHost = 64
const classParameterValue = 128

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const unreserved = `${alphanumeric}-_.!~*'()`
const tokenSet = `${alphanumeric}-.!%*_+\`'~`

const classes = new Uint8Array(128)
function add(bit: number, characters: string): void {
  for (const character of characters) {
    const code = character.charCodeAt(0)
    classes[code] = (classes[code] ?? 0) | bit
  }
}
add(classToken, tokenSet)
add(classWord, `${tokenSet}()<>:\\"/[]?{}`)
add(classUser, `${unreserved}&=+$,;?/%`)
add(classPassword, `${unreserved}&=+$,%`)
add(classUriParameter, `${unreserved}[]/:&+$%`)
add(classUriHeader, `${unreserved}[]/?:+$%=&`)
add(classHost, `${alphanumeric}-.`)
// gen-value is a token, a host or an IPv6 address with or without brackets (RFC 3261 25.1, RFC 5118).
add(classParameterValue, `${tokenSet}[]:`)

export const characterClass = {
  token: classToken,
  word: classWord,
  user: classUser,
  password: classPassword,
  uriParameter: classUriParameter,
  uriHeader: classUriHeader,
  host: classHost,
  parameterValue: classParameterValue,
} as const

function isIn(code: number, bit: number): boolean {
  return code < 128 && ((classes[code] ?? 0) & bit) !== 0
}

/** True when every character of a non-empty text is of the class. */
export function consistsOf(text: string, bit: number): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (!isIn(text.charCodeAt(at), bit)) return false
  }
  return text.length > 0
}

export function isToken(text: string): boolean {
  return consistsOf(text, classToken)
}

/** The value of decimal digits that is at most `max`, or null. Leading zeros are allowed. */
export function decimal(text: string, max: number): number | null {
  let value = 0
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return null
    value = value * 10 + digit
    if (value > max) return null
  }
  return text.length > 0 ? value : null
}

const space = 0x20
const tab = 0x09
const quote = 0x22
const backslash = 0x5c

/** True for a control character that has no place in a line. The tab is linear white space. */
export function isControl(code: number): boolean {
  return (code < space && code !== tab) || code === 0x7f
}

/** A cursor over one unfolded value. Methods that read return the empty string or null when what
 * they look for is not there; the cursor is then where it was. */
export class Cursor {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  get ended(): boolean {
    return this.at >= this.text.length
  }

  /** The code at the cursor, or -1 at the end. */
  peek(): number {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1
  }

  skipSpace(): boolean {
    const from = this.at
    for (;;) {
      const code = this.peek()
      if (code !== space && code !== tab) return this.at > from
      this.at += 1
    }
  }

  /** Reads one character when it is the wanted one. */
  take(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false
    this.at += 1
    return true
  }

  /** Reads a character with the white space that the grammar allows on both sides of it. */
  takeSeparator(character: string): boolean {
    const from = this.at
    this.skipSpace()
    if (!this.take(character)) {
      this.at = from
      return false
    }
    this.skipSpace()
    return true
  }

  /** The longest run of a class. */
  run(bit: number): string {
    const from = this.at
    while (this.at < this.text.length && isIn(this.text.charCodeAt(this.at), bit)) this.at += 1
    return this.text.slice(from, this.at)
  }

  token(): string {
    return this.run(classToken)
  }

  /** A quoted string as written, with its quotes, or null when it is not one or has no end. */
  quoted(): string | null {
    if (this.peek() !== quote) return null
    let at = this.at + 1
    while (at < this.text.length) {
      const code = this.text.charCodeAt(at)
      if (code === quote) {
        const value = this.text.slice(this.at, at + 1)
        this.at = at + 1
        return value
      }
      at += code === backslash ? 2 : 1
    }
    return null
  }
}

/** What a quoted string says: without its quotes and with quoted pairs resolved. Text without
 * quotes is returned as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== quote) return text
  const inner = text.slice(1, -1)
  if (!inner.includes('\\')) return inner
  let value = ''
  for (let at = 0; at < inner.length; at += 1) {
    if (inner.charCodeAt(at) === backslash) at += 1
    value += inner[at] ?? ''
  }
  return value
}

/** Writes a quoted string. CR and LF, which a quoted pair cannot hold, become spaces; other control
 * characters are written as quoted pairs (RFC 3261 25.1). */
export function quotedText(text: string): string {
  let value = '"'
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x0d || code === 0x0a) value += ' '
    else if (code === quote || code === backslash || isControl(code)) value += `\\${text[at]}`
    else value += text[at]
  }
  return `${value}"`
}

/** What moves a cursor or turns the direction of a line: C0, C1, DEL, separators and bidirectional marks. */
const harmful = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu
const shownLengthMax = 128

/** A name that somebody else will see: short, and without orders to a screen. */
export function harmlessText(text: string): string {
  return text.slice(0, shownLengthMax).toWellFormed().replaceAll(harmful, ' ').trim()
}

/** The text with each CR and LF as a space, so that it cannot begin a line of its own. */
export function singleLine(text: string): string {
  for (let at = 0; at < text.length; at += 1) {
    if (breaksLine(text.charCodeAt(at))) return neutralised(text)
  }
  return text
}

function breaksLine(code: number): boolean {
  return code === 0x0d || code === 0x0a
}

function neutralised(text: string): string {
  let value = ''
  for (const character of text) value += breaksLine(character.charCodeAt(0)) ? ' ' : character
  return value
}

/** True when all control characters of a line stand as quoted pairs in quoted strings. */
export function controlsAreQuoted(line: string): boolean {
  let inside = false
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at)
    if (isControl(code)) return false
    if (code === quote) inside = !inside
    else if (inside && code === backslash) {
      at += 1
      const escaped = line.charCodeAt(at)
      if (escaped === 0x0d || escaped === 0x0a) return false
    }
  }
  return true
}

/** Splits a value at its commas; commas in quotes or angle brackets do not count. Empty elements are
 * left out (RFC 3261 25.1: COMMA lists of text headers such as `Supported`). */
export function commaList(text: string): string[] {
  const values: string[] = []
  let from = 0
  let inside = false
  let depth = 0
  const push = (to: number): void => {
    const value = text.slice(from, to).trim()
    if (value !== '') values.push(value)
  }
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (inside) {
      if (code === backslash) at += 1
      else if (code === quote) inside = false
    } else if (code === quote) inside = true
    else if (code === 0x3c) depth += 1
    else if (code === 0x3e) depth = Math.max(0, depth - 1)
    else if (code === 0x2c && depth === 0) {
      push(at)
      from = at + 1
    }
  }
  push(text.length)
  return values
}
