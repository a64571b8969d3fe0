//! Call back on busy: who may want it, when it rings, how it ends, and what a take-over leaves of it.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import type { Script, Step } from './core-calls.ts'
import { Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const c = (stage: Stage) => stage.phone('103')

/** 101 talks to 102. */
const talk: Script = [
  ({ a }) => a.call('102'),
  ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint)),
  ({ a }) => a.ack(a.told(200)),
]
const free: Script = [({ a }) => a.request('BYE'), ({ b }) => b.respond(b.asked('BYE'), 200)]

const dial =
  (number: string): Step =>
  (stage) => {
    c(stage).inbox.length = 0
    c(stage).call(number)
    c(stage).ack(c(stage).told(200))
  }
const confirmed: Script = [
  (stage) => stage.pass(limits.confirmationMs + 100),
  (stage) => c(stage).respond(c(stage).asked('BYE'), 200),
]

const ringAsker: Step = (stage) => c(stage).respond(c(stage).asked('INVITE'), 180)
const answerAsker: Step = (stage) =>
  c(stage).respond(c(stage).asked('INVITE'), 200, sdp(c(stage).endpoint))
const ringNumber: Step = ({ b }) => b.respond(b.asked('INVITE'), 180)
const answerNumber: Step = ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
const hangUp: Script = [
  (stage) => {
    c(stage).cseq = 500
    c(stage).request('BYE')
  },
  ({ b }) => b.respond(b.asked('BYE'), 200),
]

const wanted: Script = [...talk, dial('*66102'), ...confirmed]
const whole: Script = [
  ...wanted,
  ...free,
  (stage) => stage.pass(1_000),
  ringAsker,
  answerAsker,
  ringNumber,
  answerNumber,
  (stage) => stage.pass(5_000),
  ...hangUp,
]

