//! Forced release: whose right it asks, and what becomes of the warning when the conversation goes on after all;
//! over take-overs.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import type { Script, Step } from './core-calls.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

/** 105 may release; 102 has places for calls that wait. */
function site(): Stage {
  const stage = new Stage()
  stage.addPhone('105', 'position')
  changeProfile(stage, '105', { rights: { forceRelease: true } })
  changeProfile(stage, '102', { line: { waiting: 5 } })
  return stage
}

const c = (stage: Stage) => stage.phone('105')

const talk: Script = [
  ({ a }) => a.call('102'),
  ({ b }) => b.respond(b.asked('INVITE'), 200, sdp(b.endpoint)),
  ({ a }) => a.ack(a.told(200)),
]
const release: Step = (stage) => c(stage).call('*38102')
const heard: Script = [
  ({ a }) => a.respond(a.asked('INFO'), 200),
  ({ b }) => b.respond(b.asked('INFO'), 200),
]
const giveUp: Step = (stage) => c(stage).request('CANCEL', { cseq: c(stage).cseq })
const end: Script = [({ a }) => a.request('BYE'), ({ b }) => b.respond(b.asked('BYE'), 200)]

function play(stage: Stage, ...scripts: readonly Script[]): Stage {
  for (const step of scripts.flat()) step(stage)
  return stage
}

function infosOf({ inbox }: Phone): string[] {
  return inbox.flatMap((one) => (one.kind === 'request' && one.method === 'INFO' ? [one.body] : []))
}

const tones = ({ tables }: Stage) => [...tables.wiredMedia.values()].map(({ tone }) => tone?.name)
const warned = 'Interruption is impending'
const relieved = 'Interruption Terminated'

for (const takesOver of [false, true]) {
  const how = takesOver ? ', at the other node too' : ''
  test(`a forced release that is given up takes its warning back${how}`, (t) => {
    const stage = play(site(), talk, [release], heard)
    t.deepEqual(tones(stage), ['interruption', 'interruption'])
    stage.pass(500)
    if (takesOver) stage.takeOver()
    giveUp(stage)
    t.true(c(stage).heard(487))
    for (const phone of [stage.a, stage.b]) t.deepEqual(infosOf(phone), [warned, relieved])
    t.deepEqual(tones(stage), [undefined, undefined])
    stage.pass(2 * limits.interruptionWaitMs)
    t.false(stage.a.heard('BYE'))
  })
}

test('the tone of a warning ends with it, wherever its members are by then', (t) => {
  const stage = play(site(), talk, [release])
  const [leg] = stage.tables.wiredMedia.values()
  const { times = null, parts = [] } = leg?.tone ?? {}
  const ms = (times ?? Number.POSITIVE_INFINITY) * parts.reduce((sum, part) => sum + part.ms, 0)
  t.true(ms >= limits.interruptionWaitMs && ms < 2 * limits.interruptionWaitMs, `${ms}`)
})

test('who has not answered the warning is told afterwards that it is over', (t) => {
  const stage = play(site(), talk, [release])
  const { a, b } = stage
  a.respond(a.asked('INFO'), 200)
  giveUp(stage)
  t.deepEqual(infosOf(a), [warned, relieved])
  t.deepEqual(infosOf(b), [warned])
  stage.takeOver()
  b.respond(b.asked('INFO'), 200)
  t.deepEqual(infosOf(b), [warned, relieved])
  for (const phone of [a, b]) phone.respond(phone.asked('INFO'), 200)
  stage.pass(2_000)
  t.deepEqual(infosOf(b), [warned, relieved])
  t.true(
    [...stage.tables.wiredConference.values()].every(({ interruption }) => interruption === null),
  )
})

test('a conversation that is put on hold in its last seconds is spared, and warned again when it goes on', (t) => {
  const stage = play(site(), talk, [release], heard)
  const { a, b } = stage
  stage.pass(1_000)
  a.reinvite(sdp(a.endpoint, { direction: 'sendonly', version: 2 }))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { direction: 'recvonly', version: 2 }))
  a.ack(a.told(200))
  for (const phone of [a, b]) t.deepEqual(infosOf(phone), [warned, relieved])
  t.false(tones(stage).includes('interruption'))
  play(stage, heard)
  stage.takeOver()
  stage.pass(20_000)
  t.false(a.heard('BYE') || b.heard('BYE'))
  a.reinvite(sdp(a.endpoint, { direction: 'sendrecv', version: 3 }))
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { version: 3 }))
  a.ack(a.told(200))
  for (const phone of [a, b]) t.deepEqual(infosOf(phone), [warned, relieved, warned])
  play(stage, heard)
  stage.pass(limits.interruptionWaitMs - 100)
  t.false(a.heard('BYE'))
  stage.pass(200)
  t.true(a.heard('BYE') && b.heard('BYE'))
})

test('a conversation that ends by itself is told nothing more', (t) => {
  const stage = play(site(), talk, [release], heard, end)
  stage.pass(10_000)
  t.deepEqual([infosOf(stage.a), infosOf(stage.b)], [[warned], [warned]])
  t.is(stage.b.asked('INVITE').from.uri.user, '105')
})

test('a take-over between two records leaves no warning behind', (t) => {
  const stage = play(site(), talk, [release], heard)
  stage.isMute = true
  // The record of the conversation did not come any more.
  const known = stage.copyOfTables()
  giveUp(stage)
  const given = [...stage.tables.wiredConference.values()].find(({ queued }) => queued !== null)
  if (given !== undefined) known.wiredConference.put(given)
  stage.takeOverWith(known)
  stage.isMute = false
  stage.pass(2_000)
  for (const phone of [stage.a, stage.b]) {
    t.deepEqual([...new Set(infosOf(phone))], [warned, relieved])
  }
  t.false(tones(stage).includes('interruption'))
})

