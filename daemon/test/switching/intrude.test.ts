//! Intrusion and forced release: rights, the wait, what everybody hears and is told, and take-overs.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { header, type SipMessage, type SipRequest } from '../../src/wire/sip/message.ts'
import { bridgesOf } from './conference-stage.ts'
import type { Script } from './core-calls.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const emergency = ['Subject: DA/IDA call', 'Priority: emergency', 'WG67-Version: phone.01']

function site(): Stage {
  const stage = new Stage()
  stage.addPhone('105', 'position')
  changeProfile(stage, '105', { rights: { forceRelease: true } })
  return stage
}

const c = (stage: Stage) => stage.phone('105')

const talk: Script = [
  ({ a }) => a.call('102'),
  ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint)),
  ({ a }) => a.ack(a.told(200)),
]

function talking(): Stage {
  const stage = site()
  for (const step of talk) step(stage)
  forgetAll(stage)
  return stage
}

function forgetAll(stage: Stage): void {
  for (const phone of stage.phones.values()) phone.inbox.length = 0
}

function infosOf({ inbox }: Phone): string[] {
  return inbox.flatMap((one) => (one.kind === 'request' && one.method === 'INFO' ? [one.body] : []))
}

/** What ED-137 wants of the members: 200 to the INFO and to the re-INVITE of the focus. */
function obey(phone: Phone): void {
  phone.respond(phone.asked('INFO'), 200)
  const asked = phone.inbox.findLast((one) => one.kind === 'request' && isFocusInvite(one))
  if (asked?.kind === 'request') phone.respond(asked, 200, sdp(phone.endpoint))
}

function isFocusInvite({ method, to }: SipRequest): boolean {
  return method === 'INVITE' && to.parameters.has('tag')
}

function isFirstInvite(message: SipMessage): boolean {
  return message.kind === 'request' && message.method === 'INVITE' && !isFocusInvite(message)
}

/** Whose calls have come to a telephone; it says nothing, so each is repeated. */
function ringing({ inbox }: Phone): (string | null)[] {
  return [...new Set(inbox.filter(isFirstInvite).map(({ from }) => from.uri.user))]
}

test('an emergency call to a position that talks enters the conversation after its wait', (t) => {
  const stage = talking()
  c(stage).call('102', undefined, emergency)
  t.true(c(stage).heard(182))
  stage.pass(limits.intrusionWaitMs - 100)
  t.false(c(stage).heard(183))
  stage.pass(200)
  t.is(c(stage).told(183).reason, 'Intrusion in progress')
  t.true(c(stage).heard(200))
  c(stage).ack(c(stage).told(200))
  for (const phone of [stage.a, stage.b]) {
    t.deepEqual(infosOf(phone), ['Intrusion in progress'])
    const { contact } = phone.asked('INVITE')
    t.true(contact !== '*' && contact[0]?.parameters.has('isfocus'))
    obey(phone)
  }
  t.is(stage.tables.wiredMedia.size, 3)
  t.is(bridgesOf(stage).size, 1)
  t.is(stage.core.liveSessions, 1)
  const tones = [...stage.tables.wiredMedia.values()].map((leg) => leg.tone?.name ?? null)
  t.is(tones.filter((name) => name === 'intrusion').length, 3)
})

test('when the intruder leaves, the others are told and go on', (t) => {
  const stage = talking()
  c(stage).call('102', undefined, emergency)
  stage.pass(limits.intrusionWaitMs + 100)
  c(stage).ack(c(stage).told(200))
  for (const phone of [stage.a, stage.b]) obey(phone)
  forgetAll(stage)
  c(stage).request('BYE')
  for (const phone of [stage.a, stage.b]) {
    t.deepEqual(infosOf(phone), ['Intrusion completed'])
    phone.respond(phone.asked('INFO'), 200)
    t.false(phone.heard('BYE'))
  }
  stage.a.request('BYE')
  t.true(stage.b.heard('BYE'))
  stage.b.respond(stage.b.asked('BYE'), 200)
  stage.pass(80_000)
  t.is(stage.tables.conferenceResource.size, 0)
  t.is(stage.tables.wiredConference.size, 0)
})

test('when the conversation ends during the wait the call rings as any other', (t) => {
  const stage = talking()
  c(stage).call('102', undefined, emergency)
  stage.a.request('BYE')
  stage.b.respond(stage.b.asked('BYE'), 200)
  t.is(stage.b.asked('INVITE').from.uri.user, '105')
  stage.b.respond(stage.b.asked('INVITE'), 180)
  t.true(c(stage).heard(180))
  stage.pass(limits.intrusionWaitMs + 100)
  t.false(c(stage).heard(183))
})

test('an intruder who gives up during the wait leaves everything as it was', (t) => {
  const stage = talking()
  c(stage).call('102', undefined, emergency)
  c(stage).request('CANCEL', { cseq: c(stage).cseq })
  stage.pass(limits.intrusionWaitMs + 100)
  t.false(stage.a.heard('INFO') || stage.b.heard('INFO'))
  t.is(stage.core.liveSessions, 1)
})

const refusals: readonly (readonly [string, (stage: Stage) => void, string, number])[] = [
  [
    'the caller has no right to intrude',
    (s) => changeProfile(s, '105', { rights: { intrude: false } }),
    '*37102',
    403,
  ],
  [
    'the callee must not be intruded',
    (s) => changeProfile(s, '102', { rights: { beIntruded: false } }),
    '*37102',
    486,
  ],
  [
    'no right to release',
    (s) => changeProfile(s, '105', { rights: { forceRelease: false } }),
    '*38102',
    403,
  ],
]
for (const [name, change, dialled, status] of refusals) {
  test(`no intrusion: ${name}`, (t) => {
    const stage = talking()
    change(stage)
    c(stage).call(dialled)
    t.true(c(stage).heard(status))
    stage.pass(limits.intrusionWaitMs + 100)
    t.false(stage.a.heard('INFO') || stage.b.heard('INFO'))
    t.is(stage.core.liveSessions, 1)
  })
}

