//! Transfers and pick-ups into which anything is thrown, take-overs too: nothing throws, and every port,
//! bridge number and record comes back.
import test from 'ava'
import fc from 'fast-check'
import { isOver, isPresent } from '../../src/switching/wired/sessions.ts'
import { attempt, type Script, type Step, whims } from './core-calls.ts'
import { Stage } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'
import { pickUpScripts, transferScripts } from './transfer-calls.ts'

const scripts: Readonly<Record<string, Script>> = { ...transferScripts, ...pickUpScripts }
const steps = [...new Set([...whims, ...Object.values(scripts).flat()])]

function newStage(): Stage {
  const stage = new Stage()
  for (const number of ['101', '102', '103']) {
    changeProfile(stage, number, { line: { calls: 2, pickupGroup: 'tower' } })
  }
  return stage
}

/** A number for each live session and a port for each member who takes part. */
function due(stage: Stage): number {
  let count = 0
  for (const session of stage.tables.wiredConference.values()) {
    if (!isOver(session)) count += 1 + session.members.filter(isPresent).length
  }
  return count
}

const step = fc.integer({ min: 0, max: steps.length - 1 }).map((index) => steps[index] as Step)
const disturbed = fc
  .record({
    name: fc.constantFrom(...Object.keys(scripts)),
    thrown: fc.array(fc.tuple(fc.nat(20), step), { maxLength: 12 }),
  })
  .map(({ name, thrown }) => {
    const all = [...(scripts[name] ?? [])]
    for (const [at, one] of thrown) all.splice(Math.min(at, all.length), 0, one)
    return all
  })

function nothingIsLeft(played: readonly Step[]): boolean {
  const stage = newStage()
  for (const one of played) {
    attempt(() => one(stage))
    if (stage.tables.conferenceResource.size !== due(stage)) throw new Error('a resource leaks')
  }
  for (const { sessionId } of [...stage.tables.wiredConference.values()]) stage.release(sessionId)
  stage.pass(150_000)
  const { conferenceResource, wiredConference, wiredMedia } = stage.tables
  return conferenceResource.size + wiredConference.size + wiredMedia.size === 0
}

const numRuns = Number(process.env.CHAOS_RUNS ?? 100)

test('a disturbed transfer: the core never throws, and every port and number comes back', (t) => {
  t.notThrows(() => fc.assert(fc.property(disturbed, nothingIsLeft), { numRuns }))
})
