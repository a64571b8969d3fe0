//! Requests in early dialogs (RFC 3261 12.1): UPDATE and INFO of either side before the call is answered, and
//! what must not come there. None of them is answered 481, which would end the dialog at its terminal.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { mediaOf } from '../../src/switching/xip/media.ts'
import { parseSdp } from '../../src/wire/sdp.ts'
import { header, type SipMessage, type SipRequest } from '../../src/wire/sip/message.ts'
import { uriText } from '../../src/wire/sip/write.ts'
import { conferenceStage, dialIn } from './conference-stage.ts'
import { enterEarly, prack, reliably } from './core-calls.ts'
import { type Phone, Stage, sdp, service } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import { peerOf, sitePlan, trunk, trunkStage } from './trunk-stage.ts'

const digit = { body: 'Signal=5\r\n', headers: ['Content-Type: application/dtmf-relay'] }
const note = { body: 'later', headers: ['Content-Type: text/plain'] }

function calling(headers: string[] = [], body?: string): Stage {
  const stage = new Stage()
  stage.a.call('102', body ?? sdp(stage.a.endpoint), headers)
  return stage
}

/** 101 calls, and 102 is heard before it answers. */
function speaking(): Stage {
  const stage = calling()
  stage.b.respond(stage.b.asked('INVITE'), 183, sdp(stage.b.endpoint))
  enterEarly(stage.a, 183)
  return stage
}

function answers(phone: Phone, body = sdp(phone.endpoint)): void {
  phone.respond(phone.asked('INVITE'), 200, body)
}

/** `486 INVITE` and `INFO`, without what says nothing. */
function marks({ inbox }: Phone): string[] {
  const said = inbox.map((one) =>
    one.kind === 'request' ? one.method : `${one.status} ${one.cseq.method}`,
  )
  return said.filter((mark) => mark !== '100 INVITE')
}

/** The last word on a request that it has sent. */
function said(phone: Phone, method: string): SipMessage {
  const found = phone.inbox.findLast((one) => one.kind === 'response' && one.cseq.method === method)
  if (found === undefined) throw new Error(`${phone.number} has no answer to ${method}`)
  return found
}

function status(phone: Phone, method: string): number {
  const found = said(phone, method)
  return found.kind === 'response' ? found.status : 0
}

const remotePorts = (stage: Stage) =>
  [...stage.tables.wiredMedia.values()].map(({ remotePort }) => remotePort)

/** The call is answered, both talk, and nothing stays behind its end. */
function endsWell(stage: Stage, answer = '', b = stage.b): void {
  const { a } = stage
  answers(b, answer === '' ? sdp(b.endpoint) : answer)
  a.ack(a.told(200))
  a.request('BYE')
  b.respond(b.asked('BYE'), 200)
  stage.pass(80_000)
  const { wiredConference, wiredMedia, conferenceResource } = stage.tables
  if (wiredConference.size + wiredMedia.size + conferenceResource.size > 0) {
    throw new Error('something stays behind the call')
  }
}

for (const takesOver of [false, true]) {
  const how = takesOver ? ', and the other node goes on' : ''
  test(`UPDATE of who is called, without an offer, is answered: its CSeq counts in its dialog${how}`, (t) => {
    const stage = calling()
    const { b } = stage
    b.respond(b.asked('INVITE'), 180)
    b.cseq = 40
    b.request('UPDATE', { headers: ['Supported: timer', 'Session-Expires: 1800;refresher=uas'] })
    t.is(status(b, 'UPDATE'), 200)
    t.is(said(b, 'UPDATE').body, '')
    if (takesOver) stage.takeOver()
    b.branch += 1
    b.request('UPDATE', { cseq: 41 })
    t.is(status(b, 'UPDATE'), 500, 'out of order (RFC 3261 12.2.2)')
    answers(b)
    stage.a.ack(stage.a.told(200))
    b.inbox.length = 0
    b.branch += 1
    b.request('INFO', { ...digit, cseq: 41 })
    t.is(status(b, 'INFO'), 500, 'also when it is confirmed')
    stage.a.request('BYE')
    b.respond(b.asked('BYE'), 200)
  })
}

