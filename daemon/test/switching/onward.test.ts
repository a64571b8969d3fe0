//! Calls that are forwarded or transferred to a group, into a conference or out over a trunk, after they
//! have rung or talked, and a take-over at any step.

import { createHash } from 'node:crypto'
import test from 'ava'
import { type ConferencePlan, emptyPlan, type Plan } from '../../src/switching/plan.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import type { Script, Step } from './core-calls.ts'
import { MissingMessage, type Phone, Stage, sdp, service } from './core-stage.ts'
import { changeProfile, type ProfileChange } from './profile-change.ts'

function conference(number: string, more: Partial<ConferencePlan> = {}): ConferencePlan {
  const name = `c${number}`
  const plain = { name, displayName: name, number, kind: 'meet-me' as const, members: [] }
  return { ...plain, pinHash: null, locked: false, membersMax: 8, ...more }
}

const peer = { capacity: 10, optionsSeconds: 0, responseSeconds: 5, classes: [], monitor: false }
const trunk = (name: string, address: string): Plan['trunks'][number] => ({
  ...{ name, displayName: '', peer: { address, port: 5060 }, account: null, trust: 'address' },
  ...{ login: null, ...peer, priorityMax: 'normal' },
  outgoing: { called: [], caller: [] },
  incoming: { called: [], caller: [] },
})

const plan: Plan = {
  ...emptyPlan,
  groups: ['first', 'all'].map((mode, index) => ({
    name: mode,
    displayName: '',
    number: `80${index}`,
    mode: mode as 'first' | 'all',
    noAnswerSeconds: 20,
    members: ['231', '232', '233'],
  })),
  conferences: [
    conference('700'),
    conference('701', { pinHash: createHash('sha256').update('c701:4711').digest('hex') }),
    conference('710', { kind: 'preset', members: [{ number: '231', mayTalk: true, gainDb: 0 }] }),
    conference('720', { locked: true }),
  ],
  trunks: [trunk('north', '10.0.1.91'), trunk('south', '10.0.1.92')],
  routes: [
    {
      ...{ name: 'out', pattern: '9X.', priority: 1, class: 'world' },
      ...{ trunks: ['north', 'south'], failOver: ['5xx', 'no-answer'] },
    },
  ],
}

function site(): Stage {
  const stage = new Stage({ plan, lastPort: 20_059 })
  for (const number of ['231', '232', '233', '241']) stage.addPhone(number, 'telephone')
  for (const number of ['991', '992']) {
    stage.addPhone(number, 'gateway')
    stage.tables.phoneBook.delete(number)
  }
  changeProfile(stage, '102', {
    rights: { trunkClasses: ['world'] },
    line: { noAnswerSeconds: 20 },
  })
  return stage
}

const live = (stage: Stage): Conference[] =>
  [...stage.tables.wiredConference.values()].filter(({ state }) => state !== 'released')

/** The newest INVITE without a To tag. */
function invited(phone: Phone): SipRequest {
  const found = phone.inbox.findLast(
    (one) => one.kind === 'request' && one.method === 'INVITE' && !one.to.parameters.has('tag'),
  )
  if (found?.kind !== 'request') throw new MissingMessage(`${phone.number} is not called`)
  return found
}

const answer =
  (number: string): Step =>
  (stage) => {
    const phone = stage.phone(number)
    phone.respond(invited(phone), 200, sdp(phone.endpoint))
  }
const say =
  (number: string, status: number): Step =>
  (stage) =>
    stage.phone(number).respond(invited(stage.phone(number)), status)
const ok =
  (number: string, method: string): Step =>
  (stage) => {
    const phone = stage.phone(number)
    phone.respond(phone.asked(method), 200)
  }
/** The re-INVITE of the focus. */
const agree =
  (number: string): Step =>
  (stage) => {
    const phone = stage.phone(number)
    phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint, { version: 2 }))
  }
const bye =
  (number: string): Step =>
  (stage) => {
    const phone = stage.phone(number)
    if (phone.cseq < 100) phone.cseq = 100
    phone.request('BYE')
  }
const ack: Step = ({ a }) => a.ack(a.told(200))
const call: Step = ({ a }) => a.call('102')
const talk: Script = [call, answer('102'), ack]
const refer =
  (target: string): Step =>
  ({ b }) => {
    b.cseq = 100
    b.request('REFER', { headers: [`Refer-To: <sip:${target}@${service}>`] })
  }
const cancelled = (number: string): Script => [ok(number, 'CANCEL'), say(number, 487)]
const forwardTo =
  (forward: ProfileChange['forward'] = {}): Step =>
  (stage) =>
    changeProfile(stage, '102', { forward })
