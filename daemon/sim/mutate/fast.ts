//! The fast tier: mutated datagrams through everything that looks at a message before a transaction is looked
//! up, and through the readers of headers and bodies behind it. No tables, no clock but that of the processor.

import { limits } from '../../src/limits.ts'
import { pendingServerOf } from '../../src/switching/dialog/pending.ts'
import { readReplaces } from '../../src/switching/dialog/replaces.ts'
import { isTooShort, sessionExpiresOf } from '../../src/switching/dialog/session-timer.ts'
import { callIdIn } from '../../src/switching/flood/call-id.ts'
import { gate } from '../../src/switching/registrar/gate.ts'
import { clientId, serverId } from '../../src/switching/transaction/match.ts'
import { statelessAnswer, statelessResponse } from '../../src/switching/transaction/stateless.ts'
import { topViaWithSource } from '../../src/switching/transaction/via-source.ts'
import { xipFromInvite } from '../../src/switching/xip/from-sip.ts'
import { infoDigit } from '../../src/wire/info-digit.ts'
import { parseSdp, writeSdp } from '../../src/wire/sdp.ts'
import { parseNameAddress } from '../../src/wire/sip/address.ts'
import { parseDigestChallenge, parseDigestCredentials } from '../../src/wire/sip/auth.ts'
import type { Endpoint, SipRequest, SipResponse } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { writeSip } from '../../src/wire/sip/write.ts'
import { Besieged } from './besieged.ts'
import { ByteMutator } from './byte-mutator.ts'
import { smuggled } from './mutations.ts'

/** Longest processor time of one message. */
const slowMs = 2
const measuredAgain = 7
/** One time as short as this is enough: it was another process that ran. */
const quickMs = slowMs / 8
/** One in so many is written again and read back. */
const writtenEvery = 16
const perReport = 1 << 18
const faultsMax = 20

const source: Endpoint = { address: '192.0.2.7', port: 5060 }
const sentBys: readonly Endpoint[] = [{ address: '10.0.0.9', port: 5060 }]

/** What became of the messages. */
interface FastReport {
  readonly count: number
  readonly accepted: number
  readonly answered: number
  readonly dropped: number
  /** Measured again because the first time was long: mostly it was another process that ran. */
  readonly suspects: number
  /** The slowest of those, ms of processor time; the least of several times. */
  readonly slowestMs: number
  readonly faults: readonly string[]
}

interface Tally {
  count: number
  accepted: number
  answered: number
  dropped: number
  suspects: number
  slowestMs: number
  readonly faults: string[]
}

/** Good messages of every method, for the mutator. */
function goodTexts(): string[] {
  return [...new Besieged().originals.map(({ text }) => text), ...richTexts]
}