test('an offer of who is called meets ours, as long as that has no reliable answer: 491', (t) => {
  const steps: readonly [string, (stage: Stage) => void][] = [
    ['nothing', () => {}],
    ['180', ({ b }) => b.respond(b.asked('INVITE'), 180)],
    ['a reliable 180', reliably(180, 3)],
    ['183, described', ({ b }) => b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))],
  ]
  for (const [name, step] of steps) {
    const stage = calling()
    const { b } = stage
    if (name === 'nothing') {
      // It has a dialog, as its 180 is under way; a 100 makes none.
      b.respond(b.asked('INVITE'), 100)
    } else step(stage)
    const before = remotePorts(stage)
    b.request('UPDATE', { body: sdp(b.endpoint, { port: 4_444, version: 2 }) })
    t.is(status(b, 'UPDATE'), 491, name)
    t.deepEqual(remotePorts(stage), before)
    endsWell(stage)
  }
})

for (const takesOver of [false, true]) {
  const how = takesOver ? ', and the other node goes on' : ''
  test(`an offer of who is called, after its reliable answer, is answered and holds in the call${how}`, (t) => {
    const stage = calling()
    const { a, b } = stage
    reliably(183, 3, () => sdp(b.endpoint, { port: 4_100 }))(stage)
    b.respond(b.asked('PRACK'), 200)
    const first = parseSdp(b.asked('INVITE').body)?.origin.version ?? '0'
    b.request('UPDATE', { body: sdp(b.endpoint, { port: 4_200, codecs: [8], version: 2 }) })
    t.is(status(b, 'UPDATE'), 200)
    const answer = said(b, 'UPDATE').body
    t.is(mediaOf(answer)?.direction, 'sendrecv')
    t.is(BigInt(parseSdp(answer)?.origin.version ?? '0'), BigInt(first) + 1n, 'RFC 3264 8')
    t.true(remotePorts(stage).includes(4_200))
    if (takesOver) stage.takeOver()
    b.respond(b.asked('INVITE'), 183, sdp(b.endpoint, { port: 4_100 }))
    t.false(remotePorts(stage).includes(4_100), 'what was described before is over')
    b.request('UPDATE', { body: sdp(b.endpoint, { port: 4_300, version: 3 }) })
    const again = parseSdp(said(b, 'UPDATE').body)?.origin.version ?? '0'
    t.is(BigInt(again), BigInt(first) + 2n)
    b.respond(b.asked('INVITE'), 200)
    t.true(remotePorts(stage).includes(4_300))
    a.ack(a.told(200))
    const [session] = stage.tables.wiredConference.values()
    t.is(session?.members[1]?.dialog.localSdp, said(b, 'UPDATE').body)
    a.request('BYE')
    b.respond(b.asked('BYE'), 200)
    t.is(stage.core.liveSessions, 0)
  })
}

test('what somebody is called for bounds the answer to his UPDATE', (t) => {
  const stage = calling([], sdp(new Stage().a.endpoint, { direction: 'recvonly' }))
  const { b } = stage
  reliably(183, 3, () => sdp(b.endpoint, { direction: 'sendonly' }))(stage)
  b.respond(b.asked('PRACK'), 200)
  b.request('UPDATE', { body: sdp(b.endpoint, { direction: 'inactive', version: 2 }) })
  t.is(mediaOf(said(b, 'UPDATE').body)?.direction, 'inactive')
  b.request('UPDATE', { body: sdp(b.endpoint, { direction: 'sendonly', version: 3 }) })
  t.is(mediaOf(said(b, 'UPDATE').body)?.direction, 'recvonly')
})

