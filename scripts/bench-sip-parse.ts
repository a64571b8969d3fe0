//! Compares our SIP scanner with the package `sip` on this machine: messages a second of both, and
//! what each makes of the messages of RFC 4475. Prints JSON. Run: node scripts/bench-sip-parse.ts
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseSip } from '../daemon/src/wire/sip/parse.ts'

const require = createRequire(import.meta.url)
interface Named {
  uri: string
}
interface Parsed {
  uri?: string
  headers: { from: Named; to: Named; contact?: Named[] }
}
const sip = require('sip') as {
  parse(text: string): Parsed | undefined
  parseUri(text: string): unknown
}
const folder = join(dirname(require.resolve('sip/package.json')), 'test/messages')
/** In the folder, but not of RFC 4475. */
const extra = ['badcseq', 'baddn_sep', 'test']

const head = [
  'INVITE sip:rdg-118005-tx@10.20.0.11:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 10.10.0.5:5060;branch=z9hG4bK-1a;rport',
  'Max-Forwards: 70',
  'From: "Sector 1" <sip:sector1@10.10.0.5>;tag=a1',
  'To: <sip:rdg-118005-tx@10.20.0.11>',
  'Call-ID: 7f1@10.10.0.5',
  'CSeq: 1 INVITE',
  'Contact: <sip:sector1@10.10.0.5:5060>',
  'WG67-Version: radio.01',
  'Subject: radio',
  'Priority: normal',
  'Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE, NOTIFY, SUBSCRIBE, OPTIONS',
  'Content-Type: application/sdp',
]
const description = [
  'v=0',
  'o=vcs 1 1 IN IP4 10.10.0.5',
  's=radio session',
  'c=IN IP4 10.10.0.5',
  't=0 0',
  'm=audio 16000 RTP/AVP 8 0 123',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:123 R2S/8000',
  'a=sendrecv',
  'a=type:Radio-TxRx',
  'a=fid:118.005',
  'a=R2S-KeepAlivePeriod:200',
  '',
].join('\r\n')
const invite = `${head.join('\r\n')}\r\nContent-Length: ${description.length}\r\n\r\n${description}`

/** Microseconds a message: the best of five rounds, so that a busy machine does not decide. */
function measure(run: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const count = 20_000
    const start = performance.now()
    for (let n = 0; n < count; n += 1) run()
    return ((performance.now() - start) * 1_000) / count
  })
  return Math.min(...times)
}

/** What our scanner always does: the URIs of the message are read as well. */
function sipWithUris(text: string): void {
  const message = sip.parse(text)
  if (message === undefined) return
  const { from, to, contact } = message.headers
  sip.parseUri(message.uri ?? '')
  for (const { uri } of [from, to, ...(contact ?? [])]) sip.parseUri(uri)
}

function speed(bytes: Buffer): object {
  const result = (us: number): object => ({
    us: Math.round(us * 100) / 100,
    messagesPerSecond: Math.round(1e6 / us),
  })
  // The package takes text of single bytes, which its transports make of each datagram.
  return {
    bytes: bytes.length,
    own: result(measure(() => parseSip(bytes))),
    sip: result(measure(() => sip.parse(bytes.toString('latin1')))),
    sipWithUris: result(measure(() => sipWithUris(bytes.toString('latin1')))),
  }
}

function verdictOfSip(bytes: Buffer): string {
  try {
    const message = sip.parse(bytes.toString('latin1'))
    return message === undefined ? 'refused' : 'accepted'
  } catch {
    return 'threw'
  }
}

function verdictOfOwn(bytes: Buffer): string {
  const message = parseSip(bytes)
  return message.kind === 'malformed' ? `refused ${message.status}` : 'accepted'
}

/** Milliseconds for one 16 KB datagram that is made to be slow. */
function slowest(bytes: Buffer): object {
  const time = (run: () => unknown): number => {
    const start = performance.now()
    run()
    return Math.round((performance.now() - start) * 100) / 100
  }
  return {
    ownMs: time(() => parseSip(bytes)),
    sipMs: time(() => sip.parse(bytes.toString('latin1'))),
  }
}

const files = readdirSync(folder).filter((file) => file.endsWith('.dat'))
const torture = files
  .map((file) => ({ name: file.slice(0, -4), bytes: readFileSync(join(folder, file)) }))
  .filter(({ name }) => !extra.includes(name))
  .map(({ name, bytes }) => ({ name, own: verdictOfOwn(bytes), sip: verdictOfSip(bytes) }))
const spaces = Buffer.from(
  `OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h${' '.repeat(16_000)}x\r\n\r\n`,
)
const accepted = (who: 'own' | 'sip'): number =>
  torture.filter((entry) => entry[who] === 'accepted').length

const report = {
  node: process.version,
  invite: speed(Buffer.from(invite)),
  options: speed(readFileSync(join(folder, 'bext01.dat'))),
  spacesInVia16KB: slowest(spaces),
  torture: {
    messages: torture.length,
    accepted: { own: accepted('own'), sip: accepted('sip') },
    differing: torture.filter(({ own, sip }) => own.split(' ')[0] !== sip),
  },
}
console.log(JSON.stringify(report, null, 2))
