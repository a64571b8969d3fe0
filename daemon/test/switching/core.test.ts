//! What the core answers and writes: refusals, descriptions, media records, headers, roles.
import { createHash } from 'node:crypto'
import test from 'ava'
import { limits } from '../../src/limits.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { header, type SipResponse } from '../../src/wire/sip/message.ts'
import { Stage, sdp, service } from './core-stage.ts'

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

function talking(): Stage {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 180)
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  return stage
}

function onlySession(stage: Stage): Conference {
  const [session] = stage.tables.wiredConference.values()
  if (session === undefined) throw new Error('no session')
  return session
}

function leg(stage: Stage, side: 'caller' | 'callee'): WiredMedia {
  const member = onlySession(stage).members.find((one) => one.side === side)
  const record = stage.tables.wiredMedia.get(member?.mediaId ?? '')
  if (record === undefined) throw new Error(`no leg of the ${side}`)
  return record
}

const refusals: [string, number, (stage: Stage) => void][] = [
  ['an unknown number', 404, ({ a }) => a.call('199')],
  ['a number that is not registered', 480, ({ a }) => a.call('104')],
  [
    'a registration that has expired',
    480,
    (stage) => {
      const user = stage.tables.user.get('102')
      if (user !== undefined) stage.tables.user.put({ ...user, expiresAtMs: stage.now.wallMs })
      stage.a.call('102')
    },
  ],
  ['itself', 486, ({ a }) => a.call('101')],
  ['a radio', 603, ({ a }) => a.call('118')],
  ['no common codec', 488, ({ a }) => a.call('102', sdp(a.endpoint, { codecs: [9, 18] }))],
  ['a broken description', 488, ({ a }) => a.call('102', 'v=0\r\nnonsense')],
  [
    'a body that is no description',
    415,
    ({ a }) => a.call('102', 'hello', ['Content-Type: text/plain']),
  ],
  ['the radio branch', 400, ({ a }) => a.call('102', undefined, ['Subject: radio'])],
  ['an unknown subject', 400, ({ a }) => a.call('102', undefined, ['Subject: party'])],
  ['an unknown priority', 400, ({ a }) => a.call('102', undefined, ['Priority: soon'])],
  ['IA without urgent', 400, ({ a }) => a.call('102', undefined, ['Subject: IA call'])],
  ['no common WG67 version', 501, ({ a }) => a.call('102', undefined, ['WG67-Version: phone.09'])],
  ['an unknown method', 501, ({ a }) => a.request('DANCE')],
  ['a foreign method', 405, ({ a }) => a.request('PUBLISH')],
  ['a REFER without a call', 403, ({ a }) => a.request('REFER')],
]
for (const [name, status, act] of refusals) {
  test(`${name}: ${status}, and nothing is left`, (t) => {
    const stage = new Stage()
    act(stage)
    t.true(stage.a.heard(status))
    t.false(stage.b.heard('INVITE'))
    t.is(stage.core.liveSessions + stage.tables.conferenceResource.size, 0)
    stage.pass(limits.releasedLingerMs)
    t.is(stage.tables.wiredConference.size, 0)
  })
}

test('every refusal of a terminal that speaks ED-137 names a version, and no other does', (t) => {
  const headers = ['Subject: DA/IDA call', 'WG67-Version: phone.01']
  const cases: [number, (stage: Stage, more: string[]) => void][] = [
    [404, ({ a }, more) => a.call('199', undefined, more)],
    [480, ({ a }, more) => a.call('104', undefined, more)],
    [486, ({ a }, more) => a.call('101', undefined, more)],
    [403, ({ a }, more) => a.call('*37102', undefined, more)],
    [488, ({ a }, more) => a.call('102', 'v=0\r\nnonsense', more)],
    [420, ({ a }, more) => a.call('102', undefined, [...more, 'Require: telepathy'])],
    [481, ({ a }, more) => a.request('BYE', { headers: more })],
  ]
  for (const [status, act] of cases) {
    for (const more of [headers, ['Subject: DA/IDA call']]) {
      const stage = new Stage()
      if (status === 481) stage.a.remoteTag = 'gone'
      act(stage, more)
      const expected = more === headers ? 'phone.01' : undefined
      t.is(header(stage.a.told(status), 'WG67-Version'), expected, String(status))
    }
  }
  const foreign = new Stage()
  foreign.a.call('102', undefined, ['WG67-Version: phone.09'])
  t.is(header(foreign.a.told(501), 'WG67-Version'), 'phone.02', 'what it could have said')
  t.regex(header(foreign.a.told(501), 'Reason') ?? '', /^WG-67;cause=1005/)
})

