//! Every call, with a take-over after every step: it must end as if nothing had happened.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { playWithLoss, type Script, scripts } from './core-calls.ts'
import { Stage, sdp, service, serviceOfPeer } from './core-stage.ts'

function play(script: Script, takeOverAfter: number, reach = { direct: false }): Stage {
  const stage = new Stage(reach)
  for (const [index, step] of script.entries()) {
    step(stage)
    if (index === takeOverAfter) stage.takeOver()
  }
  return stage
}

for (const [name, script] of Object.entries(scripts)) {
  test(`${name}: the same end after a take-over at any step, and all ports come back`, (t) => {
    const plain = play(script, -1)
    t.is(plain.core.liveSessions, 0)
    t.is(plain.records.length, 1)
    for (let step = 0; step < script.length; step += 1) {
      const stage = play(script, step)
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.deepEqual(stage.records[0]?.status, plain.records[0]?.status)
      t.deepEqual(stage.records[0]?.endedBy, plain.records[0]?.endedBy)
      t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
      t.is(stage.tables.wiredMedia.size, 0)
      stage.pass(40_000)
      t.is(stage.tables.wiredConference.size, 0, `step ${step}`)
    }
  })
}

for (const [name, script] of Object.entries(scripts)) {
  test(`${name}: the same with two nodes that have an address each`, (t) => {
    const plain = play(script, -1)
    for (let step = 0; step < script.length; step += 1) {
      const stage = play(script, step, { direct: true })
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
    }
  })
}

const withoutWaiting = Object.entries(scripts).filter(
  ([name]) => !name.includes('dead') && !name.includes('never') && !name.includes('nobody'),
)
for (const [name, script] of withoutWaiting) {
  test(`${name}: the same end when the node dies before its messages leave`, (t) => {
    const plain = play(script, -1)
    for (let step = 0; step < script.length; step += 1) {
      const stage = playWithLoss(new Stage(), script, step)
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
      stage.pass(40_000)
      t.is(stage.tables.wiredConference.size, 0, `step ${step}`)
    }
  })
}

test('a survivor with an address of its own describes itself, under the same origin', (t) => {
  const stage = new Stage({ direct: true })
  const { a, b } = stage
  a.call('102')
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  const before = a.told(200)
  a.ack(before)
  stage.takeOver()
  a.reinvite(sdp(a.endpoint, { version: 2, port: 4_002 }))
  const after = a.told(200)
  const hosts = [before, after].map((answer) =>
    answer.contact === '*' ? null : answer.contact[0]?.uri.host,
  )
  t.deepEqual(hosts, [service, serviceOfPeer])
  const addresses = [before, after].map(({ body }) => /c=IN IP4 (\S+)/.exec(body)?.[1])
  t.deepEqual(addresses, [service, serviceOfPeer])
  const [one, two] = [before, after].map(({ body }) => /o=vccs (\d+) (\d+) (.*)\r/.exec(body))
  t.is(two?.[1], one?.[1])
  t.is(two?.[3], one?.[3], 'the origin names the session, not the node')
  t.is(Number(two?.[2]), Number(one?.[2]) + 1)
})

test('an ended session of which nothing is on the way any more does not stay', (t) => {
  const [script] = Object.values(scripts)
  const stage = play((script ?? t.fail()).slice(0, 3), -1)
  const [session] = stage.tables.wiredConference.values()
  if (session === undefined) return t.fail('no session')
  const members = session.members.map((member) => ({
    ...member,
    state: 'releasing' as const,
    dialog: { ...member.dialog, pendingServer: null, pendingClient: null },
  }))
  const ended = { atMs: 0, status: 200, by: 'caller' as const }
  stage.tables.wiredConference.put({ ...session, members, state: 'released', ended })
  stage.takeOver()
  t.is(stage.tables.wiredConference.size, 1)
  stage.pass(limits.releasedMsMax)
  t.is(stage.tables.wiredConference.size, 0)
})
