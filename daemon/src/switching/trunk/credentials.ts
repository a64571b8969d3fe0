//! Digest authentication, the client's side (RFC 3261 22.2): another system asks for the password of a trunk.
import { createHash } from 'node:crypto'
import {
  type DigestCredentials,
  digestCredentialsText,
  parseDigestChallenge,
  parseDigestCredentials,
} from '../../wire/sip/auth.ts'
import { headerValues, type SipHeader, type SipResponse } from '../../wire/sip/message.ts'
import type { TrunkLogin } from '../plan.ts'

const headers: Readonly<Record<number, readonly [string, string]>> = {
  401: ['WWW-Authenticate', 'Authorization'],
  407: ['Proxy-Authenticate', 'Proxy-Authorization'],
}

/** What answers the challenge of a response.
 * @param cnonce fresh hexadecimal digits.
 * @returns null: it asks for another realm, or in a manner that is not known here. */
export function credentialsFor(
  response: SipResponse,
  login: TrunkLogin,
  {
    method,
    uri,
    cnonce,
  }: { readonly method: string; readonly uri: string; readonly cnonce: string },
): SipHeader | null {
  const names = headers[response.status]
  if (names === undefined) return null
  for (const value of headerValues(response, names[0])) {
    const challenge = parseDigestChallenge(value)
    if (challenge === null || challenge.realm !== login.peerRealm) continue
    const name = hashOf(challenge.algorithm)
    if (name === null) continue
    const hasQop = challenge.qop.map((one) => one.toLowerCase()).includes('auth')
    if (challenge.qop.length > 0 && !hasQop) continue
    const { realm, nonce, opaque } = challenge
    const unsigned = {
      username: login.user,
      realm,
      nonce,
      uri,
      response: '',
      algorithm: challenge.algorithm,
      cnonce: hasQop ? cnonce : null,
      opaque,
      qop: hasQop ? 'auth' : null,
      nc: hasQop ? '00000001' : null,
    }
    return { name: names[1], value: signed(unsigned, login, method) }
  }
  return null
}

/** The same password shown once more, for another request with the same nonce: its count is the next one
 * (RFC 7616 3.4), as a server takes each of them once.
 * @returns null: it was never shown so, or has become another one. */
export function shownAgain(
  { name, value }: SipHeader,
  login: TrunkLogin,
  method: string,
): SipHeader | null {
  const before = parseDigestCredentials(value)
  if (before === null || hashOf(before.algorithm) === null) return null
  if (before.username !== login.user || before.realm !== login.peerRealm) return null
  const count = before.nc === null ? null : Number.parseInt(before.nc, 16) + 1
  const nc = count === null ? null : count.toString(16).padStart(8, '0')
  return { name, value: signed({ ...before, nc }, login, method) }
}

function hashOf(algorithm: string | null): 'md5' | 'sha256' | null {
  switch ((algorithm ?? 'MD5').toUpperCase()) {
    case 'MD5':
      return 'md5'
    case 'SHA-256':
      return 'sha256'
    default:
      return null
  }
}

/** RFC 7616 3.4.1, and RFC 2069 without `qop`. */
function signed(credentials: DigestCredentials, login: TrunkLogin, method: string): string {
  const { nonce, uri, algorithm, cnonce, qop, nc } = credentials
  const name = hashOf(algorithm) ?? 'md5'
  const hash = (text: string) => createHash(name).update(text, 'utf8').digest('hex')
  const ha1 = name === 'md5' ? login.peerHa1Md5 : login.peerHa1Sha256
  const middle = qop === null ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`
  const response = hash(`${ha1}:${middle}:${hash(`${method}:${uri}`)}`)
  return digestCredentialsText({ ...credentials, response })
}
