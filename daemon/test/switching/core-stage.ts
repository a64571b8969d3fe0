//! A stage for tests of the core: two cores on plain tables, telephones that are played by a script,
//! and virtual time. Every message of the core is parsed and checked on its way.
import { z } from 'zod'
import { assert } from '../../src/assert.ts'
import type { ConferenceOrder } from '../../src/switching/conference/order.ts'
import { Core } from '../../src/switching/core.ts'
import type { CoreTables, RecordTable } from '../../src/switching/core-types.ts'
import type { CoreEffect, Now } from '../../src/switching/effects.ts'
import { emptyPlan, type Plan } from '../../src/switching/plan.ts'
import type { CallRecord } from '../../src/tables/call-record.ts'
import { conferenceResourceSchema } from '../../src/tables/conference-resource.ts'
import { type PhoneBookEntry, phoneBookSchema } from '../../src/tables/phone-book.ts'
import { positionSchema } from '../../src/tables/position.ts'
import { freezeValue } from '../../src/tables/record-value.ts'
import { subscriptionSchema } from '../../src/tables/subscription.ts'
import { type User, userSchema } from '../../src/tables/user.ts'
import { conferenceSchema } from '../../src/tables/wired-conference.ts'
import { wiredMediaSchema } from '../../src/tables/wired-media.ts'
import type { Endpoint, SipMessage, SipRequest, SipResponse } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { nameAddressText, uriText, viaText } from '../../src/wire/sip/write.ts'
import { plainAccount, plainUser } from '../tables/plain-records.ts'

export const service = '10.0.0.9'
/** That of the peer in reach mode `direct`. */
export const serviceOfPeer = '10.0.0.8'

class MapTable<R> implements RecordTable<R> {
  readonly map = new Map<string, R>()
  readonly #schema: z.ZodType<R>
  readonly #keyOf: (record: R) => string

  constructor(schema: z.ZodType<R>, keyOf: (record: R) => string) {
    this.#schema = schema
    this.#keyOf = keyOf
  }

  get(key: string): R | undefined {
    return this.map.get(key)
  }

