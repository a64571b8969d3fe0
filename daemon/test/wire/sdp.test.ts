//! The SDP reader and writer.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import {
  type AudioDescription,
  findCodec,
  parseSdp,
  type SessionDescription,
  sdpAttribute,
  writeSdp,
} from '../../src/wire/sdp.ts'

const head = ['v=0', 'o=vcs 1 2 IN IP4 10.10.0.5', 's=call', 'c=IN IP4 10.10.0.5', 't=0 0']
const sdp = (...lines: string[]): string => `${[...head, ...lines].join('\r\n')}\r\n`

const radio = sdp(
  'm=audio 16000 RTP/AVP 8 0 123 101',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:123 R2S/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=sendrecv',
  'a=type:Radio-TxRx',
  'a=fid:118.005',
  'a=bss:RSSI',
  'a=bss:AGC',
  'a=ptime:20',
  'a=R2S-KeepAlivePeriod:200',
  'a=NoFreqDisconn',
)

function read(text: string): SessionDescription {
  const description = parseSdp(text)
  if (description === null) throw new Error('not read')
  return description
}

function audioOf(text: string): AudioDescription {
  const { audio } = read(text)
  if (audio === null) throw new Error('no audio')
  return audio
}

test('an ED-137 offer is read; its own attributes stay in their order', (t) => {
  const description = read(radio)
  const audio = audioOf(radio)
  t.deepEqual(description.origin, {
    username: 'vcs',
    sessionId: '1',
    version: '2',
    address: '10.10.0.5',
  })
  t.deepEqual(
    audio.codecs.map(({ payloadType, encoding }) => [payloadType, encoding]),
    [
      [8, 'PCMA'],
      [0, 'PCMU'],
      [123, 'R2S'],
      [101, 'telephone-event'],
    ],
  )
  t.is(findCodec(audio, 'Telephone-Event')?.fmtp, '0-15')
  t.is(findCodec(audio, 'G729'), undefined)
  t.deepEqual([audio.port, audio.ptimeMs, audio.direction], [16_000, 20, 'sendrecv'])
  t.is(sdpAttribute(audio.attributes, 'r2s-keepaliveperiod'), '200')
  t.is(sdpAttribute(audio.attributes, 'NoFreqDisconn'), '')
  t.is(sdpAttribute(audio.attributes, 'txrxmode'), undefined)
  t.deepEqual(
    audio.attributes.map(({ name }) => name),
    ['type', 'fid', 'bss', 'bss', 'R2S-KeepAlivePeriod', 'NoFreqDisconn'],
  )
})

test('connection and direction of the media come before those of the session', (t) => {
  const lines = ['a=sendonly', 'm=audio 4000 RTP/AVP 8']
  const session = audioOf(sdp(...lines))
  t.deepEqual([session.address, session.direction], ['10.10.0.5', 'sendonly'])
  const own = audioOf(sdp(...lines, 'c=IN IP6 2001:db8::5', 'a=recvonly', 'a=rtcp:4007'))
  t.deepEqual([own.address, own.direction], ['2001:db8::5', 'recvonly'])
  t.deepEqual(own.rtcp, { port: 4007, address: null })
})

test('the first usable audio line is taken and the others are answered with port 0', (t) => {
  const text = sdp(
    'm=video 5000 RTP/AVP 31',
    'm=audio 5002 RTP/SAVP 8',
    'm=audio 0 RTP/AVP 8',
    'm=audio 5004 RTP/AVP 8',
    'm=audio 5006 RTP/AVP 0',
    'm=application 5008 UDP/BFCP *',
  )
  const description = read(text)
  t.is(description.audio?.port, 5004)
  t.is(description.audio?.index, 3)
  t.deepEqual(
    writeSdp(description)
      .split('\r\n')
      .filter((line) => line.startsWith('m=')),
    [
      'm=video 0 RTP/AVP 31',
      'm=audio 0 RTP/SAVP 8',
      'm=audio 0 RTP/AVP 8',
      'm=audio 5004 RTP/AVP 8',
      'm=audio 0 RTP/AVP 0',
      'm=application 0 UDP/BFCP *',
    ],
  )
})

test('audio without a literal address is not usable', (t) => {
  t.is(read(sdp('m=audio 1 RTP/AVP 8', 'c=IN IP4 host.example')).audio, null)
  t.is(read(sdp('m=audio 1 RTP/AVP 8', 'c=IN IP4 224.2.1.1/127')).audio, null)
  t.is(read(sdp('m=audio 1 RTP/AVP 8', 'c=IN IP4 0.0.0.0')).audio?.address, '0.0.0.0')
})

test('a line may end with a line feed alone', (t) => {
  t.deepEqual(parseSdp(radio.replaceAll('\r\n', '\n')), parseSdp(radio))
  t.deepEqual(parseSdp(radio.trimEnd()), parseSdp(radio))
})

test('an attribute that cannot be understood stays as text', (t) => {
  const attributes = ['rtpmap:8', 'rtpmap:300 X/8000', 'ptime:0.1', 'ptime:0', 'rtcp:x', 'fmtp:9 a']
  const audio = audioOf(sdp('m=audio 1 RTP/AVP 8', ...attributes.map((text) => `a=${text}`)))
  t.is(audio.attributes.length, attributes.length)
  t.deepEqual([audio.ptimeMs, audio.rtcp, audio.codecs[0]?.encoding], [null, null, 'PCMA'])
})

