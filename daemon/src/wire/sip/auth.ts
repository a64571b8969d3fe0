//! The values of WWW-Authenticate and Authorization with the scheme Digest (RFC 3261 22.4, RFC 7616).
//! Only the text; what is computed from it is the registrar's.
import { Cursor, commaList, quotedText, unquote } from './scan.ts'

export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | null
  /** As written; null stands for MD5. */
  readonly algorithm: string | null
  /** Empty: the server speaks RFC 2069. */
  readonly qop: readonly string[]
  readonly stale: boolean
}

export interface DigestCredentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  /** Hexadecimal, in lower case. */
  readonly response: string
  readonly algorithm: string | null
  readonly cnonce: string | null
  readonly opaque: string | null
  readonly qop: string | null
  /** Eight hexadecimal digits, as written: they go into the digest. */
  readonly nc: string | null
}

type Parameters = ReadonlyMap<string, string>

/** Names in lower case, values without quotes. Null: another scheme, or broken; a parameter that
 * comes twice is broken (RFC 7616 3.4). */
function parseDigest(text: string): Parameters | null {
  const cursor = new Cursor(text)
  cursor.skipSpace()
  if (cursor.token().toLowerCase() !== 'digest' || !cursor.skipSpace()) return null
  const parameters = new Map<string, string>()
  do {
    const name = cursor.token().toLowerCase()
    if (name === '' || parameters.has(name) || !cursor.takeSeparator('=')) return null
    const quoted = cursor.quoted()
    const value = quoted === null ? cursor.token() : unquote(quoted)
    if (quoted === null && value === '') return null
    parameters.set(name, value)
  } while (cursor.takeSeparator(','))
  cursor.skipSpace()
  return cursor.ended ? parameters : null
}

/** Parses the value of WWW-Authenticate or Proxy-Authenticate. */
export function parseDigestChallenge(text: string): DigestChallenge | null {
  const parameters = parseDigest(text)
  const realm = parameters?.get('realm')
  const nonce = parameters?.get('nonce')
  if (parameters === null || realm === undefined || nonce === undefined) return null
  return {
    realm,
    nonce,
    opaque: parameters.get('opaque') ?? null,
    algorithm: parameters.get('algorithm') ?? null,
    qop: commaList(parameters.get('qop') ?? ''),
    stale: parameters.get('stale')?.toLowerCase() === 'true',
  }
}

/** Parses the value of Authorization or Proxy-Authorization. With `qop`, `cnonce` and `nc` must be
 * there, without it they must not (RFC 7616 3.4). */
export function parseDigestCredentials(text: string): DigestCredentials | null {
  const parameters = parseDigest(text)
  if (parameters === null) return null
  const username = parameters.get('username')
  const realm = parameters.get('realm')
  const nonce = parameters.get('nonce')
  const uri = parameters.get('uri')
  const response = parameters.get('response')?.toLowerCase()
  if (username === undefined || realm === undefined || nonce === undefined) return null
  if (uri === undefined || response === undefined || !isHex(response)) return null
  const qop = parameters.get('qop') ?? null
  const nc = parameters.get('nc') ?? null
  const cnonce = parameters.get('cnonce') ?? null
  if (qop === null ? nc !== null : cnonce === null || nc?.length !== 8 || !isHex(nc)) return null
  const algorithm = parameters.get('algorithm') ?? null
  const opaque = parameters.get('opaque') ?? null
  return { username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc }
}

function isHex(text: string): boolean {
  for (const character of text) {
    if (!'0123456789abcdefABCDEF'.includes(character)) return false
  }
  return text !== ''
}

/** Writes a challenge. */
export function digestChallengeText(challenge: DigestChallenge): string {
  const { realm, nonce, opaque, algorithm, qop, stale } = challenge
  let text = `Digest realm=${quotedText(realm)}, nonce=${quotedText(nonce)}`
  if (opaque !== null) text += `, opaque=${quotedText(opaque)}`
  if (stale) text += ', stale=true'
  if (algorithm !== null) text += `, algorithm=${algorithm}`
  return qop.length === 0 ? text : `${text}, qop=${quotedText(qop.join(','))}`
}

/** Writes credentials. */
export function digestCredentialsText(credentials: DigestCredentials): string {
  const { username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc } = credentials
  let text = `Digest username=${quotedText(username)}, realm=${quotedText(realm)}`
  text += `, nonce=${quotedText(nonce)}, uri=${quotedText(uri)}, response="${response}"`
  if (algorithm !== null) text += `, algorithm=${algorithm}`
  if (cnonce !== null) text += `, cnonce=${quotedText(cnonce)}`
  if (opaque !== null) text += `, opaque=${quotedText(opaque)}`
  if (qop !== null) text += `, qop=${qop}`
  return nc === null ? text : `${text}, nc=${nc}`
}
