//! Digest authentication, the server's side: RFC 3261 22, RFC 7616, RFC 8760.
//!
//! Nonces are stateless: time, salt and an HMAC of both and of the time as primary of this node, as only
//! that remembers which counts were used. To a nonce from before a take-over the right digest gets a new
//! challenge with `stale`, which the telephone answers by itself: what was captured is of no use (ADR 0012).
import { createHash, timingSafeEqual } from 'node:crypto'
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { keyedHash } from '../../wire/keyed-hash.ts'
import { digestChallengeText } from '../../wire/sip/auth.ts'
import { headerValues, type SipHeader, type SipRequest } from '../../wire/sip/message.ts'
import { type Credentials, type DigestAlgorithm, readCredentials } from './credentials.ts'
import { Decoys } from './decoys.ts'
import { NonceCounts } from './nonce-counts.ts'
import { isSameUri } from './same-uri.ts'

interface DigestOptions {
  readonly realm: string
  /** At least 16 bytes. */
  readonly secret: Uint8Array
  /** All accounts: a number that nobody has is challenged like one of them. */
  readonly accounts: () => Iterable<Pick<PhoneBookEntry, 'digest'>>
}

type DigestOffer = PhoneBookEntry['digest']

const offeredAlgorithms: Readonly<Record<DigestOffer, readonly DigestAlgorithm[]>> = {
  md5: ['MD5'],
  'sha-256': ['SHA-256'],
  both: ['SHA-256', 'MD5'],
}

type DigestAccount = Pick<PhoneBookEntry, 'ha1Md5' | 'ha1Sha256' | 'digest'>

