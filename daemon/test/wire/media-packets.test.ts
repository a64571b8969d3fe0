//! RTP, RTCP, telephone events and G.711.
import test from 'ava'
import fc from 'fast-check'
import { aLawToLinear, linearToALaw, linearToMuLaw, muLawToLinear } from '../../src/wire/g711.ts'
import { parseRtcp, type RtcpPacket, writeRtcp } from '../../src/wire/rtcp.ts'
import { ed137Profile, parseRtp, type RtpPacket, writeRtp } from '../../src/wire/rtp.ts'
import { parseTelephoneEvent, writeTelephoneEvent } from '../../src/wire/telephone-event.ts'

const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

test('an ED-137 packet is read; its extension stays raw', (t) => {
  const packet = parseRtp(hex('90 88 0001 00000002 00000003 0167 0001 2140 0000 d5d5'))
  t.deepEqual(packet, {
    marker: true,
    payloadType: 8,
    sequence: 1,
    timestamp: 2,
    ssrc: 3,
    csrc: [],
    extension: { profile: ed137Profile, data: hex('21400000') },
    payload: hex('d5d5'),
    paddingBytes: 0,
  })
})

test('packets that are none are refused', (t) => {
  const refused = {
    short: '80 08 0001 00000002 000000',
    'another version': '40 08 0001 00000002 00000003',
    'sources beyond the end': '82 08 0001 00000002 00000003 00000004',
    'extension beyond the end': '90 08 0001 00000002 00000003 0167 0002 00000000',
    'extension without a header': '90 08 0001 00000002 00000003 0167',
    'no padding count': 'a0 08 0001 00000002 00000003 00',
    'padding beyond the payload': 'a0 08 0001 00000002 00000003 0003',
  }
  for (const [what, text] of Object.entries(refused)) t.is(parseRtp(hex(text)), null, what)
})

const u32 = fc.nat(0xffff_ffff)
const u16 = fc.nat(0xffff)
const rtp: fc.Arbitrary<RtpPacket> = fc.record({
  marker: fc.boolean(),
  payloadType: fc.nat(127),
  sequence: u16,
  timestamp: u32,
  ssrc: u32,
  csrc: fc.array(u32, { maxLength: 15 }),
  extension: fc.option(
    fc.record({
      profile: u16,
      data: fc
        .array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { maxLength: 4 })
        .map((words) => new Uint8Array(words.flatMap((word) => [...word]))),
    }),
  ),
  payload: fc.uint8Array({ maxLength: 40 }),
  paddingBytes: fc.nat(255),
})

test('RTP is read back equal', (t) => {
  fc.assert(fc.property(rtp, (packet) => t.deepEqual(parseRtp(writeRtp(packet)), packet)))
})

