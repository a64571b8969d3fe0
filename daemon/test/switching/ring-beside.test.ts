//! Emergency calls to a busy line: they ring at the position beside its calls, are answered, declined or let in
//! there, and look again whenever something changes on the line; over take-overs.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { header } from '../../src/wire/sip/message.ts'
import type { Script, Step } from './core-calls.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const emergency = ['Subject: DA/IDA call', 'Priority: emergency', 'WG67-Version: phone.01']
const preempted = 'WG-67;cause=2000;text="session pre-emption"'

/** Position 106 is called; 105 and 107 may call in an emergency. */
function site(): Stage {
  const stage = new Stage()
  for (const number of ['105', '106', '107']) stage.addPhone(number, 'position')
  return stage
}

const p = (stage: Stage) => stage.phone('106')
const c = (stage: Stage) => stage.phone('105')

const answered = (phone: Phone) => phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint))
const callers = ({ inbox }: Phone) =>
  inbox.flatMap((one) =>
    one.kind === 'request' && one.method === 'INVITE' && !one.to.parameters.has('tag')
      ? [one.from.uri.user]
      : [],
  )
const urgent: Step = (stage) => c(stage).call('106', undefined, emergency)
/** The re-INVITE of the switch, when an INVITE of a new call may have come after it. */
function reinvited({ inbox }: Phone) {
  const found = inbox.findLast(
    (one) => one.kind === 'request' && one.method === 'INVITE' && one.to.parameters.has('tag'),
  )
  if (found?.kind !== 'request') throw new Error('no re-INVITE')
  return found
}

const rings: Script = [
  ({ a }) => a.call('106'),
  (stage) => p(stage).respond(p(stage).asked('INVITE'), 180),
]
const dials: Script = [
  (stage) => p(stage).call('101'),
  ({ a }) => a.respond(a.asked('INVITE'), 180),
]
const talks: Script = [
  ({ a }) => a.call('106'),
  (stage) => answered(p(stage)),
  ({ a }) => a.ack(a.told(200)),
]
const changes =
  (who: (stage: Stage) => Phone, direction: string, version: number): Step =>
  (stage) => {
    const phone = who(stage)
    if (phone.cseq === 0) phone.cseq = 100
    phone.reinvite(sdp(phone.endpoint, { direction, version }))
  }
const agrees =
  (who: (stage: Stage) => Phone, direction: string, version: number): Step =>
  (stage) => {
    const phone = who(stage)
    phone.respond(reinvited(phone), 200, sdp(phone.endpoint, { direction, version }))
  }
const holds: Script = [
  changes(p, 'sendonly', 2),
  agrees(({ a }) => a, 'recvonly', 2),
  (stage) => p(stage).ack(p(stage).told(200)),
]
const isHeld: Script = [
  changes(({ a }) => a, 'sendonly', 2),
  agrees(p, 'recvonly', 2),
  ({ a }) => a.ack(a.told(200)),
]
const confers: Step = (stage) => {
  const [session] = stage.tables.wiredConference.values()
  stage.order(session?.sessionId ?? '', { kind: 'add', user: '103' })
}

function play(stage: Stage, ...scripts: readonly Script[]): Stage {
  for (const step of scripts.flat()) step(stage)
  return stage
}

function leavesNothing(stage: Stage): boolean {
  stage.pass(200_000)
  const { conferenceResource, wiredConference, wiredMedia } = stage.tables
  return conferenceResource.size + wiredConference.size + wiredMedia.size === 0
}