/** Headers that the telephones of the simulation do not send. */
const richTexts = ['INVITE', 'UPDATE', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'REGISTER'].map((method) =>
  [
    `${method} sip:+49%20123;phone-context=a@10.0.0.9:5060;transport=udp;lr;user=phone SIP/2.0`,
    'Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK-r1;rport;received=192.0.2.7, SIP/2.0/UDP b.example;branch=z9hG4bKx',
    'v: SIP / 2.0 / TCP c.example:5061;branch=z9hG4bKy;ttl=16;maddr=192.0.2.9',
    'Max-Forwards: 70',
    'Record-Route: <sip:p1.example;lr>, <sip:p2.example:5070;lr;x="a\\"b">',
    'Route: <sip:10.0.0.9;lr>',
    'From: "Tower \\"North\\" \u00c3\u00a9" <sip:103:pw@10.0.1.3;a=b?Subject=x>;tag=t1;p="q;,>"',
    't: sip:900@10.0.0.9',
    'Call-ID: rich-1@[2001:db8::1]',
    `CSeq: 0000000007 ${method}`,
    'm: "A" <sip:103@10.0.1.3:5060;transport=udp>;q=0.7;expires=3600, <tel:+4912345>;q=0.1',
    'Supported: 100rel, timer, replaces, norefersub',
    'Require: timer',
    'Session-Expires: 1800;refresher=uas',
    'Min-SE: 90',
    'Subject: DA/IDA call',
    'Priority: emergency',
    'WG67-Version: phone.01, phone.02;radio.01',
    'Replaces: call%40x;to-tag=a;from-tag=b;early-only',
    'Refer-To: "B" <sip:104@10.0.0.9?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>',
    'Referred-By: <sip:101@10.0.0.9>;cid="2UWQFN309shb3@referrer.example"',
    'Authorization: Digest username="103", realm="vccs.test", nonce="0a4f113b", uri="sip:10.0.0.9", response="6629fae49393a05397450978507c4ef1", algorithm=MD5, cnonce="0a4f113b", opaque="5ccc", qop=auth, nc=00000001',
    'WWW-Authenticate: Digest realm="a, b", domain="sip:x", qop="auth,auth-int", nonce="f84f", opaque="", stale=FALSE, algorithm=SHA-256',
    'Diversion: <sip:105@10.0.0.9>;reason=no-answer;counter=2;privacy=off',
    'History-Info: <sip:105@10.0.0.9?Reason=SIP%3Bcause%3D302>;index=1.1',
    'Reason: Q.850;cause=16;text="done", WG-67;cause=1001',
    'Event: dialog;id=7',
    'Expires: 600',
    'Accept: application/sdp, application/dialog-info+xml;q=0.5',
    'Date: Sat, 13 Nov 2010 23:29:00 GMT',
    'User-Agent: "a \\\\ phone"/1.0 (comment (nested))',
    'c: application/sdp',
    '',
    [
      'v=0',
      'o=- 3724394400 3724394405 IN IP4 192.0.2.7',
      's=-',
      'i=a\tb',
      'c=IN IP4 192.0.2.7/127',
      'b=AS:64',
      't=0 0',
      'm=audio 49170/2 RTP/AVP 8 0 101 96',
      'c=IN IP6 2001:db8::7',
      'a=rtpmap:101 telephone-event/8000/1',
      'a=fmtp:101 0-15,66',
      'a=rtpmap:96 opus/48000/2',
      'a=ptime:20',
      'a=maxptime:60',
      'a=candidate:1 1 UDP 2130706431 192.0.2.7 49170 typ host',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4',
      'a=sendonly',
      'm=video 0 RTP/AVP 31',
      'a=inactive',
      '',
    ].join('\r\n'),
  ].join('\r\n'),
)

/** Yields what has been done so far: first each line of each message in each way, then random mutations. */
export function* mutateFast(count: number, seed: number, first = 0): IterableIterator<FastReport> {
  const mutator = new ByteMutator(goodTexts())
  const tally: Tally = {
    count: 0,
    accepted: 0,
    answered: 0,
    dropped: 0,
    suspects: 0,
    slowestMs: 0,
    faults: [],
  }
  let line = 0
  if (first === 0) for (const bytes of mutator.everyLine()) shoot(tally, bytes, `line ${line++}`)
  for (let number = first; tally.count < count && tally.faults.length < faultsMax; number++) {
    shoot(tally, mutator.make(seed, number), `seed ${seed}, number ${number}`)
    if (tally.count % perReport === 0) yield tally
  }
  yield tally
}

function shoot(tally: Tally, bytes: Buffer, name: string): void {
  const startedMs = performance.now()
  try {
    const wrong = take(tally, bytes)
    if (wrong !== null) tally.faults.push(`${name}: ${wrong}\n${shown(bytes)}`)
  } catch (error) {
    const why = error instanceof Error ? error.stack : error
    tally.faults.push(`${name}: ${why}\n${shown(bytes)}`)
  }
  tally.count++
  if (performance.now() - startedMs > slowMs) measure(tally, bytes, name)
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1').slice(0, 4_000))
}

