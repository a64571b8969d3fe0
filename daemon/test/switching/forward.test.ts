//! Call forwarding: each kind, chains and loops, what the terminals see, and a take-over at any step.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { forwardFrom } from '../../src/switching/services/forward-choice.ts'
import { profileOf } from '../../src/tables/profile.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import { headerValues } from '../../src/wire/sip/message.ts'
import type { Script, Step } from './core-calls.ts'
import { Stage, sdp, service } from './core-stage.ts'
import { changeProfile, type ProfileChange } from './profile-change.ts'

type Settings = Pick<ProfileChange, 'forward'> & ProfileChange['settings']

function set(
  stage: Stage,
  number: string,
  { forward = {}, ...settings }: Settings,
  calls = 1,
): void {
  changeProfile(stage, number, { line: { calls, noAnswerSeconds: 20 }, settings, forward })
}

function allowEmergency(stage: Stage, number: string): void {
  changeProfile(stage, number, { rights: { priorityMax: 'emergency' } })
}

const c = (stage: Stage) => stage.phone('103')
const call: Step = ({ a }) => a.call('102')
const ringC: Step = (stage) => c(stage).respond(c(stage).asked('INVITE'), 180)
const answerC: Step = (stage) => {
  const phone = c(stage)
  phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint))
}
const ack: Step = ({ a }) => a.ack(a.told(200))
const end: Script = [
  ({ a }) => a.request('BYE'),
  (stage) => c(stage).respond(c(stage).asked('BYE'), 200),
]
const takenByC: Script = [ringC, answerC, ack, (stage) => stage.pass(1_000), ...end]
const settings =
  (value: Settings): Step =>
  (stage) =>
    set(stage, '102', value)
const away: Step = ({ tables }) => {
  const user = tables.user.get('102')
  if (user !== undefined) tables.user.put({ ...user, status: 'offline' })
}

/** Of the call from 101 to 102, which ends at 103. */
const scripts: Readonly<Record<string, Script>> = {
  unconditional: [settings({ forward: { always: '103' } }), call, ...takenByC],
  'not registered': [away, settings({ forward: { notRegistered: '103' } }), call, ...takenByC],
  'busy, as the terminal says': [
    settings({ forward: { busy: '103' } }),
    call,
    ({ b }) => b.respond(b.asked('INVITE'), 486),
    ...takenByC,
  ],
  'no answer': [
    settings({ forward: { noAnswer: '103' } }),
    call,
    ({ b }) => b.respond(b.asked('INVITE'), 180),
    (stage) => stage.pass(20_001),
    ({ b }) => b.respond(b.asked('CANCEL'), 200),
    ({ b }) => b.respond(b.asked('INVITE'), 487),
    ...takenByC,
  ],
  '302 of the terminal': [
    call,
    ({ b }) => b.respond(b.asked('INVITE'), 302, '', [`Contact: <sip:103@${service}>`]),
    ...takenByC,
  ],
  'away, as the terminal says': [
    settings({ forward: { notRegistered: '103' } }),
    call,
    ({ b }) => b.respond(b.asked('INVITE'), 480),
    ...takenByC,
  ],
  'do not disturb, with a number for busy': [
    settings({ doNotDisturb: true, forward: { busy: '103' } }),
    call,
    ...takenByC,
  ],
}