const busy: Readonly<Record<string, Script>> = {
  'an ordinary call rings there': rings,
  'it dials': dials,
  'it talks': talks,
  'it holds its call': [...talks, ...holds],
  'it is held': [...talks, ...isHeld],
  'it is in a conference': [...talks, confers],
}
for (const [name, script] of Object.entries(busy)) {
  test(`an emergency call rings at a position at once, and is answered there: ${name}`, (t) => {
    const stage = play(site(), script)
    const others = stage.core.liveSessions
    urgent(stage)
    t.true(c(stage).heard(182))
    t.is(callers(p(stage)).at(-1), '105')
    const invite = p(stage).inbox.findLast(
      (one) => one.kind === 'request' && one.method === 'INVITE' && one.from.uri.user === '105',
    )
    if (invite?.kind !== 'request') throw new Error('no INVITE of the emergency call')
    t.is(header(invite, 'Priority'), 'emergency')
    stage.takeOver()
    p(stage).respond(invite, 180)
    t.true(c(stage).heard(180))
    stage.takeOver()
    p(stage).respond(invite, 200, sdp(p(stage).endpoint))
    c(stage).ack(c(stage).told(200))
    t.is(stage.core.liveSessions, others + 1)
    stage.pass(2 * limits.intrusionWaitMs)
    t.false(c(stage).heard(183), 'it is in already')
    t.false(c(stage).heard('BYE') || c(stage).heard(486))
    stage.pass(limits.queueMsMax)
    t.false(c(stage).heard('BYE'), 'nor does it wait any more')
  })
}

test('who rings beside a conversation and is not answered comes in, and rings no more', (t) => {
  const stage = play(site(), talks, [urgent])
  p(stage).respond(p(stage).asked('INVITE'), 180)
  stage.pass(limits.intrusionWaitMs - 100)
  t.false(p(stage).heard('CANCEL'))
  stage.pass(200)
  t.is(header(p(stage).asked('CANCEL'), 'Reason'), 'SIP;cause=200;text="Call completed elsewhere"')
  t.is(c(stage).told(183).reason, 'Intrusion in progress')
  t.true(c(stage).heard(200))
  t.is(new Set([...stage.tables.wiredMedia.values()].map((leg) => leg.conferenceId)).size, 1)
  t.is(stage.tables.wiredMedia.size, 3)
})

test('a decline of the called position is its word: the call ends, and nobody is let in', (t) => {
  const stage = play(site(), talks, [urgent])
  p(stage).respond(p(stage).asked('INVITE'), 603)
  t.true(c(stage).heard(603))
  stage.pass(2 * limits.intrusionWaitMs)
  t.false(stage.a.heard('INFO'))
  t.is(stage.core.liveSessions, 1)
})

test('a terminal that takes no second call is busy without a word: the call waits on, and is let in', (t) => {
  const stage = site()
  changeProfile(stage, '106', { forward: { busy: '103' } })
  play(stage, talks, [urgent])
  p(stage).respond(p(stage).asked('INVITE'), 486)
  stage.takeOver()
  t.false(c(stage).heard(486) || stage.phone('103').heard('INVITE'))
  stage.pass(limits.intrusionWaitMs + 100)
  t.true(c(stage).heard(183))
  t.deepEqual(callers(p(stage)), ['101', '105'], 'it is not asked twice')
})

for (const [name, script] of [
  ['what rings there', rings],
  ['what it dials', dials],
] as const) {
  test(`a terminal that takes no second call, and only rings: ${name} makes room`, (t) => {
    const stage = play(site(), script, [urgent])
    const refused = p(stage).asked('INVITE')
    p(stage).respond(refused, 486)
    const told = name === 'what it dials' ? p(stage).told(480) : stage.a.told(480)
    t.is(header(told, 'Reason'), preempted)
    t.deepEqual(callers(p(stage)).slice(-2), ['105', '105'])
    answered(p(stage))
    t.true(c(stage).heard(200))
  })
}

test('where somebody talks nothing is ended for a call that its terminal does not take', (t) => {
  const stage = site()
  changeProfile(stage, '106', { rights: { beIntruded: false }, line: { calls: 2 } })
  play(stage, talks, [(s) => s.phone('103').call('106'), urgent])
  p(stage).respond(p(stage).asked('INVITE'), 486)
  t.false(stage.phone('103').heard(480) || stage.a.heard('BYE'))
  t.false(c(stage).heard(486))
})

test('a conversation that begins while an emergency call waits is entered after the whole wait', (t) => {
  const stage = play(site(), rings)
  const first = p(stage).asked('INVITE')
  urgent(stage)
  p(stage).respond(p(stage).asked('INVITE'), 180)
  stage.pass(20_000)
  t.false(c(stage).heard(183))
  p(stage).respond(first, 200, sdp(p(stage).endpoint))
  stage.a.ack(stage.a.told(200))
  stage.pass(limits.intrusionWaitMs - 100)
  t.false(c(stage).heard(183))
  stage.takeOver()
  stage.pass(200)
  t.true(c(stage).heard(183))
})

