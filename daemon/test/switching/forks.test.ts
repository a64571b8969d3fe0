//! A call to an account with several telephones (RFC 3261 16.6, 16.7): who rings when, who has the call, what
//! the others are told, which refusal counts; and the same with a take-over after every step.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import type { Binding } from '../../src/tables/user.ts'
import { header, headerValues } from '../../src/wire/sip/message.ts'
import { uriText } from '../../src/wire/sip/write.ts'
import type { Script, Step } from './core-calls.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'

/** 102 has a second and a third telephone, those of 103 and 900 on the stage. */
function forkStage(q: readonly (number | null)[] = [null, null, null]): Stage {
  const stage = new Stage()
  const user = stage.tables.user.get('102')
  if (user === undefined) throw new Error('102 is registered')
  const others = ['103', '900'].map((number, index): Binding => {
    const { endpoint } = stage.phone(number)
    const { registeredAtMs, expiresAtMs, callId, cseq, path } = user
    const contact = `sip:102@${endpoint.address}:5060`
    const place = { contact, ...endpoint, q: q[index + 1] ?? null }
    return { ...place, registeredAtMs, expiresAtMs, callId, cseq, path, instance: null }
  })
  stage.tables.user.put({ ...user, q: q[0] ?? null, others })
  stage.tables.user.delete('103')
  stage.tables.user.delete('900')
  return stage
}

const phones = (stage: Stage) => [stage.b, stage.phone('103'), stage.phone('900')] as const
const ringing = (stage: Stage) => phones(stage).map((phone) => phone.heard('INVITE'))

function refuse(phone: Phone, status: number, headers: string[] = []): void {
  phone.respond(phone.asked('INVITE'), status, '', headers)
}

function answer(phone: Phone): void {
  phone.respond(phone.asked('INVITE'), 200, sdp(phone.endpoint))
}

/** What a telephone does that is told to stop. */
function stop(phone: Phone): void {
  phone.respond(phone.asked('CANCEL'), 200)
  phone.respond(phone.asked('INVITE'), 487)
}

function isEmpty(stage: Stage): boolean {
  stage.pass(limits.releasedLingerMs + 40_000)
  const { wiredConference, wiredMedia, conferenceResource } = stage.tables
  return wiredConference.size + wiredMedia.size + conferenceResource.size === 0
}

test('telephones of equal q ring together with one request, and the first answer has the call', (t) => {
  const stage = forkStage()
  const { a, b } = stage
  const [, c, d] = phones(stage)
  a.call('102')
  t.deepEqual(ringing(stage), [true, true, true])
  const invites = phones(stage).map((phone) => phone.asked('INVITE'))
  t.is(new Set(invites.map(({ callId, cseq }) => `${callId} ${cseq.number}`)).size, 1)
  t.is(new Set(invites.map(({ via }) => via[0]?.parameters.get('branch'))).size, 3)
  t.is(uriText(c.asked('INVITE').uri), `sip:102@${c.endpoint.address}:5060`)
  refuse(b, 180)
  refuse(c, 180)
  answer(d)
  for (const phone of [b, c]) t.regex(header(phone.asked('CANCEL'), 'Reason') ?? '', /elsewhere/)
  t.true(d.heard('ACK'))
  a.ack(a.told(200))
  stop(b)
  stop(c)
  t.true(b.heard('ACK') && c.heard('ACK'))
  t.deepEqual(
    [...stage.tables.wiredMedia.values()].map(({ terminalAddress }) => terminalAddress).sort(),
    [a.endpoint.address, d.endpoint.address].sort(),
  )
  a.request('BYE')
  d.respond(d.asked('BYE'), 200)
  t.false(b.heard('BYE') || c.heard('BYE'))
  t.true(isEmpty(stage))
})

test('a second answer is acknowledged and hung up, and its BYE survives a kill', (t) => {
  for (const takesOver of [false, true]) {
    const stage = forkStage()
    const { a, b } = stage
    const [, c, d] = phones(stage)
    a.call('102')
    refuse(d, 486)
    answer(b)
    a.ack(a.told(200))
    if (takesOver) stage.isMute = true
    answer(c)
    if (takesOver) {
      stage.takeOver()
      stage.isMute = false
      stage.pass(600)
      answer(c)
    }
    t.true(c.heard('ACK'))
    t.is(c.asked('BYE').to.parameters.get('tag'), c.localTag)
    c.respond(c.asked('BYE'), 200)
    t.is(stage.core.liveSessions, 1)
    const byes = c.inbox.length
    stage.pass(20_000)
    t.is(c.inbox.length, byes)
    a.request('BYE')
    b.respond(b.asked('BYE'), 200)
    t.true(isEmpty(stage))
  }
})