test('of several early dialogs each has its own CSeq and descriptions', (t) => {
  const stage = calling()
  const { a, b } = stage
  reliably(183, 5, () => sdp(b.endpoint, { port: 4_100 }))(stage)
  b.cseq = 10
  b.localTag = 'other'
  reliably(183, 9, () => sdp(b.endpoint, { port: 4_200 }))(stage)
  b.cseq = 1
  b.request('UPDATE', { body: sdp(b.endpoint, { port: 4_201, version: 2 }) })
  t.is(status(b, 'UPDATE'), 200)
  t.true(remotePorts(stage).includes(4_100), 'the first that speaks is heard')
  b.localTag = 'tag102'
  b.cseq = 10
  b.request('UPDATE', { body: sdp(b.endpoint, { port: 4_101, version: 2 }) })
  t.is(status(b, 'UPDATE'), 200)
  t.true(remotePorts(stage).includes(4_101))
  stage.takeOver()
  b.localTag = 'other'
  b.cseq = 2
  b.request('UPDATE')
  t.is(status(b, 'UPDATE'), 200)
  b.respond(b.asked('INVITE'), 200)
  t.true(remotePorts(stage).includes(4_201), 'who answers is heard, as it is described now')
  a.ack(a.told(200))
  a.request('BYE')
  t.is(b.asked('BYE').to.parameters.get('tag'), 'other')
  b.respond(b.asked('BYE'), 200)
  t.is(stage.core.liveSessions, 0)
})

test('more early dialogs than have a place are strangers to us', (t) => {
  const stage = calling()
  const { b } = stage
  b.respond(b.asked('INVITE'), 180)
  for (let n = 1; n <= limits.earlyDialogsMax + 1; n += 1) {
    b.localTag = `e${n}`
    b.cseq = 0
    b.request('UPDATE')
    t.is(status(b, 'UPDATE'), n <= limits.earlyDialogsMax ? 200 : 481)
  }
  b.localTag = 'x'.repeat(129)
  b.request('UPDATE')
  t.is(status(b, 'UPDATE'), 481)
  b.localTag = 'tag102'
  endsWell(stage)
})

for (const [method, wanted] of [
  ['INVITE', 491],
  ['PRACK', 481],
  ['REFER', 403],
  ['SUBSCRIBE', 403],
  ['NOTIFY', 405],
  ['OPTIONS', 200],
  ['BYE', 481],
] as const) {
  test(`${method} of who is called, in his early dialog: ${wanted}, and the call goes on`, (t) => {
    const stage = calling()
    const { b } = stage
    reliably(180, 3)(stage)
    b.respond(b.asked('PRACK'), 200)
    const headers = {
      PRACK: ['RAck: 3 1 INVITE'],
      REFER: [`Refer-To: <sip:103@${service}>`],
      SUBSCRIBE: ['Event: refer'],
    }
    const more = headers[method as keyof typeof headers] ?? []
    b.request(method, { body: method === 'INVITE' ? sdp(b.endpoint) : '', headers: more })
    t.is(status(b, method), wanted)
    t.is(stage.core.liveSessions, 1)
    endsWell(stage)
  })
}

test('who rings no more is told so: his early dialog is over', (t) => {
  const stage = calling()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  a.request('CANCEL', { cseq: a.cseq })
  b.request('UPDATE')
  t.is(status(b, 'UPDATE'), 481)
})

test('an offer of the caller waits for a reliable answer of ours: 500, then it is answered', (t) => {
  const stage = calling(['Supported: 100rel'])
  const { a, b } = stage
  const offer = (port: number) => sdp(a.endpoint, { port, direction: 'recvonly', version: port })
  b.respond(b.asked('INVITE'), 180)
  prack(180)(stage)
  a.request('UPDATE', { body: offer(4_444) })
  t.is(status(a, 'UPDATE'), 500)
  t.not(header(said(a, 'UPDATE'), 'Retry-After'), undefined, 'RFC 3311 5.2')
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  prack(183)(stage)
  a.request('UPDATE', { body: offer(4_445) })
  t.is(status(a, 'UPDATE'), 200)
  t.is(mediaOf(said(a, 'UPDATE').body)?.direction, 'sendonly')
  stage.takeOver()
  answers(b)
  a.ack(a.told(200))
  t.true(remotePorts(stage).includes(4_445), 'the answer to the call takes nothing of it back')
  t.is(marks(a).filter((mark) => mark === 'INVITE').length, 0, 'and he is not asked again')
})

test('an answer that is not reliable is none: an offer of the caller is 500', (t) => {
  const { a, b } = speaking()
  a.request('UPDATE', { body: sdp(a.endpoint, { version: 2 }) })
  t.is(status(a, 'UPDATE'), 500)
  a.request('UPDATE')
  t.is(status(a, 'UPDATE'), 200, 'without an offer nothing is in the way')
  t.false(b.heard('UPDATE'))
})