test('a callee in a call is busy, a gateway is not', (t) => {
  const stage = talking()
  stage.phone('103').call('102')
  t.true(stage.phone('103').heard(486))
  stage.phone('103').call('900')
  t.true(stage.phone('900').heard('INVITE'))
})

test('when the ports are used up: 503, and the last one that is free serves again', (t) => {
  const stage = new Stage()
  const caller = stage.phone('103')
  for (let line = 0; line < 5; line += 1) {
    caller.call('900')
    caller.callId += line
    caller.request('INVITE', { body: sdp(caller.endpoint) })
  }
  t.is(stage.tables.conferenceResource.size, 5 * 3)
  stage.a.call('102')
  t.true(stage.a.heard(503))
})

test('a stranger is asked for the password of the number, and is let in with it', (t) => {
  const stage = new Stage()
  stage.tables.user.delete('101')
  const entry = stage.tables.phoneBook.get('101')
  if (entry === undefined) return t.fail()
  stage.tables.phoneBook.put({ ...entry, ha1Md5: md5('101:vccs.test:secret') })
  const { a } = stage
  a.call('102')
  const challenge = header(a.told(401), 'WWW-Authenticate') ?? ''
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? ''
  const uri = `sip:102@${service}`
  const digestOf = (ha1: string) => md5(`${ha1}:${nonce}:00000001:abc:auth:${md5(`INVITE:${uri}`)}`)
  const authorize = (ha1: string) =>
    `Authorization: Digest username="101", realm="vccs.test", nonce="${nonce}", uri="${uri}", ` +
    `qop=auth, nc=00000001, cnonce="abc", algorithm=MD5, response="${digestOf(ha1)}"`
  a.request('INVITE', { body: sdp(a.endpoint), headers: [authorize(md5('101:vccs.test:wrong'))] })
  t.true(a.heard(403))
  t.false(stage.b.heard('INVITE'))
  a.request('INVITE', {
    body: sdp(a.endpoint),
    headers: [authorize(md5('101:vccs.test:secret'))],
  })
  t.true(stage.b.heard('INVITE'))
})

test('a From without a tag counts as one with an empty tag (RFC 3261 12.1.1)', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('900')
  const text = a.sentText.replace(';tag=tag101', '').replace('z9hG4bK', 'z9hG4bKx')
  a.send(text.replaceAll('900', '102').replace('call-101-102', 'call-of-1999'))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  t.false(a.told(200).from.parameters.has('tag'))
  stage.takeOver()
  // No ACK comes, so that the switch ends the call.
  stage.pass(33_000)
  t.false(a.asked('BYE').to.parameters.has('tag'))
  a.respond(a.asked('BYE'), 200)
  b.respond(b.asked('BYE'), 200)
  t.is(stage.core.liveSessions, 0)
})

test('a caller that is in no phone book is refused', (t) => {
  const stage = new Stage()
  stage.tables.phoneBook.delete('101')
  stage.a.call('102')
  t.true(stage.a.heard(401))
  t.false(stage.b.heard('INVITE'))
})