test('a take-over before the record of the warning warns again, and takes nothing back', (t) => {
  const stage = play(site(), talk)
  const [before] = stage.tables.wiredConference.values()
  if (before === undefined) return void t.fail('there is a call')
  stage.isMute = true
  release(stage)
  const known = stage.copyOfTables()
  known.wiredConference.put(before)
  stage.takeOverWith(known)
  stage.isMute = false
  stage.pass(600)
  for (const phone of [stage.a, stage.b]) {
    t.deepEqual([...new Set(infosOf(phone))], [warned])
  }
  t.deepEqual(tones(stage), ['interruption', 'interruption'])
  play(stage, heard)
  stage.pass(limits.interruptionWaitMs)
  t.true(stage.a.heard('BYE') && stage.b.heard('BYE'))
})

test('a take-over before the record of the call that presses: its warning is taken back, and given anew', (t) => {
  const stage = play(site(), talk)
  const { a, b } = stage
  const turn = (direction: string, answer: string, version: number) => {
    a.reinvite(sdp(a.endpoint, { direction, version }))
    b.respond(b.asked('INVITE'), 200, sdp(b.endpoint, { direction: answer, version }))
    a.ack(a.told(200))
  }
  turn('sendonly', 'recvonly', 2)
  release(stage)
  const waits = [...stage.tables.wiredConference.values()].find(({ queued }) => queued !== null)
  if (waits === undefined) return void t.fail('a call waits')
  turn('sendrecv', 'sendrecv', 3)
  play(stage, heard)
  const known = stage.copyOfTables()
  known.wiredConference.put(waits)
  stage.takeOverWith(known)
  stage.pass(10)
  play(stage, heard)
  for (const phone of [a, b]) t.deepEqual(infosOf(phone), [warned, relieved, warned])
  play(stage, heard)
  stage.pass(limits.interruptionWaitMs + 100)
  t.true(a.heard('BYE') && b.heard('BYE'))
})

test('a conversation is released for one call, though another one waits for its other side', (t) => {
  const stage = site()
  stage.addPhone('106', 'position')
  changeProfile(stage, '106', { rights: { forceRelease: true } })
  changeProfile(stage, '101', { line: { waiting: 5 } })
  play(stage, talk, [release], heard)
  const sent = stage.transcript.length
  stage.phone('106').call('*38101')
  t.true(stage.phone('106').heard(182))
  t.is(stage.transcript.slice(sent).filter((line) => line.includes('INFO')).length, 0)
  stage.takeOver()
  giveUp(stage)
  for (const phone of [stage.a, stage.b]) t.deepEqual(infosOf(phone), [warned, relieved])
  play(stage, heard)
  for (const phone of [stage.a, stage.b]) t.deepEqual(infosOf(phone), [warned, relieved, warned])
  play(stage, heard)
  stage.pass(limits.interruptionWaitMs + 100)
  t.is(stage.a.asked('INVITE').from.uri.user, '106')
})

test('the tone of a warning is not covered by that of another call that waits', (t) => {
  const stage = play(site(), talk, [release], heard)
  stage.addPhone('106', 'telephone')
  stage.phone('106').call('102')
  t.true(stage.phone('106').heard(182))
  t.deepEqual(tones(stage).slice(0, 2), ['interruption', 'interruption'])
})

const whole: Script = [...talk, release, ...heard, giveUp, ...heard, ...end]

test('a forced release that is given up ends as without a take-over, whenever there is one', (t) => {
  const plain = play(site(), whole)
  for (let step = 0; step < whole.length; step += 1) {
    const stage = play(site(), whole.slice(0, step + 1))
    stage.takeOver()
    play(stage, whole.slice(step + 1))
    t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
    stage.pass(80_000)
    const { conferenceResource, wiredConference, wiredMedia } = stage.tables
    t.is(conferenceResource.size + wiredConference.size + wiredMedia.size, 0, `step ${step}`)
  }
})

for (const number of ['101', '102']) {
  for (const [name, dialled, ms] of [
    ['intrusion', '*37102', limits.intrusionWaitMs],
    ['intrusion by an emergency call', '102', limits.intrusionWaitMs],
    ['forced release', '*38102', limits.interruptionWaitMs],
  ] as const) {
    const who = number === '101' ? 'the other side' : 'who is called'
    test(`${name} asks the right of both: ${who} is not to be intruded`, (t) => {
      const stage = site()
      changeProfile(stage, number, { rights: { beIntruded: false } })
      play(stage, talk)
      c(stage).call(dialled, undefined, dialled === '102' ? ['Priority: emergency'] : [])
      t.true(c(stage).heard(182))
      stage.pass(ms + 100)
      for (const phone of [stage.a, stage.b]) t.false(phone.heard('INFO') || phone.heard('BYE'))
      t.false(c(stage).heard(183))
      changeProfile(stage, number, { rights: { beIntruded: true } })
      play(stage, end)
      t.is(stage.b.asked('INVITE').from.uri.user, '105', 'it waits for the line')
    })
  }
}

test('people of another system, behind a gateway, have their rules there', (t) => {
  const stage = site()
  const [outside] = [stage.phone('900')]
  outside.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  outside.ack(outside.told(200))
  c(stage).call('*37102')
  stage.pass(limits.intrusionWaitMs + 100)
  t.true(c(stage).heard(183))
})