type DigestVerdict =
  | { readonly kind: 'accepted' }
  /** Answer 401 with `challenges`. */
  | { readonly kind: 'challenge'; readonly stale: boolean }
  /** Wrong password, unknown or other user; which of them is not said. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'malformed'; readonly why: string }

export class DigestServer {
  readonly #options: DigestOptions
  readonly #counts = new NonceCounts()
  readonly #decoys: Decoys
  #period = ''

  constructor(options: DigestOptions) {
    assert(options.secret.length >= 16, 'the secret of the nonces has at least 128 bits')
    this.#options = options
    this.#decoys = new Decoys(options)
  }

  /** This node serves from now on, and knows of no count. @param period differs from every one before */
  begin(period: string): void {
    this.clear()
    this.#period = period
  }

  /** Those that are remembered with their counts. */
  get nonces(): number {
    return this.#counts.size
  }

  /** One WWW-Authenticate header for each algorithm of the account, the stronger first (RFC 8760 2.4).
   * A number that nobody has (`account` null) is challenged like one that somebody has. The same request
   * gets the same challenge: no transaction absorbs its repetitions, and a telephone that hears two
   * different ones mixes them up. */
  challenges(
    { request, stale }: { readonly request: SipRequest; readonly stale: boolean },
    claim: { readonly number: string; readonly account: Pick<PhoneBookEntry, 'digest'> | null },
    nowWallMs: number,
  ): SipHeader[] {
    const nonce = this.#nonceFor(request, nowWallMs)
    const { realm } = this.#options
    // Made in either case, as it takes its time.
    const decoy = this.#decoys.offerOf(claim.number, nowWallMs)
    return offeredAlgorithms[claim.account?.digest ?? decoy].map((algorithm) => {
      const challenge = { realm, nonce, opaque: null, algorithm, qop: ['auth'], stale }
      return { name: 'WWW-Authenticate', value: digestChallengeText(challenge) }
    })
  }

  /** Checks the credentials of a request that claims to come from `username`. An `account` of null
   * (nobody has this number) costs the same time as a wrong password. */
  check(
    request: SipRequest,
    claim: { readonly username: string; readonly account: DigestAccount | null },
    nowWallMs: number,
  ): DigestVerdict {
    const found = this.#credentialsOf(request)
    if ('kind' in found) return found
    // RFC 7616 3.4.6: the digest must be over the URI that was requested.
    if (!isSameUri(found.uri, request.uri)) {
      return { kind: 'malformed', why: 'the digest is over another URI' }
    }
    const nonceAgeMs = this.#nonceAgeMs(found.nonce, nowWallMs)
    const right = isDigestRight(request.method, found, claim.account)
    if (!right || claim.account === null || found.username !== claim.username) {
      // A nonce that was never ours proves nothing about the password: ask again.
      return nonceAgeMs === null ? { kind: 'challenge', stale: false } : { kind: 'forbidden' }
    }
    if (!offeredAlgorithms[claim.account.digest].includes(found.algorithm)) {
      return { kind: 'challenge', stale: false }
    }
    // The clocks of the two nodes differ a little, so a nonce may seem to come from the future.
    const fresh = nonceAgeMs !== null && Math.abs(nonceAgeMs) <= limits.nonceMsMax
    if (!fresh || !this.#counts.use(found.nonce, found.nc, nowWallMs)) {
      return { kind: 'challenge', stale: true }
    }
    return { kind: 'accepted' }
  }

  /** A nonce is refused by its age after that time, whatever its count. */
  forgetOld(nowWallMs: number): void {
    this.#counts.forgetBefore(nowWallMs - 2 * limits.nonceMsMax)
  }

  clear(): void {
    this.#counts.forgetBefore(Number.POSITIVE_INFINITY)
  }

  #credentialsOf(request: SipRequest): Credentials | DigestVerdict {
    for (const value of headerValues(request, 'Authorization')) {
      const parsed = readCredentials(value)
      if (parsed.kind === 'malformed') return parsed
      if (parsed.kind === 'credentials' && parsed.credentials.realm === this.#options.realm) {
        return parsed.credentials
      }
    }
    return { kind: 'challenge', stale: false }
  }

  #nonceFor(request: SipRequest, nowWallMs: number): string {
    const time = (Math.floor(nowWallMs / limits.nonceStepMs) * limits.nonceStepMs).toString(16)
    const { callId, cseq, from, via } = request
    const branch = via[0]?.parameters.get('branch') ?? ''
    const tag = from.parameters.get('tag') ?? ''
    // What was shown already is not shown again.
    const shown = headerValues(request, 'Authorization').join()
    const text = [
      'vccs salt',
      shown,
      callId,
      cseq.number,
      cseq.method,
      tag,
      branch,
      via[0]?.host,
    ].join('\n')
    const salt = keyedHash('sha256', this.#options.secret).update(text).digest('hex').slice(0, 16)
    return `${time}-${salt}-${this.#seal(time, salt)}`
  }

  /** Age of one of our nonces; null when this node did not make it since it serves. */
  #nonceAgeMs(nonce: string, nowWallMs: number): number | null {
    const [time, salt, seal, more] = nonce.split('-', 4)
    if (time === undefined || salt === undefined || seal === undefined || more !== undefined) {
      return null
    }
    // What carries our seal was written by us, and needs no check of its form.
    if (!isEqualText(seal, this.#seal(time, salt))) return null
    return nowWallMs - Number.parseInt(time, 16)
  }

  #seal(time: string, salt: string): string {
    const { secret, realm } = this.#options
    const text = ['vccs nonce', realm, this.#period, time, salt].join('\n')
    return keyedHash('sha256', secret).update(text).digest('hex').slice(0, 32)
  }
}

/** The response of RFC 7616 3.4.1 with qop=auth, from a hexadecimal HA1. */
export function digestResponse(method: string, credentials: Credentials, ha1: string): string {
  const { algorithm, uriText, nonce, ncText, cnonce } = credentials
  const ha2 = hash(algorithm, `${method}:${uriText}`)
  return hash(algorithm, [ha1, nonce, ncText, cnonce, 'auth', ha2].join(':'))
}

/** Takes the place of an account that does not exist; no password hashes to it that anyone knows. */
const nobody: DigestAccount = {
  ha1Md5: '0'.repeat(32),
  ha1Sha256: '0'.repeat(64),
  digest: 'md5',
}

function isDigestRight(
  method: string,
  credentials: Credentials,
  account: DigestAccount | null,
): boolean {
  const { ha1Md5, ha1Sha256 } = account ?? nobody
  const ha1 = credentials.algorithm === 'MD5' ? ha1Md5 : ha1Sha256
  return isEqualText(credentials.response, digestResponse(method, credentials, ha1.toLowerCase()))
}

/** In a time that does not depend on where the texts differ. */
function isEqualText(given: string, wanted: string): boolean {
  const one = Buffer.from(given, 'utf8')
  const other = Buffer.from(wanted, 'utf8')
  return one.length === other.length && timingSafeEqual(one, other)
}

function hash(algorithm: DigestAlgorithm, text: string): string {
  const name = algorithm === 'MD5' ? 'md5' : 'sha256'
  return createHash(name).update(text, 'utf8').digest('hex')
}