for (const [name, number] of [
  ['a position', '106'],
  ['an ordinary telephone', '102'],
] as const) {
  for (const takesOver of [false, true]) {
    const how = takesOver ? ', with a take-over in between' : ''
    test(`a hold during the wait stops its clock, and what is resumed is entered: ${name}${how}`, (t) => {
      const stage = site()
      const called = stage.phone(number)
      changeProfile(stage, number, { line: { waiting: 5 } })
      stage.a.call(number)
      answered(called)
      stage.a.ack(stage.a.told(200))
      c(stage).call(number, undefined, emergency)
      t.is(callers(called).includes('105'), number === '106', 'whoever shows several calls rings')
      stage.pass(3_000)
      called.cseq = 100
      const dialog = called.callId
      for (const step of [changes(({ a }) => a, 'sendonly', 2)]) step(stage)
      agrees(() => called, 'recvonly', 2)(stage)
      stage.a.ack(stage.a.told(200))
      t.true(callers(called).includes('105'), 'it cannot be entered, so it rings')
      if (takesOver) stage.takeOver()
      stage.pass(20_000)
      t.false(c(stage).heard(183) || c(stage).heard(486))
      changes(({ a }) => a, 'sendrecv', 3)(stage)
      t.is(reinvited(called).callId, dialog)
      agrees(() => called, 'sendrecv', 3)(stage)
      stage.a.ack(stage.a.told(200))
      if (takesOver) stage.takeOver()
      stage.pass(limits.intrusionWaitMs - 100)
      t.false(c(stage).heard(183))
      stage.pass(200)
      t.true(c(stage).heard(183))
    })
  }
}

test('when the line is free a call that rings beside it goes on ringing, as long as any other', (t) => {
  const stage = play(site(), talks, [urgent])
  p(stage).respond(p(stage).asked('INVITE'), 180)
  stage.a.request('BYE')
  p(stage).respond(p(stage).asked('BYE'), 200)
  stage.takeOver()
  stage.pass(limits.noAnswerMs - 1_000)
  t.deepEqual(callers(p(stage)), ['101', '105'])
  t.false(c(stage).heard(183) || c(stage).heard(408))
  stage.pass(2_000)
  t.true(c(stage).heard(408))
  t.true(p(stage).heard('CANCEL'))
})

test('a call that rings beside others waits as long as the queue lets it', (t) => {
  const stage = site()
  changeProfile(stage, '106', { rights: { beIntruded: false } })
  play(stage, talks, [urgent])
  p(stage).respond(p(stage).asked('INVITE'), 180)
  stage.takeOver()
  stage.pass(limits.queueMsMax - 1_000)
  t.false(c(stage).heard(486))
  stage.pass(2_000)
  t.true(c(stage).heard(486))
  t.true(p(stage).heard('CANCEL'))
})

test('nobody answers beside a call: the call goes where unanswered calls go, and waits for the line no more', (t) => {
  const stage = site()
  const noAnswer = { forward: { noAnswer: '103' }, line: { noAnswerSeconds: 3 } }
  changeProfile(stage, '106', noAnswer)
  play(stage, talks, [urgent])
  p(stage).respond(p(stage).asked('INVITE'), 180)
  stage.takeOver()
  stage.pass(3_100)
  t.deepEqual(callers(stage.phone('103')), ['105'])
  t.true(p(stage).heard('CANCEL'))
  stage.takeOver()
  stage.pass(limits.intrusionWaitMs)
  t.false(c(stage).heard(183))
  stage.phone('103').respond(stage.phone('103').asked('INVITE'), 180)
  stage.pass(limits.noAnswerMs)
  t.true(c(stage).heard(408), 'it rings there as long as any other call')
})