const refused: Record<string, string> = {
  empty: '',
  'no version': radio.slice(5),
  'another version': radio.replace('v=0', 'v=1'),
  'no origin': radio.replace('o=vcs 1 2 IN IP4 10.10.0.5\r\n', ''),
  'an origin of five parts': radio.replace('o=vcs 1', 'o=1'),
  'a session id that is no number': radio.replace('o=vcs 1', 'o=vcs x'),
  'no time': radio.replace('t=0 0\r\n', ''),
  'two names': radio.replace('t=0 0', 's=x\r\nt=0 0'),
  'an unknown type letter': `${radio}y=1\r\n`,
  'an empty line': radio.replace('t=0 0', '\r\nt=0 0'),
  'a space before the equals sign': radio.replace('m=audio', 'm =audio'),
  'a null': radio.replace('118.005', '118\u0000005'),
  'a carriage return alone': radio.replace('118.005', '118\r005'),
  'port 65536': radio.replace('16000', '65536'),
  'a port that is no number': radio.replace('16000', '-1'),
  'no payload type': sdp('m=audio 1 RTP/AVP'),
  'two spaces': sdp('m=audio 1  RTP/AVP 8'),
  'a broken connection': radio.replace('c=IN IP4', 'c=IP4'),
  'a session line after the media': `${radio}t=0 0\r\n`,
  'an attribute without a name': `${radio}a=:x\r\n`,
  'too long': `${radio}a=x:${'y'.repeat(limits.sdpBytesMax)}\r\n`,
}
for (const [what, text] of Object.entries(refused)) {
  test(`refused: ${what}`, (t) => t.is(parseSdp(text), null))
}

const payloads = ['128', 'x', '8 8'].map((types) => sdp(`m=audio 1 RTP/AVP ${types}`))
test('payload types that are none or come twice make the line unusable', (t) => {
  for (const text of payloads) t.is(read(text).audio, null)
})

test('no value can add a line', (t) => {
  const description = read(radio)
  const attributes = [{ name: 'x', value: 'y\r\nm=audio 9 RTP/AVP 0' }]
  const text = writeSdp({ ...description, name: 'a\nc=IN IP4 6.6.6.6', attributes })
  t.deepEqual(
    text.split(/[\r\n]+/).filter((line) => /^[mc]=/.test(line)),
    ['c=IN IP4 10.10.0.5', 'm=audio 16000 RTP/AVP 8 0 123 101'],
  )
})

// --- properties ---------------------------------------------------------------------------------

const oneOf = (characters: string, max: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: max })
const word = oneOf('abcXYZ019-.', 8)
const address = fc.constantFrom('10.0.0.1', '2001:db8::1', '0.0.0.0')
const attributes = fc.array(
  fc.record({ name: word.map((text) => `x-${text}`), value: fc.option(oneOf('ab 0:;=/', 8)) }),
  { maxLength: 4 },
)
const port = fc.integer({ min: 1, max: 65_535 })
const codecs = fc.uniqueArray(
  fc.record({
    payloadType: fc.integer({ min: 96, max: 127 }),
    encoding: word,
    clockRateHz: fc.constantFrom(8_000, 16_000),
    channels: fc.constantFrom(1, 2),
    fmtp: fc.option(word),
  }),
  { selector: ({ payloadType }) => payloadType, minLength: 1, maxLength: 4 },
)
const milliseconds = fc.option(fc.integer({ min: 1, max: 1_000 }))
const description: fc.Arbitrary<SessionDescription> = fc
  .record({
    origin: fc.record({
      username: word,
      sessionId: oneOf('0123456789', 20),
      version: oneOf('0123456789', 20),
      address: fc.constantFrom('10.0.0.1', '2001:db8::1'),
    }),
    name: word,
    attributes,
    audio: fc.record({
      index: fc.constantFrom(0, 1),
      address,
      port,
      protocol: fc.constantFrom('RTP/AVP' as const, 'RTP/AVPF' as const),
      codecs,
      ptimeMs: milliseconds,
      maxptimeMs: milliseconds,
      direction: fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive'),
      rtcp: fc.option(fc.record({ port, address: fc.option(address) })),
      attributes,
    }),
    others: fc.array(
      fc.record({ kind: word, protocol: fc.constantFrom('RTP/AVP', 'udp'), formats: word }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .filter(({ others }) => others.every(({ kind }) => kind !== 'audio'))

test('what is written is read back equal', (t) => {
  fc.assert(
    fc.property(description, (value) => t.deepEqual(parseSdp(writeSdp(value)), value)),
    { numRuns: 200 },
  )
})

test('mutated descriptions never throw, and what is accepted is stable', (t) => {
  const mutation = fc.tuple(fc.nat(radio.length), fc.nat(4), fc.string({ maxLength: 3 }))
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (changes) => {
      let text = radio
      for (const [at, cut, piece] of changes)
        text = text.slice(0, at) + piece + text.slice(at + cut)
      const first = parseSdp(text)
      if (first !== null) t.deepEqual(parseSdp(writeSdp(first)), first)
    }),
    { numRuns: 2_000 },
  )
})
