//! Pre-emption: an emergency call that finds nothing left takes it from the least urgent call, and only then.
import test from 'ava'
import { emptyPlan, type TrunkPlan } from '../../src/switching/plan.ts'
import { header } from '../../src/wire/sip/message.ts'
import type { Script } from './core-calls.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const emergency = ['Subject: DA/IDA call', 'Priority: emergency']
const urgent = ['Subject: DA/IDA call', 'Priority: urgent']
const told = 'WG-67;cause=2000;text="session pre-emption"'

/** Telephones 101 .. 103 and 131 .. 136; 131 may call in an emergency, and enters no conversation. */
function site(options: ConstructorParameters<typeof Stage>[0] = {}): Stage {
  const stage = new Stage(options)
  for (const number of ['131', '132', '133', '134', '135', '136']) {
    stage.addPhone(number, 'telephone')
    changeProfile(stage, number, { rights: { priorityMax: 'urgent' } })
  }
  changeProfile(stage, '131', { rights: { priorityMax: 'emergency' } })
  return stage
}

function talk(stage: Stage, from: string, to: string, headers: string[] = []): void {
  const [caller, callee] = [stage.phone(from), stage.phone(to)]
  caller.call(to, undefined, headers)
  callee.respond(callee.asked('INVITE'), 200, sdp(callee.endpoint))
  caller.ack(caller.told(200))
  stage.pass(10)
}

function reasonOf(phone: Phone): string | undefined {
  return header(phone.asked('BYE'), 'Reason')
}

test('without a free port an emergency call ends the least urgent and youngest call, which is told', (t) => {
  // Three calls of two have ports.
  const stage = site({ lastPort: 20_011 })
  talk(stage, '101', '102')
  talk(stage, '132', '133', urgent)
  talk(stage, '103', '134')
  stage.phone('135').call('136')
  t.true(stage.phone('135').heard(503))
  const [one, other] = [stage.phone('131'), stage.phone('136')]
  one.call('136', undefined, emergency)
  t.true(other.heard('INVITE'))
  for (const number of ['103', '134']) t.is(reasonOf(stage.phone(number)), told)
  for (const number of ['101', '102', '132', '133']) t.false(stage.phone(number).heard('BYE'))
  const record = stage.records.at(-1)
  t.is(record?.reason, told)
  t.deepEqual(record?.services, ['pre-empted'])
  t.is(record?.endedBy, 'switch')
  t.is(stage.core.liveSessions, 3)
})

test('emergency calls and conferences are not pre-empted, and nothing is ended in vain', (t) => {
  const stage = site({ lastPort: 20_003 })
  changeProfile(stage, '101', { rights: { priorityMax: 'emergency' } })
  talk(stage, '101', '102', emergency)
  stage.phone('131').call('136', undefined, emergency)
  t.true(stage.phone('131').heard(503))
  t.false(stage.a.heard('BYE'))
})

test('a call to nobody, or to one who is away, ends no other call', (t) => {
  const stage = site({ lastPort: 20_003 })
  talk(stage, '101', '102')
  for (const [number, status] of [
    ['777', 404],
    ['104', 480],
    ['118', 603],
  ] as const) {
    stage.phone('131').call(number, undefined, emergency)
    t.true(stage.phone('131').heard(status), number)
  }
  t.false(stage.a.heard('BYE'))
})

test('a busy line without a place to wait is freed for an emergency call, unless one of the two is not to be intruded', (t) => {
  const stage = site()
  talk(stage, '101', '102')
  stage.b.inbox.length = 0
  stage.phone('131').call('102', undefined, emergency)
  t.is(reasonOf(stage.a), told)
  t.is(reasonOf(stage.b), told)
  t.is(stage.b.asked('INVITE').from.uri.user, '131')
  for (const number of ['101', '102']) {
    const closed = site()
    changeProfile(closed, number, { rights: { beIntruded: false } })
    talk(closed, '101', '102')
    closed.phone('131').call('102', undefined, emergency)
    t.true(closed.phone('131').heard(486), number)
    t.false(closed.a.heard('BYE'))
  }
})

