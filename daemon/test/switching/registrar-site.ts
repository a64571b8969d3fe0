//! A site with its telephones: what the registrar tests register at.
import { createHash } from 'node:crypto'
import { DigestServer } from '../../src/switching/registrar/digest.ts'
import {
  applyUserChanges,
  type RegisterOutcome,
  register,
  type UserTables,
} from '../../src/switching/registrar/registrar.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import { defaultProfile } from '../../src/tables/profile.ts'
import { type User, userSchema } from '../../src/tables/user.ts'
import {
  type DigestCredentials,
  digestCredentialsText,
  parseDigestChallenge,
} from '../../src/wire/sip/auth.ts'
import { headerValues, type SipRequest, type SipResponse } from '../../src/wire/sip/message.ts'
import { nameAddressText, writeSip } from '../../src/wire/sip/write.ts'
import { parsed, phone, type RequestParts, request } from './transaction-messages.ts'

export const realm = 'vccs'
const uri = 'sip:192.0.2.1'
export const startMs = Date.UTC(2026, 0, 2, 3, 4, 5)

export function hash(name: string, text: string): string {
  return createHash(name).update(text).digest('hex')
}

function entry(number: string, password: string, contacts = 1): PhoneBookEntry {
  const usual = defaultProfile('telephone')
  const profile = { ...usual, line: { ...usual.line, contacts } }
  const text = `${number}:${realm}:${password}`
  const digests = { ha1Md5: hash('md5', text), ha1Sha256: hash('sha256', text) }
  return {
    number,
    type: 'telephone',
    displayName: '',
    ...digests,
    digest: 'both',
    profile,
    priority: 4,
    twin: true,
  }
}

const entries = [entry('200', 'right'), entry('201', 'other'), entry('202', 'third', 3)]
const book = new Map(entries.map((e) => [e.number, e]))

/** A node with a table of users; two of them share the users as the pair does. */
export class Site {
  readonly users: Map<string, User>
  readonly digest: DigestServer
  nowMs = startMs
  #cseq = 0
  #branch = 0

  constructor(users = new Map<string, User>(), secret = 'secret of the pair') {
    this.users = users
    this.digest = new DigestServer({
      realm,
      secret: Buffer.from(secret),
      accounts: () => book.values(),
    })
  }

  get tables(): UserTables {
    return {
      get: (user) => this.users.get(user),
      put: (user) => ({ ok: this.users.set(user.user, userSchema.parse(user)).size > 0 }),
      delete: (user) => this.users.delete(user),
      phoneBook: (number) => book.get(number),
    }
  }

  receive(message: SipRequest): RegisterOutcome {
    const context = {
      tables: this.tables,
      digest: this.digest,
      domains: ['192.0.2.1', 'Tower.Example'],
    }
    const outcome = register({ request: message, source: phone }, context, this.nowMs)
    applyUserChanges(this.tables, outcome.changes)
    // The answer must be a message that can be sent.
    parsed(writeSip(outcome.response))
    return outcome
  }

  /** A telephone that knows its password: challenged, then answering. */
  register(
    lines: string[],
    parts: RequestParts = {},
    { to, password } = { to: '200', password: 'right' },
  ): SipResponse {
    this.#cseq += 1
    const ask = (more: string[]) => {
      this.#branch += 1
      const numbers = { cseq: this.#cseq, branch: `z9hG4bK-${this.#branch}` }
      const message = registerRequest([...lines, ...more], { ...numbers, ...parts })
      const record = { ...message.to, uri: { ...message.to.uri, user: to } }
      return this.receive({ ...message, to: record }).response
    }
    const challenge = ask([])
    if (challenge.status !== 401) return challenge
    return ask([authorize(challenge, { username: to, password })])
  }
}

export function registerRequest(lines: string[], parts: RequestParts = {}): SipRequest {
  return request('REGISTER', { uri, lines, ...parts })
}

interface Answering {
  readonly username?: string
  readonly password?: string
  readonly index?: number
  readonly nc?: string
  readonly changed?: Partial<DigestCredentials>
}

/** What a telephone answers to a challenge. */
export function authorize(challenge: SipResponse, how: Answering): string {
  const { username = '200', password = 'right', index = 1, nc = '00000001' } = how
  const offered = parseDigestChallenge(headerValues(challenge, 'WWW-Authenticate')[index] ?? '')
  if (offered === null) throw new Error('no challenge')
  const name = offered.algorithm === 'SHA-256' ? 'sha256' : 'md5'
  const ha1 = hash(name, `${username}:${realm}:${password}`)
  const ha2 = hash(name, `REGISTER:${uri}`)
  const response = hash(name, [ha1, offered.nonce, nc, 'c1', 'auth', ha2].join(':'))
  const { nonce, algorithm } = offered
  const made = {
    username,
    realm,
    nonce,
    uri,
    response,
    algorithm,
    cnonce: 'c1',
    opaque: null,
    qop: 'auth',
    nc,
  }
  return `Authorization: ${digestCredentialsText({ ...made, ...how.changed })}`
}

export function challengeOf(site: Site): SipResponse {
  return site.receive(registerRequest([])).response
}

export function tryOnce(site: Site, authorization: string, parts: RequestParts = {}): SipResponse {
  return site.receive(registerRequest(['Contact: <sip:200@192.0.2.9>', authorization], parts))
    .response
}

export function contactsOf(response: SipResponse): string[] {
  return response.contact === '*' ? ['*'] : response.contact.map(nameAddressText)
}
