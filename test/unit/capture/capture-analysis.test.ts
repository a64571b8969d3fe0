//! Figures from captures: what arrived, how often, and whether two nodes sent the same.
import test from 'ava'
import { parseCapture, type UdpPacket } from '../../../scripts/capture/pcap.ts'
import { figuresFrom, figuresOfAll, rtpStreams } from '../../../scripts/capture/rtp-analysis.ts'
import { between, ofTerminal, sipMessages } from '../../../scripts/capture/sip-analysis.ts'
import { compareTwins } from '../../../scripts/capture/twin.ts'

interface Overrides {
  readonly timeMs?: number
  readonly ssrc?: number
  readonly timestamp?: number
  readonly voice?: string
}

function rtp(sequence: number, overrides: Overrides = {}): UdpPacket {
  const payload = Buffer.alloc(12 + 4)
  payload[0] = 0x80
  payload[1] = 8
  payload.writeUInt16BE(sequence & 0xffff, 2)
  payload.writeUInt32BE((overrides.timestamp ?? sequence * 160) >>> 0, 4)
  payload.writeUInt32BE(overrides.ssrc ?? 7, 8)
  payload.write(overrides.voice ?? 'abcd', 12)
  return udp(payload, overrides.timeMs ?? sequence * 20)
}

function udp(payload: Buffer, timeMs: number): UdpPacket {
  return {
    timeMs,
    ethernetSource: '02:00:00:00:00:01',
    source: '10.90.0.10',
    sourcePort: 20_000,
    destination: '10.90.0.101',
    destinationPort: 4000,
    payload,
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('a stream that comes twice is whole and has its duplicates counted', (t) => {
  const [stream] = rtpStreams(range(0, 50).flatMap((n) => [rtp(n), rtp(n, { timeMs: n * 20 + 1 })]))
  t.is(stream?.duplicates, 50)
  t.deepEqual(stream && figuresOfAll(stream), { packetsExpected: 50, packetsLost: 0, maxGapMs: 20 })
})

test('a missing number is lost, and the gap is measured between the arrivals around it', (t) => {
  const [stream] = rtpStreams(
    range(0, 50)
      .filter((n) => n !== 20 && n !== 21)
      .map((n) => rtp(n)),
  )
  t.deepEqual(stream && figuresOfAll(stream), { packetsExpected: 50, packetsLost: 2, maxGapMs: 60 })
})

test('the numbers go on over the wrap, and a late packet is not lost', (t) => {
  const numbers = range(65_500, 65_600)
  const swapped = [...numbers.slice(0, 40), numbers[41], numbers[40], ...numbers.slice(42)]
  const [stream] = rtpStreams(swapped.map((n) => rtp(n ?? 0)))
  t.is(stream && figuresOfAll(stream).packetsLost, 0)
  t.is(stream?.packets.length, 100)
  t.is(stream?.timestampBreaks, 0)
})

test('a stream that stops in the window has lost the rest of it', (t) => {
  const [stream] = rtpStreams(range(0, 100).map((n) => rtp(n)))
  t.is(stream && figuresFrom(stream, { fromMs: 1000, packetsExpected: 100 }).packetsLost, 50)
  t.is(stream && figuresFrom(stream, { fromMs: 500, packetsExpected: 75 }).packetsLost, 0)
  t.is(stream && figuresFrom(stream, { fromMs: 9000, packetsExpected: 75 }).packetsLost, 75)
})

test('a change of SSRC and a jump of the time stamp are seen', (t) => {
  const jump = (n: number) => (n < 25 ? rtp(n) : rtp(n, { ssrc: 8, timestamp: n * 160 + 5 }))
  const [stream] = rtpStreams(range(0, 50).map(jump))
  t.deepEqual(stream?.ssrcs, [7, 8])
  t.is(stream?.timestampBreaks, 1)
})

test('RTCP is no RTP', (t) => {
  const report = Buffer.from('80c8000600000001', 'hex')
  t.is(rtpStreams([udp(Buffer.concat([report, Buffer.alloc(20)]), 0)]).length, 0)
})

test('twins are equal, or differ in the header, in the voice, or are single', (t) => {
  const byA = range(0, 100).map((n) => rtp(n))
  t.like(compareTwins(byA, byA), {
    packets: 100,
    headerEqual: 100,
    payloadEqual: 100,
    single: 0,
  })
  const byB = range(0, 100)
    .filter((n) => n !== 50)
    .map((n) =>
      rtp(n, { ...(n === 10 ? { ssrc: 9 } : {}), ...(n === 20 ? { voice: 'abce' } : {}) }),
    )
  t.like(compareTwins(byA, byB), { packets: 99, headerEqual: 98, payloadEqual: 98, single: 1 })
})

test('a stream that both nodes have sent for a second is settled, anew after a break', (t) => {
  const sent = (wrong: number) => {
    const at = (n: number) => ({ timeMs: n * 20 + (n < 100 ? 0 : 600) })
    const voice = (n: number) => (n === wrong ? { voice: 'abce' } : {})
    return range(0, 200).map((n) => rtp(n, { ...at(n), ...voice(n) }))
  }
  const early = compareTwins(sent(-1), sent(110))
  t.like(early, { packets: 200, payloadEqual: 199, settled: 100, settledEqual: 100 })
  t.like(compareTwins(sent(-1), sent(160)), { settled: 100, settledEqual: 99 })
})

test('what only one node sent before the other was there is not single', (t) => {
  const byA = range(0, 100).map((n) => rtp(n))
  t.is(compareTwins(byA, byA.slice(40)).single, 0)
})

test('SIP is found by its first line, with its direction and time', (t) => {
  const bye = udp(
    Buffer.from('BYE sip:101@10.90.0.101 SIP/2.0\r\nCall-ID: x\r\nCSeq: 2 BYE\r\n\r\n'),
    5,
  )
  const ok = udp(Buffer.from('SIP/2.0 200 OK\r\ni: y\r\ncall-id: x\r\nCSeq: 2 BYE\r\n\r\n'), 9)
  const messages = sipMessages([
    bye,
    rtp(1),
    ok,
    udp(Buffer.from('no SIP in here, only text\r\n'), 6),
  ])
  t.deepEqual(
    messages.map((m) => [m.method, m.status, m.callId]),
    [
      ['BYE', undefined, 'x'],
      ['BYE', 200, 'x'],
    ],
  )
  t.is(between(messages, 0, 9).length, 1)
  t.is(ofTerminal(messages, '10.90.0.101').length, 2)
  t.is(ofTerminal(messages, '10.90.0.102').length, 0)
})

test('a capture file is read, fragments and other protocols left out, a torn end ignored', (t) => {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt32LE(1, 20)
  const ethernet = Buffer.from('03bf0a5a000a0200000000010800', 'hex')
  const ip = Buffer.from('4500002000004000401100000a5a00650a5a000a', 'hex')
  const datagram = Buffer.from('0fa04e20000c000061626364', 'hex')
  const fragment = Buffer.from(ip)
  fragment.writeUInt16BE(0x2000, 6)
  const record = (...parts: Buffer[]) => {
    const bytes = Buffer.concat(parts)
    const head = Buffer.alloc(16)
    head.writeUInt32LE(1000, 0)
    head.writeUInt32LE(2500, 4)
    head.writeUInt32LE(bytes.length, 8)
    return Buffer.concat([head, bytes])
  }
  const file = [header, record(ethernet, ip, datagram), record(ethernet, fragment, datagram)]
  const packets = parseCapture(Buffer.concat([...file, record(ethernet, ip).subarray(0, 30)]))
  t.is(packets.length, 1)
  t.is(packets[0]?.timeMs, 1_000_002.5)
  t.is(packets[0]?.source, '10.90.0.101')
  t.is(packets[0]?.destinationPort, 20_000)
  t.is(packets[0]?.payload.toString(), 'abcd')
})