test('an offer of the caller meets ours, which he has not answered: 491', (t) => {
  const stage = calling(['Require: 100rel'], '')
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  enterEarly(a, 180)
  a.request('UPDATE', { body: sdp(a.endpoint) })
  t.is(status(a, 'UPDATE'), 491)
  const late = calling([], '')
  answers(late.b)
  enterEarly(late.a, 200)
  late.a.request('UPDATE', { body: sdp(late.a.endpoint) })
  t.is(status(late.a, 'UPDATE'), 491, 'ours is in the 200')
})

test('a caller who takes back before the answer what kept the other one silent: that one is told', (t) => {
  const stage = calling(['Require: 100rel'], sdp(new Stage().a.endpoint, { direction: 'recvonly' }))
  const { a, b } = stage
  t.is(mediaOf(b.asked('INVITE').body)?.direction, 'recvonly')
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint, { direction: 'sendonly' }))
  prack(183)(stage)
  a.request('UPDATE', { body: sdp(a.endpoint, { version: 2 }) })
  t.is(mediaOf(said(a, 'UPDATE').body)?.direction, 'sendrecv')
  const first = b.asked('INVITE')
  b.respond(first, 200, sdp(b.endpoint, { direction: 'sendonly' }))
  t.is(b.asked('INVITE'), first, 'not before the call stands')
  a.ack(a.told(200))
  const again = b.asked('INVITE')
  t.is(mediaOf(again.body)?.direction, 'sendrecv')
  b.respond(again, 200, sdp(b.endpoint, { version: 2 }))
  const directions = [...stage.tables.wiredMedia.values()].map(({ direction }) => direction)
  t.deepEqual(directions, ['sendrecv', 'sendrecv'])
})

for (const takesOver of [false, true]) {
  const how = takesOver ? ', and the other node passes the answer back' : ''
  test(`a digit by INFO over early media reaches who is heard${how}`, (t) => {
    const stage = speaking()
    const { a, b } = stage
    for (const n of [2, 3]) {
      a.request('INFO', digit)
      const asked: SipRequest = b.asked('INFO')
      t.is(asked.body, digit.body)
      t.is(asked.to.parameters.get('tag'), b.localTag)
      t.is(uriText(asked.uri), `sip:102@${b.endpoint.address}:5060`)
      t.is(asked.cseq.number, n)
      if (takesOver) stage.takeOver()
      b.respond(asked, 200)
      t.is(status(a, 'INFO'), 200)
    }
    a.request('INFO', note)
    b.respond(b.asked('INFO'), 415)
    t.is(status(a, 'INFO'), 415, 'whatever it is answered')
    endsWell(stage)
  })
}

test('an INFO that crosses the answer to the call is answered in the call', (t) => {
  const stage = speaking()
  const { a, b } = stage
  a.request('INFO', digit)
  const asked = b.asked('INFO')
  answers(b)
  a.ack(a.told(200))
  b.respond(asked, 200)
  t.is(status(a, 'INFO'), 200)
  a.request('BYE')
  t.true(b.asked('BYE').cseq.number > asked.cseq.number)
})

test('a second INFO has to wait for the answer to the first, and its end is not that of the call', (t) => {
  const stage = speaking()
  const { a, b } = stage
  a.request('INFO', digit)
  a.request('INFO', { ...digit, body: 'Signal=6\r\n' })
  t.is(status(a, 'INFO'), 500)
  t.not(header(said(a, 'INFO'), 'Retry-After'), undefined)
  b.inbox.splice(0, b.inbox.length, b.asked('INVITE'))
  stage.pass(33_000)
  t.is(status(a, 'INFO'), 500, 'not 408')
  b.inbox.splice(0, b.inbox.length, b.asked('INVITE'))
  a.request('INFO', digit)
  b.respond(b.asked('INFO'), 481)
  t.is(status(a, 'INFO'), 500, 'not 481')
  endsWell(stage)
})

test('before anybody is heard a digit is answered and goes nowhere; anything else has to come again', (t) => {
  const stage = calling()
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  enterEarly(a, 180)
  a.request('INFO', digit)
  t.is(status(a, 'INFO'), 200)
  a.request('INFO')
  t.is(status(a, 'INFO'), 200, 'and one that says nothing')
  a.request('INFO', note)
  t.is(status(a, 'INFO'), 500)
  t.not(header(said(a, 'INFO'), 'Retry-After'), undefined)
  t.false(b.heard('INFO'))
  endsWell(stage)
})

