//! Floods: who gets through, who does not, and in how much memory.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { callIdIn } from '../../src/switching/flood/call-id.ts'
import { FloodGate } from '../../src/switching/flood/flood-gate.ts'
import { KnownSources } from '../../src/switching/flood/known-sources.ts'
import type { User } from '../../src/tables/user.ts'
import type { Endpoint } from '../../src/wire/sip/message.ts'
import { plainUser } from '../tables/plain-records.ts'
import { Stage, sdp } from './core-stage.ts'

const attacker = { address: '10.0.9.9', port: 5060 }

function message(callId: string, bytes = 300): Buffer {
  const head = `BYE sip:1@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.2\r\nCall-ID: ${callId}\r\n`
  return Buffer.from(head.padEnd(bytes - 4, 'x').concat('\r\n\r\n'))
}

function user(number: string, endpoint: Endpoint, type: User['type'] = 'telephone'): User {
  const contact = `sip:${number}@${endpoint.address}`
  return plainUser(number, endpoint, { type, contact, expiresAtMs: 1, callId: `reg-${number}` })
}

/** A gate that has looked at time zero. */
function gateWith(...users: User[]): { gate: FloodGate; known: KnownSources } {
  const known = new KnownSources()
  for (const one of users) known.userChanged(null, one)
  const gate = new FloodGate(known)
  gate.look(0)
  return { gate, known }
}

/** Evenly over a time. @returns how many were let in. */
function flood(
  gate: FloodGate,
  from: Endpoint,
  { perSecond, fromMs, toMs }: { perSecond: number; fromMs: number; toMs: number },
  bytes = message('flood'),
): number {
  let admitted = 0
  const count = ((toMs - fromMs) * perSecond) / 1_000
  for (let n = 0; n < count; n += 1) {
    if (gate.admit(bytes, from, fromMs + (n * 1_000) / perSecond)) admitted += 1
  }
  return admitted
}

test('of a thousand messages a second of a stranger the core sees 200', (t) => {
  const { gate } = gateWith()
  const first = flood(gate, attacker, { perSecond: 1_000, fromMs: 0, toMs: 10_000 })
  t.true(Math.abs(first - limits.floodStrangerBurst - 10 * limits.floodStrangerPerSecond) < 3)
  t.is(gate.dropped, 10_000 - first)
})

test('all strangers together have a budget: a thousand addresses come no further than one', (t) => {
  const { gate } = gateWith()
  let admitted = 0
  for (let n = 0; n < 100_000; n += 1) {
    const from = { address: `10.1.${n % 250}.${Math.floor(n / 250) % 4}`, port: 5060 }
    if (gate.admit(message('x'), from, n / 20)) admitted += 1
  }
  const allowed = limits.floodStrangersBurst + 5 * limits.floodStrangersPerSecond
  t.true(Math.abs(admitted - allowed) < 3, String(admitted))
})

test('a telephone has its own budget, which a flood of strangers does not touch', (t) => {
  const phone = { address: '10.0.1.1', port: 5060 }
  const { gate } = gateWith(user('101', phone))
  for (let n = 0; n < 50_000; n += 1) {
    gate.admit(message('x'), { address: `10.${n % 250}.1.9`, port: n % 60_000 }, n / 20)
  }
  t.is(flood(gate, phone, { perSecond: 40, fromMs: 2_500, toMs: 12_500 }), 400)
})

test('as many telephones as one address has, so much it may say; a gateway more, and nobody endless', (t) => {
  const place = { address: '10.0.1.1', port: 5060 }
  const inTenSeconds = (users: User[]): number =>
    flood(gateWith(...users).gate, place, { perSecond: 20_000, fromMs: 0, toMs: 10_000 })
  const budgets: [User[], number][] = [
    [[user('1', place)], limits.floodPhonePerSecond],
    [[user('1', place), user('2', place)], 2 * limits.floodPhonePerSecond],
    [[user('900', place, 'gateway')], limits.floodGatewayPerSecond],
    [Array.from({ length: 300 }, (_, n) => user(`${n}`, place)), limits.floodKnownPerSecondMax],
  ]
  for (const [users, budget] of budgets) {
    const wanted = budget * (10 + limits.floodBurstSeconds)
    t.true(Math.abs(inTenSeconds(users) - wanted) < 3, `${budget}`)
  }
})