function play(script: Script, takeOverAfter: number): Stage {
  const stage = new Stage()
  for (const [index, step] of script.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

for (const [name, script] of Object.entries(scripts)) {
  test(`forwarded ${name}: the same end after a take-over at any step, and all ports come back`, (t) => {
    const plain = play(script, -1)
    t.true(plain.transcript.includes('103 < BYE'), plain.transcript.join())
    for (let step = 0; step < script.length; step += 1) {
      const stage = play(script, step)
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      t.is(stage.records.length, 1)
      stage.pass(80_000)
      t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
      t.is(stage.tables.wiredMedia.size, 0, `step ${step}`)
      t.is(stage.tables.wiredConference.size, 0, `step ${step}`)
    }
  })
}

function inviteOf(stage: Stage, number: string): SipRequest {
  return stage.phone(number).asked('INVITE')
}

test('the terminal that rings at last sees who was called, and why it is called', (t) => {
  const stage = play(scripts['302 of the terminal']?.slice(0, 2) ?? [], -1)
  const invite = inviteOf(stage, '103')
  t.deepEqual(headerValues(invite, 'Diversion'), [
    `<sip:102@${service}>;reason=deflection;counter=1`,
  ])
  t.deepEqual(headerValues(invite, 'History-Info'), [
    `<sip:102@${service}?Reason=SIP%3Bcause%3D302>;index=1`,
    `<sip:103@${service}>;index=1.1`,
  ])
  t.is(invite.from.uri.user, '101')
  t.true(stage.a.heard(181))
})

test('a chain is followed, and the last step stands first in Diversion', (t) => {
  const stage = new Stage()
  stage.addPhone('105', 'telephone')
  set(stage, '102', { forward: { always: '103' } })
  set(stage, '103', { forward: { always: '105' } })
  stage.a.call('102')
  t.deepEqual(
    headerValues(inviteOf(stage, '105'), 'Diversion').map((value) => value.slice(0, 9)),
    ['<sip:103@', '<sip:102@'],
  )
  t.false(stage.b.heard('INVITE'))
})

test('a circle of forwardings is refused with 482, wherever it closes', (t) => {
  for (const back of ['102', '103']) {
    const stage = new Stage()
    set(stage, '102', { forward: { always: '103' } })
    set(stage, '103', { forward: { always: back } })
    stage.a.call('102')
    t.true(stage.a.heard(482), back)
    t.is(stage.core.liveSessions, 0)
  }
})

test('a chain has an end', (t) => {
  const stage = new Stage()
  const entry = stage.tables.phoneBook.get('102')
  if (entry === undefined) return t.fail()
  const view = {
    phoneBook: (number: string) => {
      const profile = profileOf(entry)
      const forward = { ...profile.settings.forward, always: String(Number(number) + 1) }
      return {
        ...entry,
        number,
        profile: { ...profile, settings: { ...profile.settings, forward } },
      }
    },
    line: () => ({ kind: 'not-registered' as const }),
    ringsThrough: false,
    former: [],
    wallMs: 0,
  }
  t.deepEqual(forwardFrom('1000', [], view), { kind: 'refused', status: 482 })
  t.true(limits.diversionsMax >= 3)
})

test('a 302 to another system, to nobody or in a circle ends the call with 480', (t) => {
  for (const contact of [
    '<sip:103@elsewhere.example>',
    '<tel:103>',
    `<sip:102@${service}>`,
    `<sip:777@${service}>`,
    `<sip:118@${service}>`,
  ]) {
    const stage = new Stage()
    stage.a.call('102')
    stage.b.respond(stage.b.asked('INVITE'), 302, '', [`Contact: ${contact}`])
    t.true(stage.a.heard(480), contact)
    t.is(stage.tables.conferenceResource.size, 0)
  }
})

const unreadable = {
  'no SIP': '<mailto:tower@example.org>',
  'a broken host': '<sip:103@[::1>',
  'an open quote': `"Tower <sip:103@${service}>`,
  'the second one is empty': `<sip:103@${service}>, <>`,
  'a star in a list': `*, <sip:103@${service}>`,
  nothing: '',
}
for (const [what, contact] of Object.entries(unreadable)) {
  test(`a 302 whose Contact cannot be read ends the call at once: ${what}`, (t) => {
    const stage = new Stage()
    stage.a.call('102')
    stage.b.respond(stage.b.asked('INVITE'), 302, '', [`Contact: ${contact}`])
    t.true(stage.a.heard(480))
    t.true(stage.b.heard('ACK'))
    t.false(c(stage).heard('INVITE'))
    t.is(stage.tables.conferenceResource.size, 0)
  })
}

test('a 302 without a good Contact that belongs to no INVITE of ours ends nothing', (t) => {
  const stage = new Stage()
  stage.a.call('102')
  const { via, from, ...invite } = stage.b.asked('INVITE')
  const other = new Map([['tag', 'guessed']])
  const [top] = via
  const guessed =
    top === undefined ? [] : [{ ...top, parameters: new Map([['branch', 'z9hG4bK-1']]) }]
  for (const forged of [
    { ...invite, via, from: { ...from, parameters: other } },
    { ...invite, via: guessed, from },
    { ...invite, via, from, callId: 'another' },
  ]) {
    stage.b.respond(forged, 302, '', ['Contact: <mailto:tower@example.org>'])
  }
  t.false(stage.a.heard(480))
  t.is(stage.core.liveSessions, 1)
  stage.b.respond({ ...invite, via, from }, 200, sdp(stage.b.endpoint))
  t.true(stage.a.heard(200))
})

test('a decline is the word of the user and forwards nothing', (t) => {
  const stage = new Stage()
  set(stage, '102', { forward: { busy: '103', notRegistered: '103', noAnswer: '103' } })
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 603)
  t.true(stage.a.heard(603))
  t.false(c(stage).heard('INVITE'))
})

test('an emergency call rings at who was called, whatever he has set', (t) => {
  const stage = new Stage()
  set(stage, '102', { doNotDisturb: true, forward: { always: '103' } })
  allowEmergency(stage, '101')
  stage.a.call('102', undefined, ['Subject: DA/IDA call', 'Priority: emergency'])
  t.true(stage.b.heard('INVITE'))
})

const urgently = (priority: string) => ['Subject: DA/IDA call', `Priority: ${priority}`]

for (const priority of ['emergency', 'urgent']) {
  test(`an ${priority} call rings through do not disturb and every forwarding of who is there`, (t) => {
    const forward = { always: '103', busy: '103', notRegistered: '103', noAnswer: '103' }
    for (const doNotDisturb of [false, true]) {
      const stage = new Stage()
      set(stage, '102', { doNotDisturb, forward })
      allowEmergency(stage, '101')
      stage.a.call('102', undefined, urgently(priority))
      t.is(stage.b.asked('INVITE').from.uri.user, '101')
      t.false(c(stage).heard('INVITE'))
    }
  })

  test(`an ${priority} call to a position that is logged off rings where its calls go`, (t) => {
    const ways: Settings[] = [
      { forward: { notRegistered: '103' } },
      { forward: { always: '103' } },
      { doNotDisturb: true, forward: { notRegistered: '103' } },
    ]
    for (const caller of ['telephone', 'position'] as const) {
      for (const way of ways) {
        const stage = new Stage()
        stage.addPhone('105', caller)
        if (caller === 'telephone') allowEmergency(stage, '105')
        set(stage, '102', way)
        away(stage)
        stage.phone('105').call('102', undefined, urgently(priority))
        t.is(c(stage).asked('INVITE').from.uri.user, '105', JSON.stringify(way))
      }
    }
  })

  test(`an ${priority} call that nobody answers goes on to who answers for him`, (t) => {
    const stage = new Stage()
    set(stage, '102', { forward: { noAnswer: '103' } })
    allowEmergency(stage, '101')
    stage.a.call('102', undefined, urgently(priority))
    stage.b.respond(stage.b.asked('INVITE'), 180)
    stage.pass(20_001)
    t.true(c(stage).heard('INVITE'))
  })

  test(`an ${priority} call that can neither press in nor wait at a busy line goes on`, (t) => {
    const stage = new Stage()
    stage.addPhone('105', 'telephone')
    set(stage, '102', { forward: { busy: '103' } })
    // Whom nobody may enter: his conversation is not ended for another call.
    changeProfile(stage, '102', { rights: { beIntruded: false } })
    stage.phone('105').call('102')
    stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
    stage.phone('105').ack(stage.phone('105').told(200))
    allowEmergency(stage, '101')
    stage.a.call('102', undefined, urgently(priority))
    t.is(c(stage).asked('INVITE').from.uri.user, '101')
  })
}

test('an order to enter the conversation of one man is not for who stands in for him', (t) => {
  const stage = new Stage()
  stage.addPhone('105', 'position')
  set(stage, '102', { forward: { notRegistered: '103' } })
  away(stage)
  stage.phone('105').call('*37102')
  t.true(stage.phone('105').heard(480))
  t.false(c(stage).heard('INVITE'))
})

test('do not disturb is answered 480', (t) => {
  const stage = new Stage()
  set(stage, '102', { doNotDisturb: true })
  stage.a.call('102')
  t.true(stage.a.heard(480))
  t.false(stage.b.heard('INVITE'))
})

test('a busy line is forwarded before it is asked, and only when it is full', (t) => {
  const stage = new Stage()
  stage.addPhone('105', 'telephone')
  set(stage, '102', { forward: { busy: '103' } })
  stage.phone('105').call('102')
  stage.a.call('102')
  t.true(c(stage).heard('INVITE'))
  const wide = new Stage()
  wide.addPhone('105', 'telephone')
  set(wide, '102', { forward: { busy: '103' } }, 2)
  wide.phone('105').call('102')
  wide.a.call('102')
  t.false(c(wide).heard('INVITE'))
  t.is(wide.b.inbox.filter((one) => one.kind === 'request' && one.method === 'INVITE').length, 2)
})

test('when nobody is there for a call without answer it goes on ringing', (t) => {
  const stage = new Stage()
  set(stage, '102', { forward: { noAnswer: '104' } })
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 180)
  stage.pass(30_000)
  t.false(stage.b.heard('CANCEL'))
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  t.true(stage.a.heard(200))
})

