//! What a call record says of a call beside who and when: why it failed, which services took effect, and over
//! which trunk it went.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import { header } from '../../src/wire/sip/message.ts'
import { Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import { peerOf, trunkStage } from './trunk-stage.ts'

function talking(stage: Stage): Stage {
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  a.ack(a.told(200))
  return stage
}

const c = (stage: Stage) => stage.phone('103')

const why: readonly (readonly [what: string, status: number, reason: RegExp, act: Act])[] = [
  [
    'do not disturb',
    480,
    /^Q\.850;cause=21;text="Do not disturb"$/,
    (stage) => {
      changeProfile(stage, '102', { settings: { doNotDisturb: true } })
      c(stage).call('102')
    },
  ],
  [
    'a telephone that is not registered',
    480,
    /^Q\.850;cause=20;text="Subscriber absent"$/,
    (stage) => c(stage).call('104'),
  ],
  [
    'a line that is busy',
    486,
    /^Q\.850;cause=17;text="User busy"$/,
    (stage) => {
      talking(stage)
      c(stage).call('102')
    },
  ],
  [
    'a busy line that has no place left after a long wait',
    486,
    /^Q\.850;cause=17;text="User busy"$/,
    (stage) => {
      changeProfile(stage, '102', { line: { waiting: 1 } })
      talking(stage)
      c(stage).call('102')
      stage.pass(limits.queueMsMax + 1_000)
    },
  ],
  [
    'a telephone that rings and is not answered',
    408,
    /^Q\.850;cause=19;text="No answer from user"$/,
    (stage) => {
      c(stage).call('102')
      stage.b.respond(stage.b.asked('INVITE'), 180)
      stage.pass(limits.noAnswerMs + 1_000)
    },
  ],
  [
    'a telephone that says nothing',
    408,
    /^Q\.850;cause=18;text="No user responding"$/,
    (stage) => {
      c(stage).call('102')
      stage.pass(40_000)
    },
  ],
]

type Act = (stage: Stage) => void

for (const [what, status, reason, act] of why) {
  test(`${what}: the record and the answer say the cause`, (t) => {
    const stage = new Stage()
    act(stage)
    const record = stage.records.find(({ caller }) => caller === '103')
    t.is(record?.status, status)
    t.regex(record?.reason ?? '', reason)
    t.is(header(c(stage).told(status), 'Reason'), record?.reason)
  })

  test(`${what}: a caller who hears tones is told the same cause after them`, (t) => {
    const stage = new Stage()
    changeProfile(stage, '103', { line: { failureTones: true } })
    act(stage)
    t.true(c(stage).heard(183))
    stage.pass(limits.failureToneMs + 100)
    t.regex(stage.records.find(({ caller }) => caller === '103')?.reason ?? '', reason)
    t.regex(header(c(stage).told(status), 'Reason') ?? '', reason)
  })
}

test('a group of which all talk is busy, with the same cause', (t) => {
  const group = { name: 'g', displayName: '', number: '800', members: ['102'] }
  const groups = [{ ...group, mode: 'first' as const, noAnswerSeconds: 20 }]
  const stage = talking(new Stage({ plan: { ...emptyPlan, groups } }))
  c(stage).call('800')
  t.regex(header(c(stage).told(486), 'Reason') ?? '', /^Q\.850;cause=17/)
})

for (const [what, members, reason] of [
  ['is there', ['104', '118', '103'], /^Q\.850;cause=20/],
  ['wants to be disturbed', ['101', '102'], /^Q\.850;cause=21/],
  ['is there or wants to be disturbed', ['101', '104'], /^Q\.850;cause=20/],
] as const) {
  test(`a group of which nobody ${what} says so by a cause`, (t) => {
    const group = { name: 'g', displayName: '', number: '800', members: [...members] }
    const groups = [{ ...group, mode: 'first' as const, noAnswerSeconds: 20 }]
    const stage = new Stage({ plan: { ...emptyPlan, groups } })
    for (const number of ['101', '102']) {
      changeProfile(stage, number, { settings: { doNotDisturb: true } })
    }
    c(stage).call('800')
    t.regex(header(c(stage).told(480), 'Reason') ?? '', reason)
  })
}

test('what a terminal says of itself is its own word', (t) => {
  const stage = new Stage()
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 486, '', ['Reason: SIP;cause=486;text="Not now"'])
  t.like(stage.records[0], {
    endedBy: 'callee',
    status: 486,
    reason: 'SIP;cause=486;text="Not now"',
  })
  const other = new Stage()
  other.a.call('102')
  other.b.respond(other.b.asked('INVITE'), 480)
  t.like(other.records[0], { endedBy: 'callee', status: 480, reason: '' })
})

