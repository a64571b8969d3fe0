//! Figure 4 of the source as one trace (S1.44, S1.45): what a call set-up writes into the real tables,
//! with which flag, and what leaves, in this order.
import test from 'ava'
import { Core } from '../../src/switching/core.ts'
import { Tables } from '../../src/tables/tables.ts'
import type { Endpoint, SipMessage } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { viaText } from '../../src/wire/sip/write.ts'
import { plainAccount, plainUser } from '../tables/plain-records.ts'

const service = '10.0.0.9'
const ends: Readonly<Record<string, Endpoint>> = {
  '101': { address: '10.0.1.1', port: 5060 },
  '102': { address: '10.0.1.2', port: 5060 },
}

function description(port: number): string {
  return `v=0\r\no=- 1 1 IN IP4 10.0.1.1\r\ns=-\r\nc=IN IP4 10.0.1.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 8\r\n`
}

function text(lines: readonly string[], body = ''): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp']
  return [...lines, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n')
}

/** The core on the eight tables of a node, and what it does in its order. */
class Trace {
  readonly tables = new Tables()
  readonly lines: string[] = []
  readonly #core: Core
  #token = 0
  #last: SipMessage | null = null

  constructor() {
    const { tables } = this
    this.#core = new Core({
      tables: {
        user: tables.table('user'),
        position: tables.table('position'),
        phoneBook: tables.table('phone-book'),
        wiredConference: tables.table('wired-conference'),
        wiredMedia: tables.table('wired-media'),
        conferenceResource: tables.table('conference-resource'),
        subscription: tables.table('subscription'),
      },
      address: service,
      sipPort: 5060,
      rtpPorts: { first: 20_000, last: 20_019 },
      realm: 'tower',
      secret: new Uint8Array(32).fill(1),
      newToken: () => (++this.#token).toString(16).padStart(8, '0'),
      random32: () => ++this.#token,
    })
    for (const number of Object.keys(ends)) this.#register(number)
    this.#core.becomePrimary({ monotonicMs: 0, wallMs: 0, tick: 0 })
    tables.onChange(({ address }) => {
      this.lines.push(`${address.table} ${tables.any(address.table).flag(address.slot)}`)
    })
  }

  /** One message of a telephone, and what it leads to. @returns the last message that left. */
  hear(number: string, message: string): SipMessage | null {
    const bytes = new TextEncoder().encode(message)
    const source = ends[number] ?? { address: '', port: 0 }
    this.lines.push(`> ${number} ${message.split(/ |\r/, 2).join(' ').split(' sip:')[0]}`)
    for (const effect of this.#core.receive(bytes, source, {
      monotonicMs: 0,
      wallMs: 0,
      tick: 0,
    })) {
      if (effect.kind !== 'send') continue
      const left = parseSip(new TextEncoder().encode(effect.outgoing.text))
      const to = Object.keys(ends).find((one) => ends[one]?.address === effect.outgoing.to.address)
      if (left.kind === 'malformed') throw new Error(effect.outgoing.text)
      this.lines.push(`< ${to} ${left.kind === 'request' ? left.method : left.status}`)
      this.#last = left
    }
    return this.#last
  }

  #register(number: string): void {
    const end = ends[number] ?? { address: '', port: 0 }
    const contact = `sip:${number}@${end.address}`
    this.tables.table('user').put(plainUser(number, end, { contact, callId: 'c' }))
    this.tables.table('phone-book').put(plainAccount(number, { priority: 4 }))
  }
}

function invitation(): string {
  return text(
    [
      `INVITE sip:102@${service} SIP/2.0`,
      'Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bK1',
      'Max-Forwards: 70',
      `From: <sip:101@${service}>;tag=a`,
      `To: <sip:102@${service}>`,
      'Call-ID: c1',
      'CSeq: 1 INVITE',
      'Contact: <sip:101@10.0.1.1>',
      'Subject: DA/IDA call',
    ],
    description(4_000),
  )
}

/** The answer of the callee to the INVITE that it got. */
function answer(invite: SipMessage | null, status: string, body = ''): string {
  if (invite === null) throw new Error('no INVITE came')
  return text(
    [
      `SIP/2.0 ${status}`,
      ...invite.via.map((via) => `Via: ${viaText(via)}`),
      `From: <sip:101@${service}>;tag=${invite.from.parameters.get('tag')}`,
      `To: <sip:102@${service}>;tag=b`,
      `Call-ID: ${invite.callId}`,
      `CSeq: ${invite.cseq.number} INVITE`,
      'Contact: <sip:102@10.0.1.2>',
    ],
    body,
  )
}

const expected = [
  '> 101 INVITE',
  // Two ports and the number of the bridge, then the session with its request.
  'conference-resource DIRTY',
  'conference-resource DIRTY',
  'conference-resource DIRTY',
  'wired-conference DIRTY',
  'wired-conference DIRTY',
  '< 101 100',
  '< 102 INVITE',
  '> 102 SIP/2.0 180',
  'wired-conference DIRTY',
  '< 101 180',
  '> 102 SIP/2.0 200',
  'wired-media DIRTY',
  'wired-media DIRTY',
  'wired-conference DIRTY',
  '< 102 ACK',
  '< 101 200',
  '> 101 ACK',
  'wired-conference DIRTY',
]

test('the set-up of figure 4: records DIRTY first, then what reveals them', (t) => {
  const trace = new Trace()
  const invite = trace.hear('101', invitation())
  trace.hear('102', answer(invite, '180 Ringing'))
  const [session] = trace.tables.table('wired-conference').values()
  t.is(session?.state, 'ringing')
  const ok = trace.hear('102', answer(invite, '200 OK', description(6_000)))
  const ack = [
    `ACK sip:102@${service} SIP/2.0`,
    'Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bK2',
    'Max-Forwards: 70',
    `From: <sip:101@${service}>;tag=a`,
    `To: <sip:102@${service}>;tag=${ok?.to.parameters.get('tag')}`,
    'Call-ID: c1',
    'CSeq: 1 ACK',
  ]
  trace.hear('101', text(ack))
  t.deepEqual(trace.lines, expected)
  const [callee] = [...trace.tables.table('wired-media').values()].filter(
    ({ remotePort }) => remotePort === 6_000,
  )
  t.like(callee, { codec: 'PCMA', terminalAddress: '10.0.1.1' }, 'S1.45: filled in by the 200')
})