test('both telephones see only the service address, and each its own port', (t) => {
  const stage = talking()
  const offer = stage.b.asked('INVITE').body
  const answer = stage.a.told(200).body
  t.regex(offer, /c=IN IP4 10\.0\.0\.9/)
  t.regex(answer, /c=IN IP4 10\.0\.0\.9/)
  t.regex(offer, /m=audio 20002 RTP\/AVP 8 0 101/)
  t.regex(answer, /m=audio 20000 RTP\/AVP 8 101/)
  t.is(leg(stage, 'caller').localPort, 20_000)
  t.is(leg(stage, 'callee').localPort, 20_002)
})

test('the legs carry what each telephone said, and start a few ticks ahead', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102', `${sdp(a.endpoint, { codecs: [0], port: 5_000 })}a=ptime:10\r\n`)
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { codecs: [8, 101], port: 6_000 }))
  const caller = leg(stage, 'caller')
  const callee = leg(stage, 'callee')
  t.like(caller, { codec: 'PCMU', payloadType: 0, remotePort: 5_000, ptimeMs: 10 })
  t.is(caller.eventPayloadType, null)
  t.like(callee, { codec: 'PCMA', payloadType: 8, remotePort: 6_000, eventPayloadType: 101 })
  t.is(caller.tick0, Math.floor(stage.now.tick) + 6)
  t.is(caller.conferenceId, callee.conferenceId)
  t.not(caller.ssrc, callee.ssrc)
})

test('a terminal without twins is marked so in its leg', (t) => {
  const stage = new Stage()
  const c = stage.phone('103')
  stage.a.call('103')
  c.respond(c.asked('INVITE'), 200, sdp(c.endpoint))
  t.true(leg(stage, 'caller').twin)
  t.false(leg(stage, 'callee').twin)
})

test('nothing is sent to a telephone that only rings', (t) => {
  const stage = new Stage()
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 180)
  t.is(stage.tables.wiredMedia.size, 0)
  t.is(onlySession(stage).state, 'ringing')
})

test('hold and resume: directions, states and the same stream', (t) => {
  const stage = talking()
  const { a, b } = stage
  const before = leg(stage, 'caller')
  a.reinvite(sdp(a.endpoint, { direction: 'sendonly', version: 2 }))
  t.regex(b.asked('INVITE').body, /a=sendonly/)
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { direction: 'recvonly' }))
  t.regex(a.told(200).body, /a=recvonly/)
  t.is(onlySession(stage).state, 'hold')
  t.is(leg(stage, 'caller').direction, 'recvonly')
  t.is(leg(stage, 'callee').direction, 'sendonly')
  t.is(leg(stage, 'caller').controlTick, Math.floor(stage.now.tick) + 6)
  a.ack(a.told(200))
  stage.takeOver()
  a.reinvite(sdp(a.endpoint, { version: 3 }))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { version: 3 }))
  a.ack(a.told(200))
  t.is(onlySession(stage).state, 'communicating')
  const after = leg(stage, 'caller')
  t.is(after.direction, 'sendrecv')
  t.like(after, { ssrc: before.ssrc, seq0: before.seq0, ts0: before.ts0, tick0: before.tick0 })
})

test('hold in the manner of RFC 2543 keeps the address and sends nothing', (t) => {
  const stage = talking()
  const { a, b } = stage
  a.reinvite(sdp(a.endpoint, { address: '0.0.0.0', version: 2 }))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { direction: 'recvonly' }))
  t.like(leg(stage, 'caller'), { terminalAddress: a.endpoint.address, direction: 'recvonly' })
})

test('a new port and codec of one telephone does not concern the other one', (t) => {
  const stage = talking()
  const { a, b } = stage
  const asked = b.inbox.length
  a.reinvite(sdp(a.endpoint, { port: 7_000, codecs: [0, 8], version: 2 }))
  t.is(b.inbox.length, asked)
  t.like(leg(stage, 'caller'), { remotePort: 7_000, codec: 'PCMU' })
  t.regex(a.told(200).body, /m=audio 20000 RTP\/AVP 0/)
})

test('other streams of an offer are answered with port 0', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102', `${sdp(a.endpoint)}m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n`)
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  t.regex(a.told(200).body, /m=video 0 RTP\/AVP 96/)
})