/** Processor time of it alone: the least of several times, as another process or the collector may have run. The first
 * short one ends it. */
function measure(tally: Tally, bytes: Buffer, name: string): void {
  tally.suspects++
  const scratch: Tally = { ...tally, faults: [] }
  let leastMs = Number.POSITIVE_INFINITY
  for (let time = 0; time < measuredAgain && leastMs > quickMs; time++) {
    const before = process.threadCpuUsage()
    try {
      take(scratch, bytes)
    } catch {
      // It is among the faults already.
    }
    const { user, system } = process.threadCpuUsage(before)
    leastMs = Math.min(leastMs, (user + system) / 1_000)
  }
  tally.slowestMs = Math.max(tally.slowestMs, leastMs)
  if (leastMs > slowMs) tally.faults.push(`${name}: ${leastMs} ms\n${shown(bytes)}`)
}

/** One datagram. @returns what is wrong; null: nothing. */
function take(tally: Tally, bytes: Buffer): string | null {
  callIdIn(bytes)
  const message = parseSip(bytes)
  if (message.kind === 'malformed') {
    if (message.reply === null) {
      tally.dropped++
      return null
    }
    tally.answered++
    return wrongIn(tally, statelessAnswer(message.reply, message.status, source).text)
  }
  tally.accepted++
  clientId(message)
  readHeaders(message)
  if (message.kind === 'request') return takeRequest(tally, message)
  readBody(message)
  return tally.count % writtenEvery === 0 ? unreadable(writeSip(message)) : null
}

function takeRequest(tally: Tally, request: SipRequest): string | null {
  serverId(request)
  const stamped = topViaWithSource(request, source)
  const verdict = gate(stamped, sentBys)
  if (verdict.kind === 'refuse') {
    tally.answered++
    return wrongIn(tally, statelessResponse(verdict.response, source).text)
  }
  if (request.method === 'INVITE') xipFromInvite(stamped, 'session', source)
  pendingServerOf(stamped, source)
  readBody(request)
  if (tally.count % writtenEvery !== 0) return null
  const written = writeSip(stamped)
  // One that came as large as any may be has become larger; nobody writes it again as a whole.
  return Buffer.byteLength(written) > limits.sipMessageBytesMax ? null : unreadable(written)
}

function readHeaders(message: SipRequest | SipResponse): void {
  sessionExpiresOf(message)
  isTooShort(message)
  for (const { name, value } of message.headers) {
    switch (name) {
      case 'Replaces':
        readReplaces(value)
        break
      case 'Authorization':
        parseDigestCredentials(value)
        break
      case 'WWW-Authenticate':
        parseDigestChallenge(value)
        break
      case 'Refer-To':
      case 'Referred-By':
      case 'Diversion':
      case 'History-Info':
        parseNameAddress(value)
        break
      default:
    }
  }
}

function readBody({ body, headers }: SipRequest | SipResponse): void {
  if (body === '') return
  const description = parseSdp(body)
  if (description !== null) writeSdp(description)
  infoDigit(headers.find(({ name }) => name === 'Content-Type')?.value, body)
}

/** Nothing was smuggled into an answer, and it is good. */
function wrongIn(tally: Tally, text: string): string | null {
  if (text.includes(smuggled)) {
    const head = text.slice(0, text.indexOf('\r\n\r\n'))
    const lines = head.split(/\r\n|\r|\n/)
    if (lines.some((line) => line.trimStart().startsWith(smuggled))) return `smuggled: ${head}`
  }
  return tally.count % writtenEvery === 0 ? unreadable(text) : null
}

function unreadable(text: string): string | null {
  const read = parseSip(Buffer.from(text, 'utf8'))
  return read.kind === 'malformed'
    ? `written malformed (${read.why}): ${text.slice(0, 2_000)}`
    : null
}