test('a line that carries more than it may keeps all of it', (t) => {
  const stage = site()
  changeProfile(stage, '102', { line: { calls: 2 } })
  talk(stage, '101', '102')
  stage.phone('103').call('102')
  changeProfile(stage, '102', { line: { calls: 1 } })
  stage.phone('131').call('102', undefined, emergency)
  t.true(stage.phone('131').heard(486))
  t.is(stage.core.liveSessions, 2)
})

test('a busy line with a place to wait keeps its call', (t) => {
  const stage = site()
  changeProfile(stage, '102', { line: { waiting: 1 } })
  talk(stage, '101', '102')
  stage.phone('131').call('102', undefined, emergency)
  t.true(stage.phone('131').heard(182))
  t.false(stage.a.heard('BYE'))
})

const trunk: TrunkPlan = {
  name: 'north',
  displayName: '',
  peer: { address: '10.0.1.90', port: 5060 },
  account: null,
  trust: 'address',
  login: null,
  capacity: 1,
  optionsSeconds: 0,
  responseSeconds: 5,
  classes: [],
  priorityMax: 'emergency',
  monitor: false,
  outgoing: { called: [], caller: [] },
  incoming: { called: [], caller: [] },
}
const plan = {
  ...emptyPlan,
  trunks: [trunk],
  routes: [
    { name: 'out', pattern: '8X.', priority: 1, class: '', trunks: ['north'], failOver: [] },
  ],
}

function withTrunk(): Stage {
  const stage = site({ plan })
  stage.addPhone('890', 'gateway')
  stage.tables.phoneBook.delete('890')
  return stage
}

test('the only line of a trunk is taken from an ordinary call, by one that goes out and one that comes in', (t) => {
  const stage = withTrunk()
  const peer = stage.phone('890')
  stage.a.call('8555')
  peer.respond(peer.asked('INVITE'), 200, sdp(peer.endpoint))
  stage.a.ack(stage.a.told(200))
  stage.phone('132').call('8777', undefined, urgent)
  t.true(stage.phone('132').heard(503))
  stage.phone('131').call('8777', undefined, emergency)
  t.is(reasonOf(stage.a), told)
  t.is(peer.asked('INVITE').uri.user, '8777')
  const other = withTrunk()
  const caller = other.phone('890')
  other.a.call('8555')
  caller.respond(caller.asked('INVITE'), 200, sdp(caller.endpoint))
  other.a.ack(other.a.told(200))
  caller.call('777', undefined, emergency)
  t.false(other.a.heard('BYE'))
  caller.call('102', undefined, emergency)
  t.is(reasonOf(other.a), told)
  t.true(other.b.heard('INVITE'))
})

/** 131 calls 136 while both ports are in use. */
const script: Script = [
  (stage) => talk(stage, '101', '102'),
  (stage) => stage.phone('131').call('136', undefined, emergency),
  ({ a }) => a.respond(a.asked('BYE'), 200),
  ({ b }) => b.respond(b.asked('BYE'), 200),
  (stage) => {
    const phone = stage.phone('136')
    phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint))
  },
  (stage) => stage.phone('131').ack(stage.phone('131').told(200)),
  (stage) => stage.phone('131').request('BYE'),
  (stage) => stage.phone('136').respond(stage.phone('136').asked('BYE'), 200),
]

test('pre-emption ends as without a take-over, whenever there is one', (t) => {
  for (let step = -1; step < script.length; step += 1) {
    const stage = site({ lastPort: 20_003 })
    for (const [index, act] of script.entries()) {
      act(stage)
      if (index === step) stage.takeOver()
    }
    t.is(stage.core.liveSessions, 0, `step ${step}`)
    t.deepEqual(stage.records.map(({ reason }) => reason).sort(), ['', told], `step ${step}`)
    stage.pass(80_000)
    const { conferenceResource, wiredMedia, wiredConference } = stage.tables
    const left = [conferenceResource.size, wiredMedia.size, wiredConference.size]
    t.deepEqual(left, [0, 0, 0], `step ${step}`)
  }
})