test('glare: a re-INVITE that meets ours gets 491', (t) => {
  const stage = talking()
  const { a, b } = stage
  a.reinvite(sdp(a.endpoint, { direction: 'sendonly' }))
  b.cseq = 100
  b.reinvite(sdp(b.endpoint, { direction: 'sendonly' }))
  t.true(b.heard(491))
})

test('a request of an unknown dialog gets 481, an old CSeq 500', (t) => {
  const stage = talking()
  const { a } = stage
  a.request('BYE', { cseq: 1 })
  t.true(a.heard(500))
  a.localTag = 'other'
  a.request('BYE')
  t.true(a.heard(481))
  t.is(stage.core.liveSessions, 1)
})

test('the same INVITE on another way is a loop', (t) => {
  const stage = new Stage()
  const { a } = stage
  a.call('102')
  a.branch += 1
  a.cseq -= 1
  a.request('INVITE', { body: sdp(a.endpoint) })
  t.true(a.heard(482))
})

test('ED-137 headers reach the callee as they were, and the answer names one version', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102', undefined, [
    'wg67-version: PHONE.01;phone.02',
    'Subject: ia call',
    'Priority: urgent',
  ])
  const invite = b.asked('INVITE')
  t.is(header(invite, 'WG67-Version'), 'phone.01, phone.02')
  t.is(header(invite, 'Subject'), 'ia call')
  t.is(header(invite, 'Priority'), 'urgent')
  b.respond(invite, 200, sdp(b.endpoint))
  t.is(header(a.told(200), 'WG67-Version'), 'phone.02')
  t.like(onlySession(stage), { callType: 'ia', priority: 'urgent', subject: 'ia call' })
})

test('an ordinary telephone makes a DA/IDA call of normal priority', (t) => {
  const stage = talking()
  const invite = stage.b.asked('INVITE')
  t.is(header(invite, 'Subject'), 'DA/IDA call')
  t.is(header(invite, 'Priority'), 'normal')
  t.is(header(stage.a.told(200), 'WG67-Version'), undefined)
})

test('a repeated 200 of the callee is acknowledged again after a take-over', (t) => {
  const stage = talking()
  const { b } = stage
  const acks = () => b.inbox.filter((one) => one.kind === 'request' && one.method === 'ACK').length
  t.is(acks(), 1)
  stage.takeOver()
  t.is(acks(), 1)
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  t.is(acks(), 2)
})

test('a 200 without ACK goes on being repeated after a take-over', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  stage.takeOver()
  const before = a.inbox.length
  stage.pass(600)
  t.is(a.inbox.length, before + 1)
  t.is((a.inbox.at(-1) as SipResponse).status, 200)
})

test('the wait for an answer ends at its time after a take-over, too', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 180)
  stage.pass(40_000)
  stage.takeOver()
  stage.pass(19_000)
  t.false(a.heard(408))
  stage.pass(2_000)
  t.true(a.heard(408))
  t.true(b.heard('CANCEL'))
})

test('a take-over claims the ports of live sessions and repairs a missing leg', (t) => {
  const stage = talking()
  const legs = [...stage.tables.wiredMedia.values()]
  for (const record of [...stage.tables.conferenceResource.values()]) {
    stage.tables.conferenceResource.delete(record.resource)
  }
  stage.tables.wiredMedia.delete(legs[0]?.mediaId ?? '')
  stage.tables.conferenceResource.put({
    resource: 'port:20010',
    kind: 'port',
    number: 20_010,
    sessionId: 'gone',
  })
  stage.takeOver()
  const held = [...stage.tables.conferenceResource.values()].map((record) => record.resource)
  t.deepEqual(held.sort(), ['conference:1', 'port:20000', 'port:20002'])
  t.is(stage.tables.wiredMedia.size, 2)
})