const dialIn =
  (number: string, to: string): Step =>
  (stage) => {
    stage.phone(number).call(to)
    stage.phone(number).ack(stage.phone(number).told(200))
  }

/** A new primary says once more what is cancelled. */
const cancelsAgain: Step = (stage) => stage.pass(600)

const away: Script = [ok('102', 'CANCEL'), say('102', 487)]
const noAnswer = (to: string): Script => [
  forwardTo({ noAnswer: to }),
  call,
  say('102', 180),
  (stage) => stage.pass(20_100),
  ...away,
]

const scripts: Readonly<Record<string, Script>> = {
  'no answer, to a group': [
    ...noAnswer('800'),
    say('231', 180),
    say('233', 180),
    answer('232'),
    ...cancelled('231'),
    ...cancelled('233'),
    ack,
    bye('101'),
    ok('232', 'BYE'),
  ],
  'busy, to a group in which all join': [
    forwardTo({ busy: '801' }),
    call,
    say('102', 486),
    answer('231'),
    ack,
    answer('232'),
    say('233', 603),
    bye('101'),
    bye('231'),
    ok('232', 'BYE'),
  ],
  'no answer, to a conference that nobody has opened': [...noAnswer('700'), ack, bye('101')],
  'a 302 into a conference that runs': [
    dialIn('241', '700'),
    call,
    ({ b }) => b.respond(invited(b), 302, '', [`Contact: <sip:700@${service}>`]),
    ack,
    bye('241'),
    bye('101'),
  ],
  'no answer, to a preset conference': [
    ...noAnswer('710'),
    ack,
    answer('231'),
    bye('231'),
    bye('101'),
  ],
  'no answer, out over a trunk, on the second way': [
    ...noAnswer('9123'),
    say('991', 503),
    say('992', 180),
    answer('992'),
    ack,
    bye('101'),
    ok('992', 'BYE'),
  ],
  'transferred to a group': [
    ...talk,
    refer('800'),
    ok('102', 'NOTIFY'),
    say('231', 603),
    say('232', 180),
    ok('102', 'NOTIFY'),
    answer('233'),
    ok('102', 'NOTIFY'),
    ok('102', 'BYE'),
    ...cancelled('232'),
    bye('101'),
    ok('233', 'BYE'),
  ],
  'transferred to a group in which nobody wants it': [
    ...talk,
    refer('800'),
    ok('102', 'NOTIFY'),
    say('231', 486),
    say('232', 603),
    say('233', 480),
    ok('102', 'NOTIFY'),
    bye('101'),
    ok('102', 'BYE'),
  ],
  'transferred to a conference that nobody has opened': [
    ...talk,
    refer('700'),
    ok('102', 'NOTIFY'),
    ok('102', 'BYE'),
    agree('101'),
    bye('101'),
  ],
  'transferred into a conference that runs': [
    dialIn('241', '700'),
    ...talk,
    refer('700'),
    ok('102', 'NOTIFY'),
    ok('102', 'BYE'),
    agree('101'),
    bye('241'),
    bye('101'),
  ],
  'transferred out over a trunk, on the second way': [
    ...talk,
    refer('9123'),
    ok('102', 'NOTIFY'),
    say('991', 500),
    answer('992'),
    ok('102', 'NOTIFY'),
    ok('102', 'BYE'),
    bye('101'),
    ok('992', 'BYE'),
  ],
  'transferred out over a trunk that says nothing, on the second way': [
    ...talk,
    refer('9123'),
    ok('102', 'NOTIFY'),
    // Each step ends with a take-over in one of the runs: the time begins anew there.
    (stage) => stage.pass(5_100),
    answer('992'),
    ok('102', 'NOTIFY'),
    ok('102', 'BYE'),
    say('991', 100),
    cancelsAgain,
    ...cancelled('991'),
    bye('101'),
    ok('992', 'BYE'),
  ],
  'transferred out over trunks that both say nothing': [
    ...talk,
    refer('9123'),
    ok('102', 'NOTIFY'),
    (stage) => stage.pass(5_100),
    (stage) => stage.pass(5_100),
    ok('102', 'NOTIFY'),
    say('991', 100),
    cancelsAgain,
    ...cancelled('991'),
    say('992', 100),
    cancelsAgain,
    ...cancelled('992'),
    bye('101'),
    ok('102', 'BYE'),
  ],
  'transferred out over a trunk, and refused': [
    ...talk,
    refer('9123'),
    ok('102', 'NOTIFY'),
    say('991', 404),
    ok('102', 'NOTIFY'),
    bye('101'),
    ok('102', 'BYE'),
  ],
}