test('INFO of who is called goes to a caller who is known to have the dialog', (t) => {
  const plain = speaking()
  plain.b.request('INFO', digit)
  t.is(status(plain.b, 'INFO'), 200)
  t.false(plain.a.heard('INFO'))
  const stage = calling(['Supported: 100rel'])
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 180)
  b.request('INFO', note)
  t.is(status(b, 'INFO'), 500, 'its PRACK has not come')
  prack(180)(stage)
  b.request('INFO', note)
  const asked = a.asked('INFO')
  t.is(asked.to.parameters.get('tag'), a.localTag)
  a.respond(asked, 200)
  t.is(status(b, 'INFO'), 200)
  endsWell(stage)
})

test('a PRACK does not wait for the answer to an INFO', (t) => {
  const stage = calling(['Supported: 100rel'])
  const { a, b } = stage
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  prack(183)(stage)
  a.request('INFO', digit)
  b.respond(b.asked('INVITE'), 182)
  prack(182)(stage)
  t.is(status(a, 'PRACK'), 200)
  stage.takeOver()
  b.respond(b.asked('INVITE'), 180)
  t.true(a.heard(180), 'the next answer of the callee follows')
  prack(180)(stage)
  t.is(status(a, 'PRACK'), 200)
  b.respond(b.asked('INFO'), 200)
  t.is(status(a, 'INFO'), 200)
  endsWell(stage)
})

test('who was to get an INFO is called no more: it has to come again, and the next one gets it', (t) => {
  const stage = new Stage()
  changeProfile(stage, '102', { forward: { busy: '103' } })
  const { a, b } = stage
  const c = stage.phone('103')
  a.call('102')
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  enterEarly(a, 183)
  a.request('INFO', digit)
  t.true(b.heard('INFO'))
  b.respond(b.asked('INVITE'), 486)
  t.is(status(a, 'INFO'), 500)
  c.respond(c.asked('INVITE'), 183, sdp(c.endpoint))
  a.request('INFO', digit)
  c.respond(c.asked('INFO'), 200)
  t.is(status(a, 'INFO'), 200)
  endsWell(stage, '', c)
})

test('an early INFO that another system challenges is asked again with the password', (t) => {
  const login = {
    ...{ user: 'tower', ha1Md5: 'a', ha1Sha256: 'b' },
    ...{ peerRealm: 'b.example', peerHa1Md5: 'c', peerHa1Sha256: 'd' },
  }
  const stage = trunkStage({ ...sitePlan, trunks: [trunk('b-1', { login })] })
  const peer = peerOf(stage, 1)
  const challenge = 'Proxy-Authenticate: Digest realm="b.example", nonce="n1", qop="auth"'
  stage.a.call('70001')
  peer.respond(peer.asked('INVITE'), 183, sdp(peer.endpoint))
  enterEarly(stage.a, 183)
  stage.a.request('INFO', digit)
  const first = peer.asked('INFO')
  stage.takeOver()
  peer.respond(first, 407, '', [challenge])
  const again = peer.asked('INFO')
  t.is(again.cseq.number, first.cseq.number + 1)
  t.is(again.to.parameters.get('tag'), first.to.parameters.get('tag'))
  t.is(again.body, digit.body)
  t.regex(header(again, 'Proxy-Authorization') ?? '', /username="tower"/)
  t.false(stage.a.heard(407))
  peer.respond(again, 200)
  t.is(status(stage.a, 'INFO'), 200)
})

