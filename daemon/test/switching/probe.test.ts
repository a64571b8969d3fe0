//! After a take-over each dialog is asked once whether it lives; a call that no terminal knows ends.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { Stage, sdp } from './core-stage.ts'

function talking(): Stage {
  const stage = new Stage()
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 200, sdp(stage.b.endpoint))
  stage.a.ack(stage.a.told(200))
  for (const phone of [stage.a, stage.b]) phone.inbox.length = 0
  return stage
}

/** Until all have been asked. */
const spreadMs = limits.probePaceMs + 100

function states({ tables }: Stage): string[] {
  return [...tables.wiredConference.values()].map(({ state }) => state)
}

test('a call that the dead primary ended without its peer ends when its terminals do not know it', (t) => {
  const stage = talking()
  const stale = stage.copyOfTables()
  stage.a.request('BYE')
  stage.b.respond(stage.b.asked('BYE'), 200)
  // What the peer has heard of it is long past.
  stage.pass(20_000)
  for (const phone of [stage.a, stage.b]) phone.inbox.length = 0
  stage.takeOverWith(stale)
  t.is(stage.core.liveSessions, 1)
  stage.pass(limits.probeAfterMs - 100)
  t.deepEqual([stage.a.inbox.length, stage.b.inbox.length], [0, 0], 'nobody is asked before')
  stage.pass(spreadMs)
  const question = stage.a.asked('OPTIONS')
  t.truthy(question.to.parameters.get('tag'))
  stage.a.respond(question, 481)
  t.is(stage.core.liveSessions, 0)
  t.false(stage.a.heard('BYE'), 'it has no dialog')
  stage.b.respond(stage.b.asked('OPTIONS'), 481)
  stage.b.respond(stage.b.asked('BYE'), 481)
  stage.pass(limits.releasedLingerMs + 1_000)
  t.is(stage.tables.wiredConference.size, 0)
  t.is(stage.tables.wiredMedia.size, 0)
  t.is(stage.tables.conferenceResource.size, 0)
})

for (const status of [200, 405, 500, 501]) {
  test(`a terminal that answers ${status} keeps its call, and is asked once only`, (t) => {
    const stage = talking()
    stage.takeOver()
    stage.pass(limits.probeAfterMs + spreadMs)
    for (const phone of [stage.a, stage.b]) phone.respond(phone.asked('OPTIONS'), status)
    t.deepEqual(states(stage), ['communicating'])
    for (const phone of [stage.a, stage.b]) phone.inbox.length = 0
    stage.pass(300_000)
    t.false(stage.a.heard('OPTIONS') || stage.b.heard('OPTIONS'))
    stage.a.request('BYE')
    t.true(stage.b.heard('BYE'))
  })
}

test('silence ends no call: that is for the session timer', (t) => {
  const stage = talking()
  stage.takeOver()
  stage.pass(limits.probeAfterMs + spreadMs + 64 * limits.sipT1Ms + 1_000)
  t.deepEqual(states(stage), ['communicating'])
  const dialogs = [...stage.tables.wiredConference.values()].flatMap(({ members }) => members)
  t.true(dialogs.every(({ dialog }) => dialog.relayClient === null))
})

test('a question that was under way when its node died is asked again by the next one', (t) => {
  const stage = talking()
  stage.takeOver()
  stage.pass(limits.probeAfterMs + spreadMs)
  const first = stage.a.asked('OPTIONS')
  stage.takeOver()
  stage.a.respond(first, 200)
  for (const phone of [stage.a, stage.b]) phone.inbox.length = 0
  stage.pass(limits.probeAfterMs + spreadMs)
  const second = stage.a.asked('OPTIONS')
  t.true(second.cseq.number > first.cseq.number)
  stage.a.respond(second, 481)
  t.is(stage.core.liveSessions, 0)
  t.true(stage.b.heard('BYE'))
})

test('a call that rings is not asked: it has its own end', (t) => {
  const stage = new Stage()
  stage.a.call('102')
  stage.b.respond(stage.b.asked('INVITE'), 180)
  stage.takeOver()
  stage.pass(limits.probeAfterMs + spreadMs)
  t.false(stage.a.heard('OPTIONS') || stage.b.heard('OPTIONS'))
})