for (const [at, which] of ['the first', 'another'].entries()) {
  for (const takesOver of [false, true]) {
    const how = takesOver ? ', also by the other node' : ''
    test(`422 of ${which} telephone is no refusal: it is asked for longer${how}`, (t) => {
      const stage = forkStage()
      const one = phones(stage)[at] ?? stage.b
      const others = phones(stage).filter((phone) => phone !== one)
      stage.a.call('102')
      const first = one.asked('INVITE')
      for (const other of others) refuse(other, 180)
      refuse(one, 422, ['Min-SE: 2700'])
      if (takesOver) stage.takeOver()
      const again = one.asked('INVITE')
      t.is(again.cseq.number, first.cseq.number + 1)
      t.is(again.body, first.body)
      t.regex(header(again, 'Session-Expires') ?? '', /^2700/)
      t.is(header(again, 'Min-SE'), '2700')
      t.deepEqual(ringing(stage), [true, true, true])
      refuse(one, 422, ['Min-SE: 2700'])
      t.is(one.asked('INVITE').cseq.number, again.cseq.number, 'it has what it wants')
      t.is(stage.core.liveSessions, 1)
      const [winner = one, loser = one] = others
      answer(winner)
      stop(loser)
      stage.a.ack(stage.a.told(200))
      stage.a.request('BYE')
      winner.respond(winner.asked('BYE'), 200)
      t.true(isEmpty(stage))
    })
    test(`${which} telephone that was asked for longer can have the call${how}`, (t) => {
      const stage = forkStage()
      const one = phones(stage)[at] ?? stage.b
      stage.a.call('102')
      refuse(one, 422, ['Min-SE: 2700'])
      if (takesOver) stage.takeOver()
      for (const other of phones(stage)) if (other !== one) refuse(other, 486)
      one.respond(one.asked('INVITE'), 200, sdp(one.endpoint), [
        'Session-Expires: 2700;refresher=uac',
      ])
      t.true(one.heard('ACK'))
      stage.a.ack(stage.a.told(200))
      const [session] = stage.tables.wiredConference.values()
      const timers = session?.members.map(({ dialog }) => dialog.timer?.intervalS)
      t.deepEqual(timers, [limits.sessionTimerS, 2_700])
      stage.a.request('BYE')
      t.true(one.asked('BYE').cseq.number > one.asked('INVITE').cseq.number)
      one.respond(one.asked('BYE'), 200)
      t.true(isEmpty(stage))
    })
  }
}

test('by q: the next ones ring when those before have refused', (t) => {
  const stage = forkStage([1_000, 500, 500])
  const { a, b } = stage
  const [, c, d] = phones(stage)
  a.call('102')
  t.deepEqual(ringing(stage), [true, false, false])
  refuse(b, 480)
  t.deepEqual(ringing(stage), [true, true, true])
  t.false(a.heard(480))
  refuse(c, 404)
  answer(d)
  a.ack(a.told(200))
  a.request('BYE')
  d.respond(d.asked('BYE'), 200)
  t.true(isEmpty(stage))
})

test('by q: the next ones ring after a while, and the ones before no more', (t) => {
  for (const takesOver of [false, true]) {
    const stage = forkStage([1_000, 700, 300])
    const { a, b } = stage
    const [, c, d] = phones(stage)
    a.call('102')
    refuse(b, 180)
    stage.pass(limits.forkTurnMs - 100)
    t.false(c.heard('INVITE'))
    if (takesOver) stage.takeOver()
    stage.pass(takesOver ? limits.forkTurnMs : 200)
    t.deepEqual(ringing(stage), [true, true, false])
    stop(b)
    refuse(c, 180)
    stage.pass(limits.forkTurnMs)
    t.true(d.heard('INVITE'))
    stop(c)
    answer(d)
    a.ack(a.told(200))
    a.request('BYE')
    d.respond(d.asked('BYE'), 200)
    t.true(isEmpty(stage))
  }
})

const refusals: [string, number[], number][] = [
  ['6xx counts most', [486, 603, 480], 603],
  ['the lowest class counts', [503, 486, 500], 486],
  ['busy says more than silence or absence', [408, 480, 486], 486],
]
for (const [name, statuses, told] of refusals) {
  test(`of refusals the best is passed on: ${name}`, (t) => {
    for (const order of [statuses, statuses.toReversed()]) {
      const stage = forkStage()
      stage.a.call('102')
      for (const [index, phone] of phones(stage).entries()) {
        const status = order[index] ?? 0
        if (phone.heard('CANCEL')) stop(phone)
        else refuse(phone, status)
      }
      const final = stage.a.inbox.filter((one) => one.kind === 'response' && one.status >= 300)
      const [first] = final
      t.is(first?.kind === 'response' ? first.status : 0, told)
      t.is(final.length, 1)
      t.true(isEmpty(stage))
    }
  })
}