function play(script: Script, takeOverAfter = -1): Stage {
  const stage = site()
  for (const [index, step] of script.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

for (const [name, script] of Object.entries(scripts)) {
  test(`${name}: the same end after a take-over at any step, and nothing is left`, (t) => {
    const plain = play(script)
    for (let step = -1; step < script.length; step += 1) {
      const stage = play(script, step)
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      stage.pass(80_000)
      const { conferenceResource, wiredMedia, wiredConference } = stage.tables
      const left = [conferenceResource.size, wiredMedia.size, wiredConference.size]
      t.deepEqual(left, [0, 0, 0], `step ${step}`)
    }
  })
}

const steps = (name: string, count: number) => play(scripts[name]?.slice(0, count) ?? [])

test('who is forwarded into a conference is in the bridge of those who are there', (t) => {
  const stage = steps('a 302 into a conference that runs', 4)
  t.true(stage.a.heard(181))
  const contact = stage.a.told(200).contact
  t.true(contact !== '*' && contact[0]?.parameters.has('isfocus'))
  t.is(live(stage).length, 1)
  const legs = [...stage.tables.wiredMedia.values()]
  t.is(legs.length, 2)
  t.is(new Set(legs.map(({ conferenceId }) => conferenceId)).size, 1)
})

test('who is transferred into a conference hears of it by isfocus, and his voice goes on', (t) => {
  const name = 'transferred into a conference that runs'
  const port = (stage: Stage) =>
    [...stage.tables.wiredMedia.values()].find((leg) => leg.terminalAddress.endsWith('.01'))?.ssrc
  const before = port(steps(name, 4))
  const stage = steps(name, 7)
  const { contact } = stage.a.asked('INVITE')
  t.true(contact !== '*' && contact[0]?.parameters.has('isfocus'))
  t.is(port(stage), before)
  t.false(stage.a.heard('BYE'))
  t.true(stage.b.asked('NOTIFY').body.startsWith('SIP/2.0 200'))
  t.deepEqual(
    stage.records.map(({ services }) => services.join()),
    ['transfer'],
  )
})

test('a transfer that leads nowhere is told to who wanted it, and the call goes on', (t) => {
  for (const [target, status] of [
    ['720', 603],
    ['777', 404],
    ['*72103', 403],
  ] as const) {
    const stage = play([...talk, refer(target)])
    t.true(stage.b.asked('NOTIFY').body.startsWith(`SIP/2.0 ${status}`), target)
    t.false(stage.a.heard('BYE') || stage.a.heard('INVITE'))
    t.is(live(stage)[0]?.state, 'communicating')
  }
})

test('a call goes out only with the right of who sends it', (t) => {
  const transferred = site()
  changeProfile(transferred, '102', { rights: { trunkClasses: [] } })
  for (const step of [...talk, refer('9123')]) step(transferred)
  t.true(transferred.b.asked('NOTIFY').body.startsWith('SIP/2.0 403'))
  const forwarded = site()
  changeProfile(forwarded, '102', { rights: { trunkClasses: [] } })
  for (const step of noAnswer('9123').slice(0, 4)) step(forwarded)
  t.false(forwarded.b.heard('CANCEL') || forwarded.phone('991').heard('INVITE'))
})

test('who comes into a conference with a PIN by the word of another one is asked for it', (t) => {
  const stage = play([dialIn('241', '701'), ...noAnswer('701'), ack])
  const seats = live(stage).flatMap(({ members }) => members)
  t.truthy(seats.find(({ user }) => user === '101')?.seat?.room)
})

/** 102 is in the conference, calls 101, and gives him its seat. */
test('a seat in a conference is given away by an attended transfer', (t) => {
  const stage = site()
  const { b } = stage
  dialIn('241', '700')(stage)
  dialIn('102', '700')(stage)
  const { callId, localTag, remoteTag } = b
  changeProfile(stage, '102', { line: { calls: 2 } })
  b.cseq = 0
  b.call('101')
  stage.a.respond(invited(stage.a), 200, sdp(stage.a.endpoint))
  b.ack(b.told(200))
  const value = encodeURIComponent(`${callId};to-tag=${remoteTag};from-tag=${localTag}`)
  b.request('REFER', { headers: [`Refer-To: <sip:700@${service}?Replaces=${value}>`] })
  t.true(b.asked('NOTIFY').body.startsWith('SIP/2.0 200'))
  const [session] = live(stage)
  t.deepEqual(
    session?.members.filter(({ state }) => state === 'talking').map(({ user }) => user),
    ['241', '101'],
  )
  t.is(live(stage).length, 1)
  t.is(b.inbox.filter((one) => one.kind === 'request' && one.method === 'BYE').length >= 2, true)
})
