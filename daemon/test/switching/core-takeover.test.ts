//! Every call, with a take-over after every step: it must end as if nothing had happened.
import test from 'ava'
import { type Script, scripts } from './core-calls.ts'
import { Stage } from './core-stage.ts'

function play(script: Script, takeOverAfter: number): Stage {
  const stage = new Stage()
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

/** The records of this step reached the peer; what they led to never left the dying node. The
 * telephone repeats itself, and so does what the peer has taken over. */
function playWithLoss(script: Script, lostStep: number): Stage {
  const stage = new Stage()
  for (const [index, step] of script.entries()) {
    if (index !== lostStep) {
      step(stage)
      continue
    }
    stage.lastSent = () => {}
    stage.isMute = true
    step(stage)
    stage.takeOver()
    stage.isMute = false
    stage.lastSent()
    for (const phone of stage.phones.values()) phone.repeat()
    stage.pass(1_600)
  }
  return stage
}

const withoutWaiting = Object.entries(scripts).filter(
  ([name]) => !name.includes('dead') && !name.includes('never') && !name.includes('nobody'),
)
for (const [name, script] of withoutWaiting) {
  test(`${name}: the same end when the node dies before its messages leave`, (t) => {
    const plain = play(script, -1)
    for (let step = 0; step < script.length; step += 1) {
      const stage = playWithLoss(script, step)
      t.deepEqual([...stage.transcript].sort(), [...plain.transcript].sort(), `step ${step}`)
      t.is(stage.core.liveSessions, 0, `step ${step}`)
      t.is(stage.tables.conferenceResource.size, 0, `step ${step}`)
      stage.pass(40_000)
      t.is(stage.tables.wiredConference.size, 0, `step ${step}`)
    }
  })
}