function play(script: Script, takeOverAfter = -1, stage = new Stage()): Stage {
  for (const [index, step] of script.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

function toneOf(stage: Stage, user: string): string | null {
  const members = [...stage.tables.wiredConference.values()]
    .filter(({ state }) => state !== 'released')
    .flatMap((session) => session.members)
  const { mediaId = '' } = members.findLast((one) => one.user === user) ?? {}
  return stage.tables.wiredMedia.get(mediaId)?.tone?.name ?? null
}

test('when both are free the asker rings, then the number, and they talk', (t) => {
  const stage = play(wanted)
  t.false(c(stage).heard('INVITE'))
  for (const step of free) step(stage)
  t.is(c(stage).asked('INVITE').from.uri.user, '102')
  t.is(stage.b.asked('INVITE').from.uri.user, '101')
  ringAsker(stage)
  answerAsker(stage)
  t.is(stage.b.asked('INVITE').from.uri.user, '103')
  t.is(toneOf(stage, '103'), 'ringback')
  ringNumber(stage)
  answerNumber(stage)
  t.is(toneOf(stage, '103'), null)
  const legs = [...stage.tables.wiredMedia.values()]
  t.is(new Set(legs.map(({ conferenceId }) => conferenceId)).size, 1)
  t.true(legs.every(({ direction }) => direction === 'sendrecv'))
  for (const step of hangUp) step(stage)
  const record = stage.records.at(-1)
  t.is(record?.caller, '103')
  t.is(record?.called, '102')
  t.deepEqual(record?.services, ['call-back'])
  t.is(record?.type, 'ordinary')
  t.is(record?.status, 200)
})

test('a call back ends as without a take-over, whenever there is one', (t) => {
  const plain = play(whole)
  for (let step = 0; step < whole.length; step += 1) {
    const stage = play(whole, step)
    t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
    t.is(stage.core.liveSessions, 0, `step ${step}`)
    t.is(stage.records.length, 3, `step ${step}`)
    stage.pass(80_000)
    t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
    t.is(stage.tables.wiredMedia.size, 0, `step ${step}`)
    t.is(stage.tables.wiredConference.size, 0, `step ${step}`)
  }
})

test('a wish that waits is no live session, the call that it becomes is one', (t) => {
  const stage = play(wanted)
  const open = () =>
    [...stage.tables.wiredConference.values()].filter(({ state }) => state !== 'released').length
  t.is(open(), 2)
  t.is(stage.core.liveSessions, 1, 'the talk of the two')
  stage.takeOver()
  t.is(stage.core.liveSessions, 1)
  for (const step of free) step(stage)
  t.true(c(stage).heard('INVITE'))
  t.is(stage.core.liveSessions, 1, 'the asker rings')
})

test('the code alone means the number that was busy last, for a while', (t) => {
  const stage = play(talk)
  c(stage).call('102')
  t.true(c(stage).heard(486))
  stage.pass(limits.callBackWindowMs - 2_000)
  play([dial('*66'), ...confirmed, ...free], -1, stage)
  t.true(c(stage).heard('INVITE'))
  const late = play(talk)
  c(late).call('102')
  late.pass(limits.callBackWindowMs + 2_000)
  c(late).call('*66')
  t.is(c(late).told(404).reason, 'Not Set')
})

test('a wish is taken back by its code, with the number or without', (t) => {
  for (const code of ['*86', '*86102']) {
    const stage = play([...wanted, dial(code), ...confirmed, ...free])
    stage.pass(60_000)
    t.false(c(stage).heard('INVITE'), code)
    t.is(stage.core.liveSessions, 0)
  }
  const stage = play(wanted)
  c(stage).call('*86777')
  t.true(c(stage).heard(404))
})

test('who cannot be called back is refused, and wishes are bounded', (t) => {
  for (const [number, status] of [
    ['103', 404],
    ['777', 404],
    ['900', 404],
    ['118', 603],
  ] as const) {
    const stage = new Stage()
    c(stage).call(`*66${number}`)
    t.true(c(stage).heard(status), number)
  }
  const stage = new Stage()
  for (let n = 0; n <= limits.callBacksPerUserMax; n += 1) stage.addPhone(`13${n}`, 'telephone')
  for (let n = 0; n < limits.callBacksPerUserMax; n += 1) {
    changeProfile(stage, `13${n}`, { settings: { doNotDisturb: true } })
    play([dial(`*6613${n}`), ...confirmed], -1, stage)
  }
  c(stage).inbox.length = 0
  c(stage).call(`*6613${limits.callBacksPerUserMax}`)
  t.true(c(stage).heard(503))
  c(stage).inbox.length = 0
  c(stage).call('*66130')
  t.true(c(stage).heard(200))
})

test('a wish that never comes true ends after its time, with a call record that says so', (t) => {
  const stage = new Stage()
  changeProfile(stage, '102', { settings: { doNotDisturb: true } })
  play([dial('*66102'), ...confirmed], -1, stage)
  stage.pass(limits.callBackMsMax + limits.callBackLookMs)
  const record = stage.records.at(-1)
  t.is(record?.status, 408)
  t.deepEqual([record?.caller, record?.called], ['103', '102'])
  t.is(stage.core.liveSessions, 0)
  t.false(c(stage).heard('INVITE'))
})

test('an asker who does not answer is called no more, one who is busy is called again', (t) => {
  const silent = play([...wanted, ...free, ringAsker])
  silent.pass(limits.callBackRingMs + 100)
  t.true(c(silent).heard('CANCEL'))
  t.is(silent.records.at(-1)?.status, 408)
  const stage = play([...wanted, ...free])
  for (let n = 1; n <= limits.callBackTriesMax; n += 1) {
    t.is(
      c(stage).inbox.filter((one) => one.kind === 'request' && one.method === 'INVITE').length,
      n,
    )
    c(stage).respond(c(stage).asked('INVITE'), 486)
    stage.pass(limits.callBackLookMs + 100)
  }
  t.is(stage.records.at(-1)?.status, 486)
  t.is(stage.core.liveSessions, 0)
})

test('the number is busy again, or declines: the asker is released with the reason', (t) => {
  const declined = play([...wanted, ...free, answerAsker])
  declined.b.respond(declined.b.asked('INVITE'), 603)
  t.true(c(declined).heard('BYE'))
  t.is(declined.records.at(-1)?.status, 603)
  const stage = play([...wanted, ...free, ringAsker])
  stage.a.inbox.length = 0
  stage.a.cseq += 1
  stage.a.call('102')
  answerAsker(stage)
  t.true(
    c(stage)
      .asked('BYE')
      .headers.some(({ value }) => value.includes('cause=486')),
  )
})

test('an asker who hangs up while the number rings ends it', (t) => {
  const stage = play([...wanted, ...free, answerAsker, ringNumber])
  c(stage).cseq = 500
  c(stage).request('BYE')
  t.true(stage.b.heard('CANCEL'))
  t.is(stage.core.liveSessions, 0)
})

test('a call that waits for the line comes before a call back, and a talk of the two makes it needless', (t) => {
  const stage = new Stage()
  stage.addPhone('105', 'telephone')
  changeProfile(stage, '102', { line: { waiting: 5 } })
  play([...talk, dial('*66102'), ...confirmed], -1, stage)
  stage.phone('105').call('102')
  for (const step of free) step(stage)
  t.is(stage.b.asked('INVITE').from.uri.user, '105')
  t.false(c(stage).heard('INVITE'))
  stage.b.respond(stage.b.asked('INVITE'), 603)
  t.true(c(stage).heard('INVITE'))
})