test('several emergency calls ring, one of them is let in, and the others go on ringing', (t) => {
  const stage = play(site(), talks, [urgent])
  const first = p(stage).asked('INVITE')
  p(stage).respond(first, 180)
  stage.pass(10)
  stage.phone('107').call('106', undefined, emergency)
  t.deepEqual(callers(p(stage)), ['101', '105', '107'])
  stage.pass(limits.intrusionWaitMs + 100)
  t.true(c(stage).heard(183))
  stage.pass(2 * limits.intrusionWaitMs)
  t.false(stage.phone('107').heard(183) || stage.phone('107').heard(486))
  t.is(p(stage).asked('CANCEL').callId, first.callId)
  t.is(stage.core.liveSessions, 2)
})

test('urgent and ordinary calls ring beside nothing', (t) => {
  for (const headers of [[], ['Priority: urgent']]) {
    const stage = play(site(), talks)
    c(stage).call('106', undefined, headers)
    t.true(c(stage).heard(182))
    t.deepEqual(callers(p(stage)), ['101'])
  }
})

test('who talks hears the tone of a call that waits to enter by code, too', (t) => {
  const stage = play(site(), talks)
  c(stage).call('*37106')
  const tone = [...stage.tables.wiredMedia.values()].find(
    ({ terminalAddress }) => terminalAddress === p(stage).endpoint.address,
  )?.tone
  t.is(tone?.name, 'call-waiting')
})

const cancelled: Step = (stage) => {
  p(stage).respond(p(stage).asked('CANCEL'), 200)
  const found = p(stage).inbox.find(
    (one) => one.kind === 'request' && one.method === 'INVITE' && one.from.uri.user === '105',
  )
  if (found?.kind === 'request') p(stage).respond(found, 487)
}

const whole: Readonly<Record<string, Script>> = {
  'given up': [
    ...talks,
    urgent,
    (stage) => p(stage).respond(p(stage).asked('INVITE'), 180),
    (stage) => c(stage).request('CANCEL', { cseq: c(stage).cseq }),
    cancelled,
    ({ a }) => a.request('BYE'),
    (stage) => p(stage).respond(p(stage).asked('BYE'), 200),
  ],
  'let in': [
    ...talks,
    urgent,
    (stage) => p(stage).respond(p(stage).asked('INVITE'), 180),
    (stage) => stage.pass(limits.intrusionWaitMs + 100),
    cancelled,
    (stage) => c(stage).ack(c(stage).told(200)),
    ({ a }) => a.respond(a.asked('INFO'), 200),
    (stage) => p(stage).respond(p(stage).asked('INFO'), 200),
    agrees(({ a }) => a, 'sendrecv', 2),
    agrees(p, 'sendrecv', 2),
    (stage) => stage.pass(2_000),
    (stage) => c(stage).request('BYE'),
    ({ a }) => a.respond(a.asked('INFO'), 200),
    (stage) => p(stage).respond(p(stage).asked('INFO'), 200),
    ({ a }) => a.request('BYE'),
    (stage) => p(stage).respond(p(stage).asked('BYE'), 200),
  ],
  'rings on when the line is free': [
    ...talks,
    urgent,
    (stage) => p(stage).respond(p(stage).asked('INVITE'), 180),
    ({ a }) => a.request('BYE'),
    (stage) => p(stage).respond(p(stage).asked('BYE'), 200),
    (stage) => stage.pass(1_000),
    (stage) => answered(p(stage)),
    (stage) => c(stage).ack(c(stage).told(200)),
    (stage) => c(stage).request('BYE'),
    (stage) => p(stage).respond(p(stage).asked('BYE'), 200),
  ],
  'refused without a word, while a call rings that makes room': [
    ...rings,
    urgent,
    (stage) => p(stage).respond(p(stage).asked('INVITE'), 486),
    (stage) => stage.pass(1_000),
    (stage) => answered(p(stage)),
    (stage) => c(stage).ack(c(stage).told(200)),
    (stage) => c(stage).request('BYE'),
    (stage) => p(stage).respond(p(stage).asked('BYE'), 200),
  ],
}
for (const [name, script] of Object.entries(whole)) {
  test(`an emergency call at a busy position ends as without a take-over, whenever there is one: ${name}`, (t) => {
    const plain = play(site(), script)
    for (let step = 0; step < script.length; step += 1) {
      const stage = play(site(), script.slice(0, step + 1))
      stage.takeOver()
      play(stage, script.slice(step + 1))
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      t.true(leavesNothing(stage), `step ${step}`)
    }
  })
}