  put(record: R): { ok: boolean } {
    this.map.set(this.#keyOf(record), freezeValue(record))
    return { ok: true }
  }

  delete(key: string): void {
    this.map.delete(key)
  }

  values(): IterableIterator<R> {
    return this.map.values()
  }

  get size(): number {
    return this.map.size
  }

  /** What the peer has: through JSON and the schema. */
  copy(): MapTable<R> {
    const copy = new MapTable(this.#schema, this.#keyOf)
    for (const record of this.map.values()) {
      copy.put(
        z.strictObject({ r: this.#schema }).parse({ r: JSON.parse(JSON.stringify(record)) }).r as R,
      )
    }
    return copy
  }
}

export type StageTables = { [K in keyof CoreTables]: CoreTables[K] & { copy(): CoreTables[K] } }

export function emptyTables(): StageTables {
  return {
    user: new MapTable<User>(userSchema, (record) => record.user),
    position: new MapTable(positionSchema, (record) => record.position),
    phoneBook: new MapTable<PhoneBookEntry>(phoneBookSchema, (record) => record.number),
    wiredConference: new MapTable(conferenceSchema, (record) => record.sessionId),
    wiredMedia: new MapTable(wiredMediaSchema, (record) => record.mediaId),
    conferenceResource: new MapTable(conferenceResourceSchema, (record) => record.resource),
    subscription: new MapTable(subscriptionSchema, (record) => record.subscriptionId),
  }
}

function copyTables(tables: StageTables): StageTables {
  return Object.fromEntries(
    Object.entries(tables).map(([name, table]) => [name, table.copy()]),
  ) as unknown as StageTables
}

/** A description of a telephone. */
export function sdp(endpoint: Endpoint, options: Partial<SdpOptions> = {}): string {
  const { direction, codecs, port, address, version } = {
    direction: 'sendrecv',
    codecs: [8, 0, 101],
    port: 4000,
    address: endpoint.address,
    version: 1,
    ...options,
  }
  const events = codecs.includes(101) ? ['a=rtpmap:101 telephone-event/8000'] : []
  const lines = [
    'v=0',
    `o=- 1 ${version} IN IP4 ${endpoint.address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${codecs.join(' ')}`,
    ...events,
    `a=${direction}`,
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

/** The script goes on from a message that did not come. */
export class MissingMessage extends Error {}

interface SdpOptions {
  direction: string
  codecs: number[]
  port: number
  address: string
  version: number
}

/** Where a telephone is connected. */
export type Line = Pick<Stage, 'fromNetwork' | 'lastSent'>

/** One telephone: what it sends is written by hand, so that the writer of the switch is not trusted. */
export class Phone {
  readonly number: string
  readonly endpoint: Endpoint
  readonly inbox: SipMessage[] = []
  readonly #stage: Line
  #open: { text: string; callId: string; method: string } | null = null
  sentText = ''
  callId = 'none'
  localTag = 'none'
  remoteTag = ''
  target = `sip:199@${service}`
  remoteUser = '199'
  cseq = 0
  branch = 0

  constructor(stage: Line, number: string, endpoint: Endpoint) {
    this.#stage = stage
    this.number = number
    this.endpoint = endpoint
  }

  /** The last request of this method that came. */
  asked(method: string): SipRequest {
    const found = this.inbox.findLast(
      (message) => message.kind === 'request' && message.method === method,
    )
    if (found?.kind !== 'request') throw new MissingMessage(`${this.number} got no ${method}`)
    return found
  }

  /** The last response of this status that came. */
  told(status: number): SipResponse {
    const found = this.inbox.findLast(
      (message) => message.kind === 'response' && message.status === status,
    )
    if (found?.kind !== 'response') throw new MissingMessage(`${this.number} not told ${status}`)
    return found
  }

  heard(mark: number | string): boolean {
    return this.inbox.some((message) =>
      message.kind === 'request' ? message.method === mark : message.status === mark,
    )
  }

  call(to: string, body = sdp(this.endpoint), headers: string[] = []): void {
    this.callId = `call-${this.number}-${to}`
    this.localTag = `tag${this.number}`
    this.remoteTag = ''
    this.remoteUser = to
    this.target = `sip:${to}@${service}`
    this.request('INVITE', { body, headers })
  }

  reinvite(body: string): void {
    this.request('INVITE', { body })
  }

  request(method: string, more: { body?: string; headers?: string[]; cseq?: number } = {}): void {
    const { body = '', headers = [] } = more
    const isTyped = headers.some((line) => line.startsWith('Content-Type'))
    if (more.cseq === undefined && method !== 'ACK' && method !== 'CANCEL') {
      this.cseq += 1
      this.branch += 1
    }
    if (method === 'ACK') this.branch += 1
    const tag = this.remoteTag === '' || method === 'CANCEL' ? '' : `;tag=${this.remoteTag}`
    const user = this.remoteUser
    const uri = method === 'CANCEL' ? `sip:${user}@${service}` : this.target
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.endpoint.address}:5060;rport;branch=z9hG4bK${this.number}-${this.branch}`,
      'Max-Forwards: 70',
      `From: <sip:${this.number}@${service}>;tag=${this.localTag}`,
      `To: <sip:${user}@${service}>${tag}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${more.cseq ?? this.cseq} ${method}`,
      `Contact: <sip:${this.number}@${this.endpoint.address}:5060>`,
      ...headers,
      ...(body === '' || isTyped ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ]
    const text = `${lines.join('\r\n')}\r\n\r\n${body}`
    if (method !== 'ACK' && method !== 'CANCEL') this.#open = { text, callId: this.callId, method }
    this.send(text)
  }

  /** What a telephone does by itself when no final answer has come (timers A and E). */
  repeat(): void {
    const { text, callId, method } = this.#open ?? { text: '', callId: '', method: '' }
    const isAnswered = this.inbox.some(
      (message) =>
        message.kind === 'response' &&
        message.status >= 200 &&
        message.callId === callId &&
        message.cseq.method === method &&
        message.cseq.number === this.cseq,
    )
    if (text !== '' && !isAnswered) this.send(text)
  }

  /** ACK of a 2xx. */
  ack(response: SipResponse, body = ''): void {
    this.remoteTag = response.to.parameters.get('tag') ?? ''
    const contact = response.contact === '*' ? undefined : response.contact[0]
    if (contact !== undefined) this.target = uriText(contact.uri)
    this.request('ACK', { body, cseq: response.cseq.number })
  }

  respond(request: SipRequest, status: number, body = '', headers: string[] = []): void {
    if (request.method === 'INVITE' && this.callId !== request.callId) {
      this.callId = request.callId
      this.localTag = `tag${this.number}`
      this.remoteTag = request.from.parameters.get('tag') ?? ''
      this.remoteUser = request.from.uri.user ?? ''
      const contact = request.contact === '*' ? undefined : request.contact[0]
      if (contact !== undefined) this.target = uriText(contact.uri)
    }
    const to = nameAddressText(request.to)
    const lines = [
      `SIP/2.0 ${status} Something`,
      ...request.via.map((via) => `Via: ${viaText(via)}`),
      `From: ${nameAddressText(request.from)}`,
      `To: ${request.to.parameters.has('tag') ? to : `${to};tag=${this.localTag}`}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${request.cseq.number} ${request.cseq.method}`,
      ...(headers.some((line) => line.startsWith('Contact'))
        ? []
        : [`Contact: <sip:${this.number}@${this.endpoint.address}:5060>`]),
      ...headers,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ]
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
  }

  send(text: string): void {
    this.sentText = text
    this.#stage.lastSent = () => this.#stage.fromNetwork(text, this.endpoint)
    this.#stage.fromNetwork(text, this.endpoint)
  }
}

interface StageOptions {
  readonly direct?: boolean
  readonly lastPort?: number
  readonly plan?: Plan
  readonly half?: 'lower' | 'upper'
}

export class Stage {
  tables = emptyTables()
  core: Core
  readonly now: { monotonicMs: number; wallMs: number; tick: number }
  readonly records: CallRecord[] = []
  readonly effects: CoreEffect[] = []
  readonly phones = new Map<string, Phone>()
  /** `102 < INVITE`, `101 < 180`: what reached the telephones, without repetitions. */
  readonly transcript: string[] = []
  readonly #seen = new Set<string>()
  #seed = 1
  #presses = 0
  /** Messages of the core get lost while it is true. */
  isMute = false
  /** So many messages leave yet, then it is mute. */
  leaving = Number.POSITIVE_INFINITY
  /** Sends the last message of a telephone again. */
  lastSent: () => void = () => {}
  sent = 0
  /** The primary is dead since then: it hears nothing, and the standby still does. */
  diedAtMs: number | null = null
  readonly #heard: { text: string; source: Endpoint; at: Now }[] = []

  /** Service address of the core that runs, and of the peer when it has its own. */
  #own = service
  #peer: string | undefined

  readonly #plan: Plan
  readonly #half: 'lower' | 'upper' | undefined
  readonly #lastPort: number

  constructor({ direct = false, lastPort = 20_019, plan = emptyPlan, half }: StageOptions = {}) {
    this.#half = half
    this.#plan = plan
    this.#lastPort = lastPort
    if (direct) this.#peer = serviceOfPeer
    this.now = { monotonicMs: 1_000, wallMs: 1_700_000_000_000, tick: 50 }
    for (const number of ['101', '102', '103']) this.addPhone(number, 'telephone')
    this.addPhone('900', 'gateway')
    this.addPhone('118', 'radio')
    this.tables.phoneBook.put(entry('104', 'telephone'))
    this.core = this.#makeCore()
    this.core.becomePrimary(this.#time())
  }

  get a(): Phone {
    return this.phone('101')
  }

  get b(): Phone {
    return this.phone('102')
  }

  phone(number: string): Phone {
    const phone = this.phones.get(number)
    assert(phone !== undefined, `no telephone ${number}`)
    return phone
  }

  addPhone(number: string, type: PhoneBookEntry['type']): void {
    const endpoint = { address: `10.0.1.${number.slice(-2)}`, port: 5060 }
    this.phones.set(number, new Phone(this, number, endpoint))
    this.tables.phoneBook.put(entry(number, type))
    const registeredAtMs = this.now.wallMs
    const times = { registeredAtMs, expiresAtMs: registeredAtMs + 3_600_000 }
    this.tables.user.put(plainUser(number, endpoint, { type, ...times }))
  }

  fromNetwork(text: string, source: Endpoint): void {
    this.#heard.push({ text, source, at: this.#time() })
    if (this.diedAtMs !== null) return
    this.#perform(this.core.receive(new TextEncoder().encode(text), source, this.#time()))
  }

  die(): void {
    this.diedAtMs = this.now.monotonicMs
  }

  /** Lets virtual time pass, timer by timer. */
  pass(ms: number): void {
    const end = this.now.monotonicMs + ms
    for (;;) {
      const next = this.diedAtMs === null ? this.core.nextTimerMs() : null
      if (next === null || next > end) break
      this.#moveTo(Math.max(next, this.now.monotonicMs))
      this.#perform(this.core.advance(this.#time()))
    }
    this.#moveTo(end)
  }

  /** The primary is dead, now or since `die`; its peer goes on with what it has and has heard. Throws
   * when that sends anything. */
  takeOver(): void {
    this.tables = copyTables(this.tables)
    if (this.#peer !== undefined) [this.#own, this.#peer] = [this.#peer, this.#own]
    this.core = this.#makeCore()
    for (const { text, source, at } of this.#heard) {
      this.core.receive(new TextEncoder().encode(text), source, at)
    }
    const effects = this.core.becomePrimary(this.#time(), this.diedAtMs ?? this.now.monotonicMs)
    this.diedAtMs = null
    assert(
      effects.every((effect) => effect.kind === 'log'),
      'a take-over sends nothing',
    )
  }

  /** As `takeOver`, of a peer that does not have what was written since. */
  takeOverWith(tables: StageTables): void {
    this.tables = tables
    this.takeOver()
  }

  /** What the peer has now. */
  copyOfTables(): StageTables {
    return copyTables(this.tables)
  }

  /** This primary stays one and takes what the other one has. */
  adopt(other: Stage): void {
    const apart = { ended: [], users: [] }
    const { steps } = this.core.adopt(other.core.gift(apart), apart)
    for (const step of steps) this.#perform(step(this.#time()))
  }

  /** @returns why not. */
  order(name: string, order: ConferenceOrder): string | null {
    const done = this.core.conference(name, order, this.#time())
    if (!done.ok) return done.failure.code
    this.#perform(done.value)
    return null
  }

  digit(mediaId: string, digit: string): void {
    const mark = `press ${this.#presses++}`
    this.#perform(this.core.digit({ mediaId, digit, mark }, this.#time()))
  }

  release(sessionId: string, reason = ''): void {
    this.#perform(this.core.release(sessionId, this.#time(), reason) ?? [])
  }

  #time(): Now {
    return { ...this.now, tick: Math.floor(this.now.tick) }
  }

  #moveTo(atMs: number): void {
    const ms = atMs - this.now.monotonicMs
    this.now.monotonicMs = atMs
    this.now.wallMs += ms
    this.now.tick += ms / 20
  }

  #perform(effects: CoreEffect[]): void {
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.kind === 'call-record') this.records.push(effect.record)
      if (effect.kind !== 'send') continue
      this.sent += 1
      const message = parseSip(new TextEncoder().encode(effect.outgoing.text))
      assert(message.kind !== 'malformed', `the core sends good messages: ${effect.outgoing.text}`)
      this.leaving -= 1
      if (this.isMute || this.leaving < 0) continue
      const phone = [...this.phones.values()].find(
        (one) => one.endpoint.address === effect.outgoing.to.address,
      )
      assert(phone !== undefined, `a message to ${effect.outgoing.to.address}`)
      phone.inbox.push(message)
      this.#note(phone, message)
    }
  }

  #note(phone: Phone, message: SipMessage): void {
    const { cseq, callId } = message
    const mark = message.kind === 'request' ? message.method : `${message.status} ${cseq.method}`
    const key = `${phone.number} ${mark} ${callId} ${cseq.number}`
    if (message.kind === 'response' && message.status === 100) return
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.transcript.push(`${phone.number} < ${mark}`)
  }

  #makeCore(): Core {
    const random32 = () => {
      this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0
      return this.#seed
    }
    const core = new Core({
      tables: this.tables,
      address: this.#own,
      peerAddress: this.#peer,
      sipPort: 5060,
      rtpPorts: { first: 20_000, last: this.#lastPort },
      ...(this.#half === undefined ? {} : { half: this.#half }),
      realm: 'vccs.test',
      secret: new TextEncoder().encode('a secret of thirty-two bytes ....'),
      newToken: () => random32().toString(16).padStart(8, '0'),
      random32,
    })
    core.setPlan(this.#plan)
    return core
  }
}

export function entry(number: string, type: PhoneBookEntry['type']): PhoneBookEntry {
  return plainAccount(number, { type, twin: number !== '103' })
}