test('a flood from the address of a telephone: its call and its registration come through', (t) => {
  const phone = { address: '10.0.1.1', port: 5060 }
  const { gate } = gateWith(user('101', phone))
  const other = { ...phone, port: 40_000 }
  for (const from of [phone, other]) {
    flood(gate, from, { perSecond: 20_000, fromMs: 0, toMs: 2_000 })
    t.false(gate.admit(message('anything'), from, 2_000))
    t.true(gate.admit(message('reg-101'), from, 2_000))
    t.true(gate.admit(message('reg-101'), from, 2_000))
  }
  const replayed = flood(
    gate,
    phone,
    { perSecond: 20_000, fromMs: 2_000, toMs: 12_000 },
    message('reg-101'),
  )
  t.true(
    replayed < 3 * limits.floodPhonePerSecond * (10 + limits.floodBurstSeconds),
    'bounded, too',
  )
})

test('who is in a call is known by it as long as it is in the table', (t) => {
  const stage = new Stage()
  const known = new KnownSources()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  const [session] = stage.tables.wiredConference.values()
  if (session === undefined) return t.fail()
  known.sessionChanged(null, session)
  t.true(known.hasCallId(a.callId))
  t.true(known.hasCallId(b.asked('INVITE').callId))
  t.is(known.budgetOf(a.endpoint), limits.floodPhonePerSecond)
  const [first, second] = session.members
  if (first === undefined || second === undefined) return t.fail()
  const moved = { ...second.dialog, destination: { address: '10.0.7.7', port: 1 } }
  const next = { ...session, members: [first, { ...second, dialog: moved }] }
  known.sessionChanged(session, next)
  t.false(known.hasAddress(b.endpoint.address))
  t.true(known.hasAddress('10.0.7.7'))
  known.sessionChanged(next, null)
  t.false(known.hasAddress('10.0.7.7'))
  t.false(known.hasCallId(a.callId))
})

test('a million addresses fit a bounded table, and are forgotten', (t) => {
  const { gate } = gateWith()
  for (let n = 0; n < 1_000_000; n += 1) {
    gate.admit(message('x', 60), { address: `${n}`, port: 1 }, n / 100)
  }
  t.is(gate.size, limits.floodSourcesMax)
  t.is(gate.look(10_000).at(-1)?.address, 'other addresses')
  gate.look(10_000 + limits.floodForgetMs + 1)
  t.is(gate.size, 0)
})

test('large messages count more', (t) => {
  const { gate } = gateWith()
  const large = message('x', 16_000)
  const admitted = flood(gate, attacker, { perSecond: 1_000, fromMs: 0, toMs: 1_000 }, large)
  const cost = 1 + Math.floor(16_000 / limits.floodTokenBytes)
  t.true(Math.abs(admitted - 600 / cost) < 2, String(admitted))
})

test('a flood is told with its address, and ends when it was quiet for a while', (t) => {
  const { gate } = gateWith()
  t.deepEqual(gate.look(1_000), [])
  flood(gate, attacker, { perSecond: 10_000, fromMs: 1_000, toMs: 2_000 })
  const [told, ...more] = gate.look(2_000)
  t.deepEqual(more, [])
  t.is(told?.address, attacker.address)
  t.regex(told?.detail ?? '', /^9\d{3} of 10000 messages a second dropped$/)
  t.is(gate.look(2_000 + limits.floodEndsMs - 1).length, 1)
  t.deepEqual(gate.look(2_000 + limits.floodEndsMs), [])
})

test('many floods are a few alarms', (t) => {
  const { gate } = gateWith()
  for (let source = 0; source < 50; source += 1) {
    const from = { address: `10.0.2.${source}`, port: 5060 }
    flood(gate, from, { perSecond: 2_000, fromMs: 0, toMs: 1_000 })
  }
  const told = gate.look(1_000)
  t.is(told.length, limits.floodAlarmsMax + 1)
  t.deepEqual(told.at(-1), { address: 'other addresses', detail: '42 more addresses, or many' })
})

const texts: [string, string | null][] = [
  ['BYE sip:a SIP/2.0\r\nVia: x\r\nCall-ID: abc@1.2.3.4\r\n\r\n', 'abc@1.2.3.4'],
  ['BYE sip:a SIP/2.0\r\nCALL-id : abc \r\n\r\n', 'abc'],
  ['BYE sip:a SIP/2.0\r\ni:abc\r\n\r\n', 'abc'],
  ['SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\nContact: x\r\nI: abc\r\n\r\n', 'abc'],
  ['BYE sip:a SIP/2.0\r\nCall-ID-Not: abc\r\n\r\n', null],
  ['BYE sip:a SIP/2.0\r\nCall-ID: abc', null],
  ['BYE sip:a SIP/2.0', null],
  ['', null],
  ['\n', null],
  [`BYE sip:a SIP/2.0\r\n${'X: y\r\n'.repeat(60)}Call-ID: abc\r\n\r\n`, null],
]
for (const [text, callId] of texts) {
  test(`the Call-ID of ${JSON.stringify(text).slice(0, 60)} is ${callId}`, (t) => {
    t.is(callIdIn(Buffer.from(text)), callId)
  })
}
