//! Calls that fail, for callers who hear so by a tone: which one, for how long, and what a take-over, a hang-up or
//! a call without the option does to it.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import { mediaOf } from '../../src/switching/xip/media.ts'
import { toneSet } from '../../src/tables/tone-sets.ts'
import { header } from '../../src/wire/sip/message.ts'
import { plan as conferencePlan } from './conference-stage.ts'
import { playWithLoss, prack, type Script, type Step } from './core-calls.ts'
import { Phone, Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import { peerOf, trunk } from './trunk-stage.ts'

const set = toneSet(emptyPlan.tones)

/** The account has no tones of its own. */
function wants(stage: Stage, number: string): void {
  changeProfile(stage, number, { line: { failureTones: true } })
}

function listening(): Stage {
  const stage = new Stage({ plan: conferencePlan })
  wants(stage, '101')
  return stage
}

function toneOf(stage: Stage, { endpoint }: Phone) {
  const legs = [...stage.tables.wiredMedia.values()]
  return legs.find(({ terminalAddress }) => terminalAddress === endpoint.address)?.tone ?? null
}

/** A repetition by the other node says only that it goes on. */
function describedIn({ inbox }: Phone): string {
  const early = inbox.filter((one) => one.kind === 'response' && one.status === 183)
  return early.find(({ body }) => body !== '')?.body ?? ''
}

const call =
  (to: string): Step =>
  ({ a }) =>
    a.call(to)
const refuse =
  (status: number): Step =>
  ({ b }) =>
    b.respond(b.asked('INVITE'), status)
const pass =
  (ms: number): Step =>
  (stage) =>
    stage.pass(ms)
const ring: Step = ({ b }) => b.respond(b.asked('INVITE'), 180)

const failures: readonly [string, Script, keyof typeof set, number][] = [
  ['nobody has the number', [call('199')], 'unobtainable', 404],
  ['the number is not registered', [call('104')], 'out-of-service', 480],
  ['the called one is busy', [call('102'), ring, refuse(486)], 'busy', 486],
  ['the called one declines', [call('102'), refuse(603)], 'busy', 603],
  ['the called one has a fault', [call('102'), refuse(500)], 'congestion', 500],
  [
    'nobody answers',
    [call('102'), ring, pass(limits.noAnswerMs), ({ b }) => b.respond(b.asked('INVITE'), 487)],
    'release',
    408,
  ],
  ['nobody of a group is there', [call('800')], 'out-of-service', 480],
  ['he may not intrude', [call('*37102')], 'wrong-operation', 403],
]

for (const [why, script, tone, status] of failures) {
  const lengthMs = tone === 'wrong-operation' ? limits.confirmationMs : limits.failureToneMs
  const whole: Script = [...script, pass(lengthMs - 10), pass(10)]

  test(`${why}: ${tone} is heard, and ${status} is told after it, whenever the primary dies`, (t) => {
    const plain = new Stage({ plan: conferencePlan })
    for (const step of script) step(plain)
    t.true(plain.a.heard(status), 'who has not the option is told at once')
    t.is(toneOf(plain, plain.a), null)
    for (let death = -1; death < script.length + 1; death++) {
      const stage = listening()
      for (const [n, step] of whole.entries()) {
        step(stage)
        if (n === death) stage.takeOver()
        if (n < script.length - 1) continue
        t.is(stage.a.heard(status), n === whole.length - 1, `step ${n}, death ${death}`)
        if (n === whole.length - 1) continue
        t.like(toneOf(stage, stage.a), { ...set[tone], untilTick: null })
        t.is(mediaOf(describedIn(stage.a))?.direction, 'sendrecv')
      }
      const [last] = [plain.a.told(status), stage.a.told(status)]
      t.is(last.reason, stage.a.told(status).reason)
      t.is(stage.tables.wiredMedia.size + stage.tables.conferenceResource.size, 0)
      const [record] = stage.records
      t.like(record, {
        status,
        answeredAtMs: null,
        caller: '101',
        endedBy: plain.records[0]?.endedBy,
      })
      t.is(record?.called, plain.records[0]?.called)
      stage.pass(80_000)
      t.is(stage.tables.wiredConference.size, 0)
      t.is(stage.core.liveSessions, 0)
    }
  })

  test(`${why}: who hangs up during the tone is told so, and the record says ${status}, whenever the primary dies`, (t) => {
    for (const how of ['CANCEL', 'BYE'] as const) {
      for (let death = -1; death < script.length + 1; death++) {
        const stage = listening()
        for (const [n, step] of script.entries()) {
          step(stage)
          if (n === death) stage.takeOver()
        }
        stage.pass(500)
        if (death === script.length) stage.takeOver()
        const { cseq } = stage.a
        stage.a.remoteTag = stage.a.told(183).to.parameters.get('tag') ?? ''
        stage.a.request(how, how === 'CANCEL' ? { cseq } : {})
        t.is(stage.a.told(200).cseq.method, how)
        t.is(stage.a.told(487).cseq.number, cseq)
        t.false(stage.a.heard(status))
        t.like(stage.records, [{ status }])
        t.is(stage.tables.wiredMedia.size + stage.tables.conferenceResource.size, 0)
        stage.pass(80_000)
        t.is(stage.tables.wiredConference.size, 0)
        t.is(stage.core.liveSessions, 0)
      }
    }
  })

  test(`${why}: the same end when the node dies before its messages leave`, (t) => {
    const plain = listening()
    for (const step of whole) step(plain)
    for (let step = 0; step < whole.length; step++) {
      const stage = playWithLoss(listening(), whole, step)
      stage.pass(lengthMs)
      t.true(stage.a.heard(status), `step ${step}`)
      t.is(stage.core.liveSessions, 0)
      t.is(stage.tables.conferenceResource.size + stage.tables.wiredMedia.size, 0)
      stage.pass(80_000)
      t.is(stage.tables.wiredConference.size, 0)
    }
  })
}

test('the tone is the same one on the other node, and its time goes on there', (t) => {
  const stage = listening()
  stage.a.call('199')
  const before = toneOf(stage, stage.a)
  stage.pass(limits.failureToneMs / 2)
  stage.takeOver()
  t.deepEqual(toneOf(stage, stage.a), before)
  stage.pass(limits.failureToneMs / 2 - 20)
  t.false(stage.a.heard(404))
  stage.pass(20)
  t.true(stage.a.heard(404))
})

test('what was said to everybody else is said then: the phrase and the headers', (t) => {
  const stage = listening()
  stage.a.call('102')
  const { b } = stage
  b.respond(b.asked('INVITE'), 486, '', ['Reason: Q.850;cause=17'])
  stage.pass(limits.failureToneMs)
  t.is(header(stage.a.told(486), 'Reason'), 'Q.850;cause=17')
  t.is(stage.records[0]?.reason, 'Q.850;cause=17')
  stage.a.call('*72101')
  stage.pass(limits.confirmationMs)
  t.is(stage.a.told(404).reason, 'Not Set')
})

test('an early media tone of the called one gives way to the tone, in the same stream', (t) => {
  const stage = listening()
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 183, sdp(stage.b.endpoint))
  const said = stage.a.told(183).body
  const caller = [...stage.tables.wiredMedia.values()].find(({ mediaId }) => mediaId.endsWith('-a'))
  stage.b.respond(stage.b.asked('INVITE'), 486)
  const after = stage.tables.wiredMedia.get(caller?.mediaId ?? '')
  t.like(after, { ssrc: caller?.ssrc, tick0: caller?.tick0, direction: 'sendrecv' })
  t.is(after?.tone?.name, 'busy')
  t.is(stage.a.told(183).body, said, 'its description is the same')
  t.is(stage.core.liveSessions, 1)
  stage.b.call('103')
  t.true(stage.phone('103').heard('INVITE'), 'who was called is free at once')
})