/** 103 talks, and 102 does not answer. */
function ringingInVain(): Stage {
  const stage = new Stage()
  stage.addPhone('105', 'telephone')
  set(stage, '102', { forward: { noAnswer: '103' } })
  stage.phone('105').call('103')
  c(stage).respond(inviteOf(stage, '103'), 200, sdp(c(stage).endpoint))
  stage.phone('105').ack(stage.phone('105').told(200))
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 180)
  return stage
}

test('who stands in and is busy when the time is over is called as soon as he is free, over a take-over', (t) => {
  for (const takesOver of [false, true]) {
    const stage = ringingInVain()
    stage.pass(25_000)
    t.is(inviteOf(stage, '103').from.uri.user, '105')
    t.false(stage.b.heard('CANCEL'))
    if (takesOver) stage.takeOver()
    stage.phone('105').request('BYE')
    c(stage).respond(c(stage).asked('BYE'), 200)
    stage.pass(1_100)
    t.is(inviteOf(stage, '103').from.uri.user, '101')
    t.true(stage.b.heard('CANCEL'))
    t.is(headerValues(inviteOf(stage, '103'), 'Diversion').length, 1, 'the tries are no steps')
  }
})

test('who answers before somebody else is free for him has the call', (t) => {
  const stage = ringingInVain()
  stage.pass(22_000)
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  stage.a.ack(stage.a.told(200))
  stage.phone('105').request('BYE')
  c(stage).respond(c(stage).asked('BYE'), 200)
  stage.pass(5_000)
  t.is(inviteOf(stage, '103').from.uri.user, '105')
  t.false(stage.b.heard('CANCEL'))
})

