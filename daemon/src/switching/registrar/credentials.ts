//! The credentials that the registrar can check: qop=auth with MD5 or SHA-256.
import { parseDigestCredentials } from '../../wire/sip/auth.ts'
import type { SipUri } from '../../wire/sip/message.ts'
import { parseUri } from '../../wire/sip/write.ts'

export type DigestAlgorithm = 'SHA-256' | 'MD5'

export interface Credentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  /** As written: the digest is taken over this text. */
  readonly uriText: string
  readonly uri: SipUri
  readonly algorithm: DigestAlgorithm
  readonly cnonce: string
  /** Nonce count, as the eight digits that were digested and as a number. */
  readonly ncText: string
  readonly nc: number
  /** Hexadecimal, in lower case. */
  readonly response: string
}

type CredentialsResult =
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  /** Not for us: another scheme, or an algorithm that we did not offer. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'malformed'; readonly why: string }

/** Reads the value of an Authorization header. qop is required: we offer it always, and RFC 3261 22.4
 * then makes the client send it. */
export function readCredentials(text: string): CredentialsResult {
  const parsed = parseDigestCredentials(text)
  if (parsed === null) {
    const isDigest = text.trimStart().slice(0, 6).toLowerCase() === 'digest'
    return isDigest ? malformed('the credentials are not valid') : { kind: 'foreign' }
  }
  const { username, realm, nonce, uri: uriText, response, cnonce, nc: ncText } = parsed
  const algorithm = (parsed.algorithm ?? 'MD5').toUpperCase()
  if (algorithm !== 'MD5' && algorithm !== 'SHA-256') return { kind: 'foreign' }
  if (parsed.qop?.toLowerCase() !== 'auth' || cnonce === null || ncText === null) {
    return malformed('qop is not auth')
  }
  const uri = parseUri(uriText)
  if (uri === null) return malformed('uri is not valid')
  const nc = Number.parseInt(ncText, 16)
  if (nc === 0) return malformed('nc counts from 1')
  return {
    kind: 'credentials',
    credentials: { username, realm, nonce, uriText, uri, algorithm, cnonce, ncText, nc, response },
  }
}

function malformed(why: string): CredentialsResult {
  return { kind: 'malformed', why }
}