const block = fc.record({
  ssrc: u32,
  fractionLost: fc.nat(255),
  packetsLost: fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
  highestSequence: u32,
  jitter: u32,
  lastSenderReport: u32,
  delaySinceLastSenderReport: u32,
})
const blocks = fc.array(block, { maxLength: 3 })
const report: fc.Arbitrary<RtcpPacket> = fc.oneof(
  fc.record({ kind: fc.constant('receiver-report' as const), ssrc: u32, blocks }),
  fc.record({
    kind: fc.constant('sender-report' as const),
    ssrc: u32,
    ntpSeconds: u32,
    ntpFraction: u32,
    rtpTimestamp: u32,
    packets: u32,
    octets: u32,
    blocks,
  }),
)
const cname = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.toWellFormed())
const other: fc.Arbitrary<RtcpPacket> = fc.oneof(
  report,
  fc.record({
    kind: fc.constant('source-description' as const),
    chunks: fc.array(fc.record({ ssrc: u32, cname: fc.option(cname) }), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('goodbye' as const), sources: fc.array(u32, { maxLength: 31 }) }),
  fc.record({
    kind: fc.constant('other' as const),
    type: fc.integer({ min: 204, max: 207 }),
    body: fc.uint8Array({ maxLength: 5 }).map((data) => data.slice(0, data.length & ~3)),
  }),
)

test('RTCP compounds are read back equal', (t) => {
  fc.assert(
    fc.property(report, fc.array(other, { maxLength: 4 }), (first, rest) => {
      t.deepEqual(parseRtcp(writeRtcp([first, ...rest])), [first, ...rest])
    }),
  )
})

test('RTCP that is not valid after RFC 3550 A.2 is refused', (t) => {
  const refused = {
    'no bytes': '',
    'a first packet that is no report': '81cb0001 00000001',
    'another version': '41c90001 00000001',
    'a length beyond the end': '80c90002 00000001',
    'a report too short for its block': '81c90001 00000001',
    'a report without its source': '80c90000',
    'a sender report too short': '80c80001 00000001',
    'padding before the last packet': 'a0c90002 00000001 00000004 80c90001 00000001',
    'padding longer than the packet': 'a0c90001 00000008',
    'a chunk without its end': '80c90001 00000001 81ca0002 00000001 01044142',
    'a trailing byte': '80c90001 00000001 80',
    'more sources than bytes': '80c90001 00000001 82cb0001 00000001',
  }
  for (const [what, text] of Object.entries(refused)) t.is(parseRtcp(hex(text)), null, what)
})

test('random and mutated media packets never throw', (t) => {
  const seed = Buffer.from(writeRtcp([{ kind: 'receiver-report', ssrc: 1, blocks: [] }]))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(255), (tail, first) => {
      const data = Buffer.concat([seed, Buffer.of(first, 0xca), tail])
      for (const bytes of [tail, data]) {
        parseRtp(bytes)
        parseRtcp(bytes)
        parseTelephoneEvent(bytes)
      }
      t.pass()
    }),
    { numRuns: 2_000 },
  )
})

test('telephone events are read back equal', (t) => {
  const event = { event: 11, end: true, volume: 10, duration: 1_600 }
  t.deepEqual(writeTelephoneEvent(event), hex('0b8a0640'))
  t.deepEqual(parseTelephoneEvent(hex('0b8a0640')), event)
  t.is(parseTelephoneEvent(hex('0b8a06')), null)
})

test('G.711 has the values of the standard', (t) => {
  // Table 1a of G.711: the decoder values 1, 33, 66 ... 4032 in 12 bits, here times 8 (ends of
  // segments), even bits inverted.
  const aLaw = [0xd5, 0xc5, 0xf5, 0xe5, 0x95, 0x85, 0xb5, 0xa5, 0xaa].map(aLawToLinear)
  t.deepEqual(aLaw, [8, 264, 528, 1056, 2112, 4224, 8448, 16_896, 32_256])
  t.is(aLawToLinear(0x55), -8)
  // Table 2a: decoder values 0, 33, 99, 231 ... 8031 in 14 bits, here times 4.
  const muLaw = [0xff, 0xef, 0xdf, 0xcf, 0xbf, 0xaf, 0x9f, 0x8f, 0x80].map(muLawToLinear)
  t.deepEqual(muLaw, [0, 132, 396, 924, 1980, 4092, 8316, 16_764, 32_124])
  t.deepEqual([0, -1, 32_767, -32_768].map(linearToALaw), [0xd5, 0x55, 0xaa, 0x2a])
  t.deepEqual([0, -1, 32_767, -32_768].map(linearToMuLaw), [0xff, 0x7f, 0x80, 0x00])
})

test('every G.711 octet survives decoding and encoding', (t) => {
  for (let code = 0; code < 256; code += 1) {
    t.is(linearToALaw(aLawToLinear(code)), code)
    // The two zeros of the mu-law are one sample.
    t.is(linearToMuLaw(muLawToLinear(code)), code === 0x7f ? 0xff : code)
  }
})

test('G.711 coding grows with the sample and errs at most half a step', (t) => {
  let before = [-40_000, -40_000]
  for (let sample = -32_768; sample < 32_768; sample += 1) {
    const now = [aLawToLinear(linearToALaw(sample)), muLawToLinear(linearToMuLaw(sample))]
    for (const n of [0, 1]) {
      const value = now[n] ?? 0
      if (value < (before[n] ?? 0)) t.fail(`not monotonic at ${sample}`)
      const errorMax = Math.max(16, (Math.abs(sample) + 132) / 31 + 4)
      if (Math.abs(value - sample) > errorMax) t.fail(`${sample} became ${value}`)
    }
    before = now
  }
  t.pass()
})
