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