test('who waits in vain hears busy, and his place in the queue is free', (t) => {
  const stage = listening()
  stage.addPhone('105', 'position')
  changeProfile(stage, '102', { line: { calls: 1, waiting: 1 } })
  const other = stage.phone('103')
  other.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  other.ack(other.told(200))
  stage.a.call('102')
  t.is(toneOf(stage, stage.a)?.name, 'queue')
  stage.pass(limits.queueMsMax)
  t.is(toneOf(stage, stage.a)?.name, 'busy')
  stage.phone('105').call('102')
  t.true(stage.phone('105').heard(182))
  other.request('BYE')
  stage.b.respond(stage.b.asked('BYE'), 200)
  t.is(stage.b.asked('INVITE').from.uri.user, '105')
  stage.pass(limits.failureToneMs)
  t.true(stage.a.heard(486))
})

test('told at once: no offer, no telephone call, and what the terminal has to do again', (t) => {
  const told = (work: (stage: Stage) => void, status: number) => {
    const stage = listening()
    work(stage)
    t.true(stage.a.heard(status))
    t.false(stage.a.heard(183))
  }
  told(({ a }) => a.call('199', ''), 404)
  told(({ a }) => a.call('104', sdp(a.endpoint), ['Subject: IA call', 'Priority: urgent']), 480)
  const timer = ['Supported: timer', 'Session-Expires: 30']
  told(({ a }) => a.call('199', sdp(a.endpoint), timer), 422)
})