function servicesIn(stage: Stage, caller: string): string[] {
  return stage.records.find((record) => record.caller === caller)?.services ?? ['no record']
}

function endOfTalk(stage: Stage): void {
  stage.a.request('BYE')
  stage.b.respond(stage.b.asked('BYE'), 200)
  stage.pass(100)
}

test('two who call each other are no pick-up', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 180)
  b.call('101')
  a.ack(a.told(200))
  b.ack(b.told(200))
  a.request('BYE')
  b.respond(b.asked('BYE'), 200)
  t.deepEqual(servicesIn(stage, '101'), ['glare'])
})

test('a forced release is recorded of both calls when it ends one, and of none when it was only asked for', (t) => {
  for (const isDone of [true, false]) {
    const stage = new Stage()
    changeProfile(stage, '103', { rights: { forceRelease: true } })
    talking(stage)
    c(stage).call('*38102')
    if (isDone) stage.pass(limits.interruptionWaitMs + 100)
    else endOfTalk(stage)
    stage.b.respond(stage.b.asked('BYE'), 200)
    stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
    c(stage).ack(c(stage).told(200))
    c(stage).request('BYE')
    const service = isDone ? ['forced-release'] : []
    t.deepEqual(servicesIn(stage, '101'), service)
    t.deepEqual(servicesIn(stage, '103'), ['queue', ...service])
  }
})

test('an intrusion is recorded of both calls when it enters one, and of none when it was only asked for', (t) => {
  for (const isDone of [true, false]) {
    const stage = new Stage()
    changeProfile(stage, '103', { rights: { intrude: true } })
    talking(stage)
    c(stage).call('*37102')
    if (isDone) {
      stage.pass(limits.intrusionWaitMs + 100)
      c(stage).ack(c(stage).told(200))
    } else c(stage).request('CANCEL')
    for (const phone of [stage.a, stage.b]) phone.request('BYE')
    stage.pass(limits.releasedMsMax)
    const services = stage.records.map((record) => [record.caller, record.services.join()])
    t.is(services.length, 2)
    for (const [caller = '', used = ''] of services) {
      t.is(used.includes('intrusion'), isDone, `${caller}: ${used}`)
    }
  }
})

test('the trunk of a leg is in the record: of a call that goes out, of one that comes in, of each way that was tried', (t) => {
  const out = trunkStage()
  const [first, second] = [peerOf(out, 1), peerOf(out, 2)]
  out.a.call('70001')
  first.respond(first.asked('INVITE'), 503)
  out.takeOver()
  second.respond(second.asked('INVITE'), 200, sdp(second.endpoint))
  out.a.ack(out.a.told(200))
  out.a.request('BYE')
  t.deepEqual(
    out.records[0]?.parties.map(({ leg, trunk }) => [leg, trunk]),
    [
      ['a', undefined],
      ['b', 'b-1'],
      ['c', 'b-2'],
    ],
  )
  const inward = trunkStage()
  const peer = peerOf(inward, 1)
  peer.call('3102')
  inward.b.respond(inward.b.asked('INVITE'), 200, sdp(inward.b.endpoint))
  peer.ack(peer.told(200))
  peer.request('BYE')
  t.deepEqual(
    inward.records[0]?.parties.map(({ number, trunk }) => [number, trunk]),
    [
      ['7peer1', 'b-1'],
      ['102', undefined],
    ],
  )
})

test('a call from a trunk that is refused has the trunk and its number of this site, too', (t) => {
  const stage = trunkStage()
  peerOf(stage, 1).call('3222')
  t.true(peerOf(stage, 1).heard(404))
  t.like(stage.records[0], { caller: '7peer1', called: '3222', status: 404 })
  t.is(stage.records[0]?.parties[0]?.trunk, 'b-1')
})