/** Both sides of calls of every kind that nobody has answered. */
const rows: readonly [string, () => { stage: Stage; phones: Phone[] }][] = [
  [
    'a group rings',
    () => {
      const stage = conferenceStage()
      const caller = stage.phone('241')
      caller.call('800')
      for (const number of ['231', '232']) {
        stage.phone(number).respond(stage.phone(number).asked('INVITE'), 180)
      }
      enterEarly(caller, 180)
      return { stage, phones: [caller, stage.phone('231'), stage.phone('232')] }
    },
  ],
  [
    'a conference calls a member',
    () => {
      const stage = conferenceStage()
      dialIn(stage, '241', '700')
      stage.order('700', { kind: 'add', user: '242' })
      const phone = stage.phone('242')
      phone.respond(phone.asked('INVITE'), 180)
      return { stage, phones: [phone] }
    },
  ],
  [
    'a call back rings',
    () => {
      const stage = new Stage()
      const { a, b } = stage
      const c = stage.phone('103')
      a.call('102')
      answers(b)
      a.ack(a.told(200))
      c.call('*66102')
      c.ack(c.told(200))
      stage.pass(limits.confirmationMs + 100)
      c.respond(c.asked('BYE'), 200)
      a.request('BYE')
      b.respond(b.asked('BYE'), 200)
      stage.pass(1_000)
      c.respond(c.asked('INVITE'), 180)
      c.cseq = 0
      c.request('UPDATE')
      answers(c)
      b.callId = 'none'
      b.respond(b.asked('INVITE'), 180)
      return { stage, phones: [c, b] }
    },
  ],
  [
    'the caller hears why it fails',
    () => {
      const stage = new Stage()
      changeProfile(stage, '101', { line: { failureTones: true } })
      stage.a.call('199')
      enterEarly(stage.a, 183)
      return { stage, phones: [stage.a] }
    },
  ],
  [
    'the caller waits for a line',
    () => {
      const stage = new Stage()
      changeProfile(stage, '102', { line: { waiting: 1 } })
      stage.a.call('102')
      answers(stage.b)
      stage.a.ack(stage.a.told(200))
      const c = stage.phone('103')
      c.call('102')
      enterEarly(c, 182)
      return { stage, phones: [c] }
    },
  ],
  [
    'the target of a transfer rings',
    () => {
      const stage = new Stage()
      const { a, b } = stage
      a.call('102')
      answers(b)
      a.ack(a.told(200))
      b.cseq = 100
      b.request('REFER', { headers: [`Refer-To: <sip:103@${service}>`] })
      const c = stage.phone('103')
      c.respond(c.asked('INVITE'), 183, sdp(c.endpoint))
      return { stage, phones: [c] }
    },
  ],
]

for (const [name, begin] of rows) {
  test(`${name}: UPDATE and INFO are answered, and nobody is told 481`, (t) => {
    const { stage, phones } = begin()
    const live = stage.core.liveSessions
    for (const phone of phones) {
      for (const takesOver of [false, true]) {
        if (takesOver) stage.takeOver()
        phone.inbox.length = 0
        phone.request('UPDATE')
        t.is(status(phone, 'UPDATE'), 200, phone.number)
        phone.request('INFO', digit)
        t.is(status(phone, 'INFO'), 200, phone.number)
        phone.request('UPDATE', { body: 'v=0\r\n' })
        t.true([488, 491, 500].includes(status(phone, 'UPDATE')), phone.number)
        phone.request('INFO', note)
        t.true([415, 500].includes(status(phone, 'INFO')), phone.number)
        t.false(phone.heard(481), phone.number)
      }
    }
    t.is(stage.core.liveSessions, live)
    for (const { sessionId } of [...stage.tables.wiredConference.values()]) stage.release(sessionId)
    stage.pass(120_000)
    t.is(stage.tables.wiredConference.size + stage.tables.conferenceResource.size, 0)
  })
}

test('the asker of a call back may change his media while the number rings', (t) => {
  const [, begin] = rows[2] ?? t.fail()
  const { stage, phones } = begin()
  const [asker = t.fail()] = phones
  const session = () =>
    [...stage.tables.wiredConference.values()].find(({ state }) => state === 'ringing')
  const offer = (direction: string, port: number) =>
    sdp(asker.endpoint, { direction, port, version: port })
  asker.request('UPDATE', { body: offer('sendonly', 4_500) })
  t.is(status(asker, 'UPDATE'), 200)
  t.true(remotePorts(stage).includes(4_500))
  t.is(session()?.members[0]?.state, 'hold')
  asker.request('UPDATE', { body: offer('sendrecv', 4_501) })
  t.is(session()?.members[0]?.state, 'talking')
})