/** As many calls of the gateway as there are ports, each with its tone. */
function crowded(): Stage {
  const stage = listening()
  wants(stage, '900')
  const gateway = stage.phone('900')
  for (let n = 0; n < 10; n++) gateway.call(`19${n}`)
  return stage
}

test('without a free port the call is refused at once, and an emergency call takes that of a tone', (t) => {
  const stage = crowded()
  t.is(stage.tables.wiredMedia.size, 10)
  stage.a.call('199')
  t.true(stage.a.heard(404))
  stage.addPhone('105', 'position')
  const headers = ['Subject: DA/IDA call', 'Priority: emergency']
  stage.phone('105').call('102', sdp(stage.phone('105').endpoint), headers)
  t.true(stage.b.heard('INVITE'))
  t.is(stage.tables.wiredMedia.size, 8, 'two of the callers are told at once')
  t.true(stage.phone('900').heard(480))
  stage.pass(limits.failureToneMs)
  t.is(stage.tables.wiredMedia.size, 0)
  t.is(stage.core.liveSessions, 1)
})

test('reliable answers: the tone waits for no PRACK, and the end is the same', (t) => {
  const stage = listening()
  stage.a.call('199', sdp(stage.a.endpoint), ['Require: 100rel'])
  t.is(toneOf(stage, stage.a)?.name, 'unobtainable')
  prack(183)(stage)
  t.is(stage.a.told(200).cseq.method, 'PRACK')
  stage.a.request('UPDATE', { body: sdp(stage.a.endpoint, { version: 3 }) })
  t.is(stage.a.told(200).cseq.method, 'UPDATE')
  t.is(toneOf(stage, stage.a)?.name, 'unobtainable', 'the tone goes on')
  stage.pass(limits.failureToneMs)
  t.true(stage.a.heard(404))
  t.is(stage.tables.conferenceResource.size, 0)
})

test('who has heard busy can be called back without dialling the number again', (t) => {
  for (const hangsUp of [false, true]) {
    const stage = listening()
    stage.a.call('102')
    stage.b.respond(stage.b.asked('INVITE'), 486)
    if (hangsUp) stage.a.request('CANCEL', { cseq: stage.a.cseq })
    else stage.pass(limits.failureToneMs)
    stage.a.call('*66')
    t.true(stage.a.heard(200), `hangs up: ${hangsUp}`)
    t.is(toneOf(stage, stage.a)?.name, 'confirmation')
  }
})

test('a call of a gateway over its trunk has the setting of the gateway, one over another trunk none', (t) => {
  const trunks = [
    trunk('public', { peer: null, account: '900' }),
    trunk('centre', { peer: { address: '10.0.2.1', port: 5060 } }),
  ]
  const stage = new Stage({ plan: { ...emptyPlan, trunks } })
  wants(stage, '900')
  wants(stage, '101')
  const gateway = new Phone(stage, '0049123', stage.phone('900').endpoint)
  gateway.call('199')
  t.is(toneOf(stage, stage.phone('900'))?.name, 'unobtainable')
  stage.pass(limits.failureToneMs)
  t.true(stage.phone('900').heard(404))
  // Another system that says it is 101 is not 101.
  const liar = new Phone(stage, '101', peerOf(stage, 1).endpoint)
  liar.call('199')
  t.true(peerOf(stage, 1).heard(404))
  t.false(peerOf(stage, 1).heard(183))
})

test('the operator ends it at once', (t) => {
  const stage = listening()
  stage.a.call('199')
  const [session] = [...stage.tables.wiredConference.values()]
  stage.release(session?.sessionId ?? '')
  t.true(stage.a.heard(480))
  t.is(stage.tables.conferenceResource.size + stage.tables.wiredMedia.size, 0)
})
