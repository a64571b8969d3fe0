//! Digest authentication, the client's side (RFC 3261 22.2): another system asks for the password of a trunk.
import { createHash } from 'node:crypto'
import { digestCredentialsText, parseDigestChallenge } from '../../wire/sip/auth.ts'
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
    const algorithm = (challenge.algorithm ?? 'MD5').toUpperCase()
    const name = { MD5: 'md5', 'SHA-256': 'sha256' }[algorithm]
    if (name === undefined) continue
    const hasQop = challenge.qop.map((one) => one.toLowerCase()).includes('auth')
    if (challenge.qop.length > 0 && !hasQop) continue
    const hash = (text: string) => createHash(name).update(text, 'utf8').digest('hex')
    const ha1 = name === 'md5' ? login.peerHa1Md5 : login.peerHa1Sha256
    const ha2 = hash(`${method}:${uri}`)
    const { realm, nonce, opaque } = challenge
    const nc = hasQop ? '00000001' : null
    const middle = hasQop ? `${nonce}:${nc}:${cnonce}:auth` : nonce
    const credentials = digestCredentialsText({
      username: login.user,
      realm,
      nonce,
      uri,
      response: hash(`${ha1}:${middle}:${ha2}`),
      algorithm: challenge.algorithm,
      cnonce: hasQop ? cnonce : null,
      opaque,
      qop: hasQop ? 'auth' : null,
      nc,
    })
    return { name: names[1], value: credentials }
  }
  return null
}