test('a user sets and takes back his forwarding by dialling, and a wrong number changes nothing', (t) => {
  const stage = new Stage()
  const forward = () => {
    const entry = stage.tables.phoneBook.get('102')
    return entry === undefined ? null : profileOf(entry).settings
  }
  const dial = (number: string) => {
    stage.b.inbox.length = 0
    stage.b.call(number)
    const last = stage.b.inbox.findLast((one) => one.kind === 'response' && one.status >= 200)
    if (last?.kind !== 'response') return ''
    if (last.status === 200) {
      stage.b.ack(last)
      stage.pass(limits.confirmationMs + 100)
      stage.b.respond(stage.b.asked('BYE'), 200)
    }
    return `${last.status} ${last.reason}`
  }
  t.is(dial('*72103'), '200 OK')
  t.is(forward()?.forward.always, '103')
  stage.a.call('102')
  t.true(c(stage).heard('INVITE'))
  t.is(dial('*72777'), '404 Not Set')
  t.is(dial('*72102'), '404 Not Set')
  t.is(forward()?.forward.always, '103')
  t.is(dial('*90103'), '200 OK')
  t.is(dial('*78'), '200 OK')
  t.true(forward()?.doNotDisturb)
  t.is(dial('*79'), '200 OK')
  t.is(dial('*70'), '200 OK')
  t.deepEqual(forward(), {
    doNotDisturb: false,
    forward: { always: null, busy: null, noAnswer: null, notRegistered: null },
  })
})
