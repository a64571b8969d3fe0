//! Calls that the switch answers by itself: the tone that confirms a setting, and central monitoring.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import type { Profile } from '../../src/tables/profile.ts'
import type { Conference } from '../../src/tables/wired-conference.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import type { Script } from './core-calls.ts'
import { Stage, sdp, service } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

function live(stage: Stage): Conference[] {
  return [...stage.tables.wiredConference.values()].filter(({ state }) => state !== 'released')
}

function legOfUser(stage: Stage, user: string): WiredMedia {
  const member = live(stage)
    .flatMap(({ members }) => members)
    .find((one) => one.user === user)
  const leg = stage.tables.wiredMedia.get(member?.mediaId ?? '')
  if (leg === undefined) throw new Error(`${user} has no leg`)
  return leg
}

function nothingLeft(stage: Stage): boolean {
  stage.pass(80_000)
  const { conferenceResource, wiredMedia, wiredConference } = stage.tables
  return conferenceResource.size + wiredMedia.size + wiredConference.size === 0
}

const setting: Script = [
  ({ a }) => a.call('*72103'),
  ({ a }) => a.ack(a.told(200)),
  (stage) => stage.pass(limits.confirmationMs + 100),
  ({ a }) => a.respond(a.asked('BYE'), 200),
]

test('a setting is confirmed by a tone, and the call ends by itself, over a take-over at any step', (t) => {
  for (let step = -1; step < setting.length; step += 1) {
    const stage = new Stage()
    for (const [index, act] of setting.entries()) {
      act(stage)
      if (index === 1) t.is(legOfUser(stage, '101').tone?.name, 'confirmation')
      if (index === step) stage.takeOver()
    }
    t.deepEqual(stage.transcript, ['101 < 200 INVITE', '101 < BYE'], `step ${step}`)
    t.deepEqual(stage.records[0]?.services, ['setting'])
    t.is(stage.records.length, 1)
    t.true(nothingLeft(stage), `step ${step}`)
  }
})

test('a caller may hang up, hold and refresh while he hears the confirmation', (t) => {
  const stage = new Stage()
  stage.a.call('*78', '')
  stage.a.ack(stage.a.told(200), sdp(stage.a.endpoint))
  stage.a.reinvite(sdp(stage.a.endpoint, { direction: 'sendonly', version: 2 }))
  stage.a.ack(stage.a.told(200))
  stage.a.request('UPDATE', { body: sdp(stage.a.endpoint, { version: 3 }) })
  stage.a.request('REFER', { headers: [`Refer-To: <sip:103@${service}>`] })
  t.true(stage.a.heard(403))
  stage.a.request('BYE')
  t.is(live(stage).length, 0)
  t.true(nothingLeft(stage))
})

test('without a free port a setting is stored all the same, and a text says so', (t) => {
  const stage = new Stage({ lastPort: 20_003 })
  stage.b.call('103')
  stage.a.call('*72103')
  t.is(stage.a.told(480).reason, 'Setting Stored')
})

/** 101 talks to 102, and 900 has the right to hear 102. */
function talking(plan = emptyPlan): Stage {
  const stage = new Stage({ plan })
  stage.addPhone('105', 'position')
  changeProfile(stage, '105', { rights: { monitor: true } })
  changeProfile(stage, '102', { rights: { beMonitored: true } })
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  stage.a.ack(stage.a.told(200))
  return stage
}

test('a monitor is in the bridge of the conversation, hears it, and is heard by nobody', (t) => {
  const stage = talking()
  const before = stage.transcript.length
  const listener = stage.phone('105')
  listener.call('*35102')
  t.regex(listener.told(200).body, /a=sendonly/)
  const leg = legOfUser(stage, '105')
  t.is(leg.conferenceId, legOfUser(stage, '101').conferenceId)
  t.is(leg.direction, 'sendonly')
  t.true(leg.muted)
  t.is(legOfUser(stage, '101').tone, null)
  t.deepEqual(stage.transcript.slice(before), ['105 < 200 INVITE'])
  t.is(stage.core.liveSessions, 2)
})