test('a standby counts what it hears and sends nothing, ever', (t) => {
  const stage = talking()
  stage.core.becomeStandby()
  const { sent } = stage
  stage.a.request('BYE')
  stage.a.call('102')
  stage.pass(100_000)
  t.is(stage.sent, sent)
  t.is(stage.core.nextTimerMs(), null)
  t.true(stage.core.counters().received > 5)
  t.is(stage.core.release(onlySession(stage).sessionId, stage.now), null)
  t.is(stage.core.liveSessions, 1)
})

test('what reveals a state or ends repetitions waits for the standby, 180 does not', (t) => {
  const stage = talking()
  const waits = (mark: string) =>
    stage.effects.flatMap((effect) =>
      effect.kind === 'send' && effect.outgoing.text.startsWith(mark)
        ? effect.afterReplication
        : [],
    )
  t.deepEqual(waits('SIP/2.0 100'), [true])
  t.deepEqual(waits('SIP/2.0 180'), [false])
  t.deepEqual(waits('SIP/2.0 2'), [true])
  t.deepEqual(waits('INVITE'), [true])
  t.deepEqual(waits('ACK'), [true])
  const sessions = new Set(
    stage.effects.flatMap((effect) =>
      effect.kind === 'send' && effect.afterReplication ? effect.session : [],
    ),
  )
  t.deepEqual([...sessions], [onlySession(stage).sessionId])
})

test('the 200 to a CANCEL and the ACK of a refusal wait for the standby, too', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 180)
  a.request('CANCEL', { cseq: a.cseq })
  b.respond(b.asked('INVITE'), 487)
  const waits = (isMeant: (text: string) => boolean) =>
    stage.effects.flatMap((effect) =>
      effect.kind === 'send' && isMeant(effect.outgoing.text) ? effect.afterReplication : [],
    )
  t.deepEqual(
    waits((text) => text.startsWith('SIP/2.0 200') && text.includes(' CANCEL\r\n')),
    [true],
  )
  t.deepEqual(
    waits((text) => text.startsWith('ACK')),
    [true],
  )
})

test('a malformed request is answered 400 or dropped, and counted', (t) => {
  const stage = new Stage()
  stage.fromNetwork('garbage', stage.a.endpoint)
  t.is(stage.sent, 0)
  t.like(stage.core.counters(), { received: 1, malformed: 1, dropped: { malformed: 1 } })
})

test('an input mapping of the media unit is kept for the peer, the newest two', (t) => {
  const stage = talking()
  const { mediaId } = leg(stage, 'caller')
  for (const tick of [1, 2, 3]) {
    stage.core.inputMapped(mediaId, { ssrc: 7, timestamp: 160 * tick, tick, fromTick: tick })
  }
  t.deepEqual(
    leg(stage, 'caller').inputMaps.map((map) => map.tick),
    [2, 3],
  )
})

test('a registration waits for the standby, ends by itself, and needs no answer to do so', (t) => {
  const stage = new Stage()
  const user = stage.tables.user.get('102')
  if (user === undefined) return t.fail()
  stage.tables.user.put({ ...user, expiresAtMs: stage.now.wallMs + 5_000 })
  stage.pass(7_000)
  t.is(stage.tables.user.get('102'), undefined)
  t.is(stage.sent, 0)
})

test('a call record says who, when, how long and how it ended', (t) => {
  const stage = talking()
  const answered = stage.now.wallMs
  stage.pass(5_000)
  stage.b.cseq = 100
  stage.b.request('BYE')
  const [record, ...others] = stage.records
  t.deepEqual(others, [])
  t.like(record, {
    sessionId: onlySession(stage).sessionId,
    caller: '101',
    called: '102',
    startedAtMs: answered,
    answeredAtMs: answered,
    endedAtMs: answered + 5_000,
    status: 200,
    endedBy: 'callee',
  })
  const times = { invitedAtMs: answered, joinedAtMs: answered, leftAtMs: answered + 5_000 }
  t.like(record?.parties[0], { leg: 'a', number: '101', side: 'caller', ...times })
  t.like(record?.parties[1], { leg: 'b', number: '102', side: 'callee', ...times })
})