test('6xx of one telephone ends the call at once for all', (t) => {
  const stage = forkStage()
  stage.a.call('102')
  const [b, c, d] = phones(stage)
  refuse(c, 603)
  t.true(stage.a.heard(603))
  t.true(b.heard('CANCEL') || d.heard('CANCEL') || !b.heard(180))
  refuse(b, 180)
  refuse(d, 180)
  stop(b)
  stop(d)
  t.true(isEmpty(stage))
})

test('a caller who gives up stops all, and an answer that crosses it is hung up', (t) => {
  const stage = forkStage()
  const { a } = stage
  const [b, c, d] = phones(stage)
  a.call('102')
  for (const phone of [b, c, d]) refuse(phone, 180)
  a.request('CANCEL', { cseq: a.cseq })
  for (const phone of [b, c, d]) t.true(phone.heard('CANCEL'))
  stop(b)
  answer(c)
  t.true(c.heard('ACK') && c.heard('BYE'))
  answer(d)
  t.true(d.heard('ACK') && d.heard('BYE'))
  c.respond(c.asked('BYE'), 200)
  d.respond(d.asked('BYE'), 200)
  t.true(isEmpty(stage))
})

test('telephones that say nothing are given up, and the one that rings goes on', (t) => {
  const stage = forkStage()
  const { a } = stage
  const [, c] = phones(stage)
  a.call('102')
  refuse(c, 180)
  stage.pass(33_000)
  t.false(a.heard(408))
  answer(c)
  a.ack(a.told(200))
  t.is(stage.core.liveSessions, 1)
  a.request('BYE')
  c.respond(c.asked('BYE'), 200)
  t.true(isEmpty(stage))
})

test('early media is heard of the first that speaks, and of who answers then', (t) => {
  const stage = forkStage()
  const { a } = stage
  const [b, c] = phones(stage)
  a.call('102')
  const remote = () => [...stage.tables.wiredMedia.values()].map((leg) => leg.terminalAddress)
  c.respond(c.asked('INVITE'), 183, sdp(c.endpoint))
  b.respond(b.asked('INVITE'), 183, sdp(b.endpoint))
  t.true(remote().includes(c.endpoint.address))
  t.false(remote().includes(b.endpoint.address))
  answer(b)
  t.true(remote().includes(b.endpoint.address))
  t.false(remote().includes(c.endpoint.address))
})

const toD = (stage: Stage) => phones(stage)[2]
const toC = (stage: Stage) => phones(stage)[1]
const call: Step = ({ a }) => a.call('102')
const ack: Step = ({ a }) => a.ack(a.told(200))
const bye: Step = ({ a }) => a.request('BYE')
const scripts: Readonly<Record<string, { q: number[]; script: Script }>> = {
  'one of three answers': {
    q: [],
    script: [
      call,
      ({ b }) => refuse(b, 180),
      (stage) => refuse(toC(stage), 180),
      (stage) => answer(toC(stage)),
      ack,
      ({ b }) => stop(b),
      (stage) => refuse(toD(stage), 486),
      bye,
      (stage) => toC(stage).respond(toC(stage).asked('BYE'), 200),
    ],
  },
  'the last of three answers, by q': {
    q: [900, 500, 100],
    script: [
      call,
      ({ b }) => refuse(b, 486),
      (stage) => refuse(toC(stage), 480),
      (stage) => refuse(toD(stage), 180),
      (stage) => answer(toD(stage)),
      ack,
      bye,
      (stage) => toD(stage).respond(toD(stage).asked('BYE'), 200),
    ],
  },
  'all refuse': {
    q: [],
    script: [
      call,
      ({ b }) => refuse(b, 480),
      (stage) => refuse(toC(stage), 486),
      (stage) => refuse(toD(stage), 404),
    ],
  },
}

function play(name: string, takeOverAfter: number): Stage {
  const { q, script } = scripts[name] ?? { q: [], script: [] }
  const stage = forkStage(q)
  for (const [index, step] of script.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

for (const [name, { script }] of Object.entries(scripts)) {
  test(`${name}: the same end after a take-over at any step`, (t) => {
    const plain = play(name, -1)
    for (let step = 0; step < script.length; step += 1) {
      const stage = play(name, step)
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      t.true(isEmpty(stage), `step ${step}`)
      t.is(stage.records[0]?.status, plain.records[0]?.status)
    }
  })
}

test('the caller sees one call: one tag, and one 180 at a time', (t) => {
  const stage = forkStage()
  stage.a.call('102', undefined, ['Supported: 100rel'])
  const [b, c] = phones(stage)
  refuse(b, 180)
  refuse(c, 180)
  const rung = stage.a.inbox.filter((one) => one.kind === 'response' && one.status === 180)
  t.is(rung.length, 1)
  t.is(new Set(rung.map((one) => one.to.parameters.get('tag'))).size, 1)
  t.is(headerValues(stage.a.told(180), 'RSeq').length, 1)
})