test('who is monitored hears a tone when the site wants it, as long as anybody listens', (t) => {
  const stage = talking({ ...emptyPlan, monitoringTone: true })
  const listener = stage.phone('105')
  listener.call('*35102')
  for (const user of ['101', '102']) t.is(legOfUser(stage, user).tone?.name, 'monitoring')
  listener.ack(listener.told(200))
  listener.request('BYE')
  for (const user of ['101', '102']) t.is(legOfUser(stage, user).tone, null)
})

test('monitoring needs a right on both sides, an account, and a conversation', (t) => {
  const cases: [string, Partial<Profile['rights']>, Partial<Profile['rights']>, number][] = [
    ['*35102', { monitor: false }, { beMonitored: true }, 403],
    ['*35102', { monitor: true }, { beMonitored: false }, 403],
    ['*35777', { monitor: true }, {}, 404],
    ['*35118', { monitor: true }, {}, 404],
    ['*35105', { monitor: true }, {}, 403],
  ]
  for (const [number, own, theirs, status] of cases) {
    const stage = talking()
    changeProfile(stage, '105', { rights: own })
    changeProfile(stage, '102', { rights: theirs })
    stage.phone('105').call(number)
    t.true(stage.phone('105').heard(status), `${number} ${status}`)
  }
  const stage = talking()
  changeProfile(stage, '103', { rights: { beMonitored: true } })
  stage.phone('105').call('*35103')
  t.is(stage.phone('105').told(480).reason, 'Not Talking')
})

/** The conversation goes on without the listener, then ends before the second one hangs up. */
const heardToTheEnd: Script = [
  (stage) => stage.phone('105').call('*35102'),
  (stage) => stage.phone('105').ack(stage.phone('105').told(200)),
  (stage) => stage.pass(5_000),
  ({ a }) => a.request('BYE'),
  ({ b }) => b.respond(b.asked('BYE'), 200),
  // A new primary sees it in its first turn.
  (stage) => stage.pass(1_000),
  (stage) => stage.phone('105').respond(stage.phone('105').asked('BYE'), 200),
]

test('monitoring ends with the conversation, over a take-over at any step', (t) => {
  for (let step = -1; step < heardToTheEnd.length; step += 1) {
    const stage = talking()
    for (const [index, act] of heardToTheEnd.entries()) {
      act(stage)
      if (index === step) stage.takeOver()
    }
    t.is(stage.core.liveSessions, 0, `step ${step}`)
    const services = stage.records.map((record) => record.services.join())
    t.deepEqual(services.sort(), ['monitored', 'monitoring'], `step ${step}`)
    t.true(nothingLeft(stage), `step ${step}`)
  }
})

test('a monitor whose conversation ended in the moment of the take-over is released', (t) => {
  const stage = talking()
  stage.phone('105').call('*35102')
  stage.phone('105').ack(stage.phone('105').told(200))
  for (const session of live(stage)) {
    if (session.attendant !== null) continue
    const ended = { atMs: stage.now.wallMs, status: 200, by: 'caller' as const }
    stage.tables.wiredConference.put({ ...session, state: 'released', ended })
  }
  stage.takeOver()
  stage.pass(2_000)
  t.true(stage.phone('105').heard('BYE'))
})

test('a monitor hears a transferred call no more, when the number has left it', (t) => {
  const stage = talking()
  stage.phone('105').call('*35102')
  stage.phone('105').ack(stage.phone('105').told(200))
  stage.b.cseq = 100
  stage.b.request('REFER', { headers: [`Refer-To: <sip:103@${service}>`] })
  stage.b.respond(stage.b.asked('NOTIFY'), 200)
  t.false(stage.phone('105').heard('BYE'))
  const target = stage.phone('103')
  target.respond(target.asked('INVITE'), 200, sdp(target.endpoint))
  t.true(stage.phone('105').heard('BYE'))
  t.false(stage.a.heard('BYE'))
})
