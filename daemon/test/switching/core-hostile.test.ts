//! What a terminal writes must not end a node: not at once, and not when the peer reads it from the
//! tables.
import { createHash } from 'node:crypto'
import test from 'ava'
import { headerValues } from '../../src/wire/sip/message.ts'
import { Phone, Stage, sdp } from './core-stage.ts'

test('a registered Contact with headers is called, and its call can be taken over', (t) => {
  const stage = new Stage()
  const user = stage.tables.user.get('102')
  if (user === undefined) return t.fail()
  stage.tables.user.put({ ...user, contact: `${user.contact}?Subject=x` })
  stage.a.call('102')
  stage.takeOver()
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  stage.a.ack(stage.a.told(200))
  stage.a.request('BYE')
  stage.takeOver()
  stage.b.respond(stage.b.asked('BYE'), 200)
  t.is(stage.core.liveSessions, 0)
})

const many = (count: number, value: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => value(n)).join(', ')
const heavy: Readonly<Record<string, string[]>> = {
  'Record-Route, each of them a line of the answer': [
    `Via: ${many(69, (n) => `SIP/2.0/UDP p${n}.test`)}`,
    'WG67-Version: phone.02',
    `Record-Route: ${many(20, (n) => `<sip:10.0.1.${n + 1};lr>`)}`,
  ],
}
for (const [name, headers] of Object.entries(heavy)) {
  test(`an INVITE with ${name}: its answer can be taken over, or it is refused`, (t) => {
    const stage = new Stage()
    const { a, b } = stage
    a.call('102', sdp(a.endpoint), headers)
    if (b.heard('INVITE')) {
      b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
      t.notThrows(() => stage.takeOver())
    } else t.is(stage.core.liveSessions, 0)
  })
}

test('the answer to a request of any length can be read, or there is none', (t) => {
  const stage = new Stage()
  const { endpoint } = stage.a
  let answers = 0
  for (let length = 7_500; length <= 8_300; length += 10) {
    const lines = [
      'OPTIONS sip:vccs.test SIP/2.0',
      `Via: SIP/2.0/UDP ${endpoint.address}:${endpoint.port};rport;branch=z9hG4bK${length}`,
      'From: <sip:101@vccs.test>;tag=a',
      'To: <sip:vccs.test>',
      `Call-ID: c${length}`,
      `CSeq: 1 OPTIONS${'x'.repeat(length)}`,
      'Content-Length: 0',
    ]
    const before = stage.sent
    // The stage reads all that leaves the core.
    t.notThrows(() => stage.fromNetwork(`${lines.join('\r\n')}\r\n\r\n`, endpoint), `${length}`)
    answers += stage.sent - before
  }
  t.true(answers > 0)
})

test('a long Reason of the callee is not put into the record', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102', sdp(a.endpoint), [
    `Via: ${many(4, () => `SIP/2.0/UDP p.test;x=${'y'.repeat(480)}`)}`,
  ])
  b.respond(b.asked('INVITE'), 603, '', [`Reason: SIP;text="${'x'.repeat(15_500)}"`])
  t.notThrows(() => stage.takeOver())
})

test('an INFO that would not fit the record is refused, and so is such an answer', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  a.request('INFO', { headers: [`Content-Type: text/plain;x=${'y'.repeat(15_500)}`] })
  t.true(a.heard(513))
  a.request('INFO', { headers: ['Content-Type: text/plain'], body: 'x' })
  b.respond(b.asked('INFO'), 200, 'x'.repeat(15_500))
  t.true(a.heard(502))
  t.notThrows(() => stage.takeOver())
})

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** 101 has a password. */
function withPassword(stage: Stage): void {
  const entry = stage.tables.phoneBook.get('101')
  if (entry === undefined) throw new Error('no account 101')
  stage.tables.phoneBook.put({ ...entry, ha1Md5: md5('101:vccs.test:secret') })
}

/** The line that answers the challenge of a REGISTER. */
function authorizationOf(phone: Phone): string {
  const [challenge = ''] = headerValues(phone.told(401), 'WWW-Authenticate')
  const nonce = /nonce="([^"]*)"/.exec(challenge)?.[1] ?? ''
  const ha2 = md5(`REGISTER:${phone.target}`)
  const digest = md5(`${md5('101:vccs.test:secret')}:${nonce}:00000001:abc:auth:${ha2}`)
  return (
    `Authorization: Digest username="101", realm="vccs.test", nonce="${nonce}", ` +
    `uri="${phone.target}", qop=auth, nc=00000001, cnonce="abc", algorithm=MD5, response="${digest}"`
  )
}

test('a registration that finds table 1 full is answered 503, not 200', (t) => {
  const stage = new Stage()
  const { a, tables } = stage
  withPassword(stage)
  tables.user.put = () => ({ ok: false })
  a.remoteUser = '101'
  a.request('REGISTER')
  a.request('REGISTER', { headers: [authorizationOf(a)] })
  t.true(a.heard(503))
  t.false(a.heard(200))
})

test('a registration that was captured takes nobody away from his telephone, also at the new primary', (t) => {
  const stage = new Stage()
  const { a } = stage
  const thief = stage.phone('103')
  withPassword(stage)
  a.remoteUser = '101'
  a.request('REGISTER')
  const captured = authorizationOf(a)
  a.request('REGISTER', { headers: [captured] })
  t.true(a.heard(200))
  for (const takesOver of [false, true]) {
    if (takesOver) stage.takeOver()
    thief.inbox.length = 0
    const asked = new Phone(stage, '101', thief.endpoint)
    Object.assign(asked, { callId: `thief-${takesOver}`, remoteUser: '101', target: a.target })
    asked.branch = 900
    asked.request('REGISTER', { headers: [captured] })
    t.false(thief.heard(200), `a take-over: ${takesOver}`)
    const [challenge = ''] = headerValues(thief.told(401), 'WWW-Authenticate')
    t.regex(challenge, /stale=true/i)
    t.is(stage.tables.user.get('101')?.address, a.endpoint.address)
  }
  // The telephone itself is asked once more, and needs nobody for it.
  a.inbox.length = 0
  a.request('REGISTER', { headers: [captured] })
  a.request('REGISTER', { headers: [authorizationOf(a)] })
  t.true(a.heard(200))
})