test('an emergency call is not entered, and one that rings is not', (t) => {
  for (const prepare of [
    (stage: Stage) => {
      changeProfile(stage, '101', { rights: { priorityMax: 'emergency' } })
      stage.a.call('102', undefined, emergency)
      stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
      stage.a.ack(stage.a.told(200))
    },
    (stage: Stage) => {
      stage.a.call('102')
      stage.b.respond(stage.b.asked('INVITE'), 180)
    },
  ]) {
    const stage = site()
    prepare(stage)
    c(stage).call('*37102')
    t.true(c(stage).heard(486))
  }
})

for (const waiting of [0, 5]) {
  for (const right of [true, false]) {
    const who = right ? 'may intrude' : 'may not'
    test(`a second priority call only waits: ${waiting} places, its caller ${who}`, (t) => {
      const stage = talking()
      changeProfile(stage, '102', { line: { waiting } })
      for (const number of ['106', '107']) {
        stage.addPhone(number, 'position')
        changeProfile(stage, number, { rights: { intrude: right } })
      }
      const [second, third] = [stage.phone('106'), stage.phone('107')]
      c(stage).call('102', undefined, emergency)
      // Both are too late: one call is about to enter, and then it has entered.
      second.call('102', undefined, emergency)
      stage.pass(limits.intrusionWaitMs + 600)
      c(stage).ack(c(stage).told(200))
      for (const phone of [stage.a, stage.b]) obey(phone)
      third.call('102', undefined, emergency)
      stage.pass(2 * limits.intrusionWaitMs)
      for (const phone of [second, third]) {
        t.true(phone.heard(182), phone.number)
        t.false(phone.heard(183) || phone.heard(486))
      }
      stage.takeOver()
      t.deepEqual(ringing(stage.b), ['106', '107'], 'they ring where nobody can be let in')
      const [first] = stage.b.inbox.filter(isFirstInvite)
      if (first?.kind === 'request') stage.b.respond(first, 180)
      t.true(second.heard(180))
      forgetAll(stage)
      c(stage).request('BYE')
      for (const phone of [stage.a, stage.b]) phone.respond(phone.asked('INFO'), 200)
      stage.a.request('BYE')
      stage.b.respond(stage.b.asked('BYE'), 200)
      stage.pass(limits.noAnswerMs + 100)
      t.deepEqual([second.heard(408), third.heard(408)], [true, false], 'who came first, is first')
    })
  }
}

test('calls that are no priority calls do not get a place because of an intrusion', (t) => {
  const stage = talking()
  stage.addPhone('106', 'position')
  c(stage).call('102', undefined, emergency)
  stage.phone('106').call('102', undefined, ['Priority: urgent'])
  t.true(stage.phone('106').heard(486))
})

test('a forced release warns, ends the conversation with its reason, and rings', (t) => {
  const stage = talking()
  c(stage).call('*38102')
  t.true(c(stage).heard(182))
  for (const phone of [stage.a, stage.b]) {
    t.deepEqual(infosOf(phone), ['Interruption is impending'])
    phone.respond(phone.asked('INFO'), 200)
    t.false(phone.heard('BYE'))
  }
  stage.pass(limits.interruptionWaitMs + 100)
  for (const phone of [stage.a, stage.b]) {
    const bye = phone.asked('BYE')
    t.is(header(bye, 'Reason'), 'WG-67;cause=1001;text="Forced Release"')
    phone.respond(bye, 200)
  }
  t.is(stage.b.asked('INVITE').from.uri.user, '105')
})

const intrusion: Script = [
  ...talk,
  (stage) => c(stage).call('102', undefined, emergency),
  (stage) => stage.pass(limits.intrusionWaitMs + 600),
  (stage) => c(stage).ack(c(stage).told(200)),
  ({ a }) => a.respond(a.asked('INFO'), 200),
  ({ b }) => b.respond(b.asked('INFO'), 200),
  ({ a }) => a.respond(a.asked('INVITE'), 200, sdp(a.endpoint)),
  ({ b }) =>
    b.respond(
      b.inbox.findLast(
        (one) => one.kind === 'request' && one.method === 'INVITE' && one.to.parameters.has('tag'),
      ) as never,
      200,
      sdp(b.endpoint),
    ),
  (stage) => stage.pass(2_000),
  (stage) => c(stage).request('BYE'),
  ({ a }) => a.respond(a.asked('INFO'), 200),
  ({ b }) => b.respond(b.asked('INFO'), 200),
  ({ a }) => a.request('BYE'),
  ({ b }) => b.respond(b.asked('BYE'), 200),
]

function play(takeOverAfter: number): Stage {
  const stage = site()
  for (const [index, step] of intrusion.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

test('an intrusion ends as without a take-over, whenever there is one', (t) => {
  const plain = play(-1)
  for (let step = 0; step < intrusion.length; step += 1) {
    const stage = play(step)
    t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
    t.is(stage.core.liveSessions, 0, `step ${step}`)
    stage.pass(80_000)
    t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
    t.is(stage.tables.wiredConference.size, 0, `step ${step}`)
    t.is(stage.tables.wiredMedia.size, 0, `step ${step}`)
  }
})
