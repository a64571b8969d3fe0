//! One message of a torture test through a whole core: as a stranger says it, and as somebody says it who is
//! registered where it comes from (a REGISTER: with the right password). The callee is registered, too.
import { createHash } from 'node:crypto'
import { assert } from '../../src/assert.ts'
import { Core } from '../../src/switching/core.ts'
import type { CoreEffect, Now } from '../../src/switching/effects.ts'
import { isIpv4 } from '../../src/wire/sip/host.ts'
import { type Endpoint, headerValues, type SipMessage } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { uriText } from '../../src/wire/sip/write.ts'
import { plainUser } from '../tables/plain-records.ts'
import { emptyTables, entry, type StageTables } from './core-stage.ts'

const realm = 'example.com'
const callee: Endpoint = { address: '192.0.2.200', port: 5060 }
const startMs = 1_700_000_000_000

export class TortureStage {
  readonly tables: StageTables = emptyTables()
  readonly core: Core
  /** Where the messages come from: what the topmost Via says, if that can be. */
  readonly source: Endpoint
  readonly #bytes: Buffer
  readonly #message: SipMessage | null
  #nowMs = 1_000
  #random = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    const parsed = parseSip(bytes)
    this.#message = parsed.kind === 'malformed' ? parsed.reply : parsed
    const host = this.#message?.via[0]?.host ?? ''
    this.source = { address: isIpv4(host) ? host : '192.0.2.9', port: 5060 }
    this.core = new Core({
      tables: this.tables,
      address: '192.0.2.1',
      // So that the address that the messages of RFC 5118 are for is ours.
      peerAddress: '2001:db8::10',
      sipPort: 5060,
      rtpPorts: { first: 20_000, last: 20_019 },
      realm,
      secret: Buffer.from('a secret of thirty-two bytes ....'),
      newToken: () => (++this.#random).toString(16).padStart(8, '0'),
      random32: () => ++this.#random,
    })
    this.core.becomePrimary(this.#now())
  }

  stranger(): string {
    return this.#say(this.#bytes)
  }

  /** Both ends of what is asked are accounts, and registered. */
  known(): string {
    const message = this.#message
    if (message?.kind !== 'request') return this.#say(this.#bytes)
    const { from, to, uri, method } = message
    if (uri.user !== null) this.#register(uri.user, callee)
    if (method !== 'REGISTER') {
      this.#register(from.uri.user ?? '', this.source)
      return this.#say(this.#bytes)
    }
    const number = to.uri.user ?? ''
    this.tables.phoneBook.put({ ...entry(number, 'telephone'), ha1Md5: ha1(number) })
    const challenged = this.#receive(this.#bytes)
    return challenged.length === 0 ? '-' : this.#say(this.#withPassword(number, challenged))
  }

  /** What is left when everybody has fallen silent. */
  leftOver(): string {
    for (let next = this.core.nextTimerMs(); next !== null; next = this.core.nextTimerMs()) {
      if (this.#nowMs > 300_000) break
      this.#nowMs = Math.max(next, this.#nowMs)
      this.core.advance(this.#now())
    }
    const { transactions } = this.core.counters()
    const { wiredConference, wiredMedia, conferenceResource } = this.tables
    const sizes = [wiredConference.size, wiredMedia.size, conferenceResource.size]
    return [transactions, ...sizes].join(' ')
  }

  #register(number: string, endpoint: Endpoint): void {
    this.tables.phoneBook.put(entry(number, 'telephone'))
    const contact = `sip:${endpoint.address}:${endpoint.port}`
    const times = { registeredAtMs: startMs, expiresAtMs: startMs + 3_600_000 }
    this.tables.user.put(plainUser(number, endpoint, { contact, ...times, callId: 'registered' }))
  }

  #withPassword(number: string, challenged: CoreEffect[]): Buffer {
    const [effect] = challenged
    const message = this.#message
    assert(effect?.kind === 'send' && message?.kind === 'request', 'a request was challenged')
    const answer = parseSip(Buffer.from(effect.outgoing.text))
    if (answer.kind !== 'response' || answer.status !== 401) return this.#bytes
    const [challenge = ''] = headerValues(answer, 'WWW-Authenticate')
    const nonce = /nonce="([^"]*)"/.exec(challenge)?.[1] ?? ''
    const uri = uriText(message.uri)
    const ha2 = md5(`${message.method}:${uri}`)
    const response = md5(`${ha1(number)}:${nonce}:00000001:c:auth:${ha2}`)
    const line =
      `Authorization: Digest username="${number}", realm="${realm}", nonce="${nonce}", ` +
      `uri="${uri}", qop=auth, nc=00000001, cnonce="c", algorithm=MD5, response="${response}"\r\n`
    const at = this.#bytes.indexOf('\r\n') + 2
    return Buffer.concat([this.#bytes.subarray(0, at), Buffer.from(line), this.#bytes.subarray(at)])
  }

  #receive(bytes: Buffer): CoreEffect[] {
    return this.core.receive(bytes, this.source, this.#now())
  }

  /** Statuses and methods in the order in which they leave; those to the callee with an arrow. */
  #say(bytes: Buffer): string {
    const words: string[] = []
    for (const effect of this.#receive(bytes)) {
      if (effect.kind !== 'send') continue
      const { text, to } = effect.outgoing
      const message = parseSip(Buffer.from(text))
      assert(message.kind !== 'malformed', `the core sends good messages: ${text}`)
      const isToCallee = to.address === callee.address
      assert(isToCallee || to.address === this.source.address, 'nobody else is told')
      const what = message.kind === 'response' ? message.status : message.method
      words.push(isToCallee ? `>${what}` : `${what}`)
    }
    return words.join(' ') || '-'
  }

  #now(): Now {
    const wallMs = startMs + this.#nowMs
    return { monotonicMs: this.#nowMs, wallMs, tick: Math.floor(this.#nowMs / 20) }
  }
}

function md5(text: string): string {
  return createHash('md5').update(text, 'utf8').digest('hex')
}

function ha1(number: string): string {
  return md5(`${number}:${realm}:secret`)
}
