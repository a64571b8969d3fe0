//! SIP to XIP and back (S1.18-S1.24): ED-137 headers and media information.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { answerText, offerText } from '../../src/switching/xip/description.ts'
import {
  commonVersion,
  ed137Headers,
  spoken,
  versionsFor,
  wg67Versions,
} from '../../src/switching/xip/ed137.ts'
import { xipFromInvite } from '../../src/switching/xip/from-sip.ts'
import { mediaOf } from '../../src/switching/xip/media.ts'
import { sessionHeaders, xipRecord } from '../../src/switching/xip/to-sip.ts'
import type { CallType } from '../../src/switching/xip/xip.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import { sdp } from './core-stage.ts'

const source = { address: '10.0.1.1', port: 5060 }

function invite(headers: string[], body = sdp(source)): SipRequest {
  const lines = [
    'INVITE sip:102@10.0.0.9 SIP/2.0',
    'Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bK1',
    'Max-Forwards: 70',
    'From: <sip:101@10.0.0.9>;tag=a',
    'To: <sip:102@10.0.0.9>',
    'Call-ID: c',
    'CSeq: 1 INVITE',
    'Contact: <sip:101@10.0.1.1>',
    ...headers,
    'Content-Type: application/sdp',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  const message = parseSip(new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n${body}`))
  if (message.kind !== 'request') throw new Error('not a request')
  return message
}

test('an INVITE becomes a XIP with all fields of S1.20 and S1.21', (t) => {
  const result = xipFromInvite(
    invite(['Subject: DA/IDA call', 'Priority: emergency', 'WG67-Version: phone.01']),
    'session',
    source,
  )
  t.true(result.ok)
  if (!result.ok) return
  t.like(result.xip, {
    sessionId: 'session',
    sourceUser: '101',
    sourceEnd: source,
    destinationUser: '102',
    subject: 'DA/IDA call',
    priority: 'emergency',
    callType: 'da-ida',
    wg67Versions: ['phone.01'],
  })
  t.like(result.xip.media, {
    address: '10.0.1.1',
    port: 4_000,
    type: 'audio',
    ptimeMs: 20,
    direction: 'sendrecv',
    eventPayloadType: 101,
  })
  t.deepEqual(result.xip.media?.codecs, [
    { name: 'PCMA', payloadType: 8 },
    { name: 'PCMU', payloadType: 0 },
  ])
})

const spellings = [
  ['WG67-Version: phone.01,phone.02'],
  ['WG67-Version: phone.01;phone.02'],
  ['WG67-Version:  Phone.01 ,  PHONE.02 '],
  ['WG67-Version: phone.01', 'wg67-version: phone.02'],
  ['WG67-VERSION: phone.01 phone.02'],
]
for (const [index, headers] of spellings.entries()) {
  test(`WG67-Version is read in every spelling seen on the wire, number ${index}`, (t) => {
    t.deepEqual(wg67Versions(invite(headers)), ['phone.01', 'phone.02'])
  })
}

test('a version that is named behind those of radio and of addenda is heard', (t) => {
  const headers = ['WG67-Version: radio.02, radio.01, phone.add03.02, phone.02']
  const result = xipFromInvite(invite(headers), 's', source)
  if (!result.ok) return t.fail(result.refusal.why)
  t.deepEqual(result.xip.wg67Versions, ['phone.add03.02', 'phone.02'])
  const many = Array.from({ length: 100 }, (_, at) => `phone.x${at}`).join(', ')
  t.is(wg67Versions(invite([`WG67-Version: ${many}`])).length, limits.wg67VersionsMax)
})

test('a record has room for every version that is offered to anybody', (t) => {
  const all = versionsFor('ia')
  t.true(all.join(', ').length <= 128)
  t.deepEqual(spoken(['phone.03', ...all, 'radio.02']), [...all])
})

test('the type of a call is that of the Subject, or of WG67-CallType where there is none', (t) => {
  const typed = (value: string) => `WG67-CallType: ${value}`
  const cases: [string[], CallType | number][] = [
    [[typed('phone.02;da/ida call')], 'da-ida'],
    [[typed('phone.02;monitoring')], 'monitoring'],
    [[typed(' Phone.02 ; Monitoring '), 'Subject: monitoring'], 'monitoring'],
    [[typed('phone.add03.02;ia call'), 'Priority: urgent'], 'ia'],
    [[typed('phone.02;ia call'), 'Subject: IA call', 'Priority: urgent'], 'ia'],
    // The same rule as with the Subject.
    [[typed('phone.add03.02;ia call')], 400],
    [[typed('phone.02;monitoring'), 'Subject: DA/IDA call'], 400],
    [[typed('phone.02;da/ida call'), 'Subject: IA call', 'Priority: urgent'], 400],
    [[typed('phone.02;party')], 400],
    [[typed('phone.02')], 400],
    [[typed('')], 400],
    [[typed('phone.07;da/ida call')], 501],
    // The addendum has nothing but instantaneous access.
    [[typed('phone.add03.02;da/ida call')], 501],
  ]
  for (const [headers, wanted] of cases) {
    const result = xipFromInvite(invite(headers), 's', source)
    t.is(result.ok ? result.xip.callType : result.refusal.status, wanted, headers.join())
    if (wanted === 501 && !result.ok) t.regex(result.refusal.reason ?? '', /cause=1005/)
  }
})

test('WG67-CallType goes on to who speaks the edition that has it', (t) => {
  const typeIn = (versions: string[], subject: string, priority = 'normal') => {
    const named = versions.length === 0 ? [] : [`WG67-Version: ${versions.join(', ')}`]
    const headers = [...named, `Subject: ${subject}`, `Priority: ${priority}`]
    const result = xipFromInvite(invite(headers), 's', source)
    if (!result.ok) return result.refusal.why
    const written = ed137Headers(sessionHeaders(xipRecord(result.xip)))
    return written.find(({ name }) => name === 'WG67-CallType')?.value
  }
  t.is(typeIn(['phone.01', 'phone.02'], 'DA/IDA call'), 'phone.02;da/ida call')
  t.is(typeIn(['phone.01'], 'DA/IDA call'), undefined)
  t.is(typeIn([], 'G/G monitoring'), 'phone.02;g/g monitoring')
  t.is(typeIn(['phone.01', 'phone.add03.02'], 'IA call', 'urgent'), 'phone.add03.02;ia call')
  t.is(typeIn(['phone.02'], 'IA call', 'urgent'), undefined)
  t.is(typeIn([], 'IA call', 'urgent'), 'phone.add03.02;ia call')
})

test('the answer names the best common version', (t) => {
  t.is(commonVersion(['phone.01', 'phone.02']), 'phone.02')
  t.is(commonVersion(['phone.01']), 'phone.01')
  t.is(commonVersion(['radio.01']), null)
  t.is(commonVersion(['phone.01', 'phone.add03.02'], 'ia'), 'phone.add03.02')
  t.is(commonVersion(['phone.add03.02'], 'da-ida'), null)
})

test('ED-137 headers survive the way SIP, XIP, record, SIP', (t) => {
  const known = fc.record({
    subject: fc.constantFrom('DA/IDA call', 'da/ida CALL', 'monitoring', 'G/G monitoring'),
    priority: fc.constantFrom('emergency', 'urgent', 'normal', 'non-urgent'),
    versions: fc.constantFrom<string[]>(['phone.01'], ['phone.02', 'phone.01']),
  })
  const property = fc.property(known, ({ subject, priority, versions }) => {
    const headers = [
      `WG67-Version: ${versions.join(', ')}`,
      `Subject: ${subject}`,
      `Priority: ${priority}`,
    ]
    const result = xipFromInvite(invite(headers), 's', source)
    if (!result.ok) return false
    const written = ed137Headers(sessionHeaders(xipRecord(result.xip)))
    const isC = versions.includes('phone.02')
    const type = isC ? [`WG67-CallType: phone.02;${subject.toLowerCase()}`] : []
    const wanted = [...headers, ...type].join()
    return written.map(({ name, value }) => `${name}: ${value}`).join() === wanted
  })
  t.notThrows(() => fc.assert(property))
})

test('hostile headers and bodies are refused with a status, and nothing throws', (t) => {
  const text = fc.stringMatching(/^[ -~]{0,60}$/)
  const property = fc.property(text, text, (value, body) => {
    const headers = [`WG67-Version: ${value}`, `Subject: ${value}`, `Priority: ${value}`]
    const result = xipFromInvite(invite(headers, body), 's', source)
    return result.ok || (result.refusal.status >= 400 && result.refusal.status < 700)
  })
  t.notThrows(() => fc.assert(property))
})

test('our answer to any offer that we take can be read and keeps its first codec', (t) => {
  const codecs = fc.uniqueArray(fc.constantFrom(8, 0, 9, 18, 101), { minLength: 1 })
  const property = fc.property(codecs, fc.boolean(), (list, held) => {
    const offer = sdp(source, { codecs: list, address: held ? '0.0.0.0' : '10.0.1.1' })
    const media = mediaOf(offer)
    if (media === null) return !list.includes(8) && !list.includes(0)
    const own = { address: '10.0.0.9', origin: '10.0.0.8', port: 20_000, session: 1, version: 1 }
    const answer = mediaOf(answerText(offer, { ...own, direction: 'recvonly' }))
    const hasEvents = (answer?.eventPayloadType === 101) === list.includes(101)
    return answer?.codecs[0]?.name === media.codecs[0]?.name && hasEvents
  })
  t.notThrows(() => fc.assert(property))
})

test('our offer has both codecs, the preferred one first, and telephone events', (t) => {
  const own = { address: '10.0.0.9', origin: '10.0.0.8', port: 20_000, session: 5, version: 6 }
  const offer = offerText({ ...own, direction: 'sendonly', first: 'PCMU' })
  t.regex(offer, /^v=0\r\no=vccs 5 6 IN IP4 10\.0\.0\.8\r\ns=-\r\nc=IN IP4 10\.0\.0\.9\r\n/)
  t.like(mediaOf(offer), { direction: 'sendonly', eventPayloadType: 101 })
  t.deepEqual(
    mediaOf(offer)?.codecs.map((codec) => codec.name),
    ['PCMU', 'PCMA'],
  )
})
