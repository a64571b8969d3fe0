//! Random orders of messages, losses and take-overs: nothing throws, and nothing is left over.
import test from 'ava'
import fc from 'fast-check'
import { attempt, type Step, scripts, whims } from './core-calls.ts'
import { Stage } from './core-stage.ts'

const whim = fc.integer({ min: 0, max: whims.length - 1 }).map((index) => whims[index] as Step)

/** A sensible call, into which whims are thrown. */
const disturbed = fc
  .record({
    name: fc.constantFrom(...Object.keys(scripts)),
    whims: fc.array(fc.tuple(fc.nat(20), whim), { maxLength: 12 }),
  })
  .map(({ name, whims: thrown }) => {
    const steps = [...(scripts[name] ?? [])]
    for (const [at, step] of thrown) steps.splice(Math.min(at, steps.length), 0, step)
    return steps
  })
const wild = fc.array(whim, { maxLength: 40 })

function nothingIsLeft(steps: readonly Step[]): boolean {
  const stage = new Stage()
  for (const step of steps) {
    attempt(() => step(stage))
    const live = stage.core.liveSessions
    if (stage.tables.conferenceResource.size !== 3 * live) throw new Error('a resource leaks')
    if (stage.tables.wiredMedia.size > 2 * live) throw new Error('a leg leaks')
  }
  for (const { sessionId } of [...stage.tables.wiredConference.values()]) stage.release(sessionId)
  stage.pass(120_000)
  const { conferenceResource, wiredConference, wiredMedia } = stage.tables
  return conferenceResource.size + wiredConference.size + wiredMedia.size === 0
}

const numRuns = Number(process.env.CHAOS_RUNS ?? 150)

test('any order of messages: the core never throws, and every port and number comes back', (t) => {
  t.notThrows(() => fc.assert(fc.property(wild, nothingIsLeft), { numRuns }))
})

test('a disturbed call: the core never throws, and every port and number comes back', (t) => {
  t.notThrows(() => fc.assert(fc.property(disturbed, nothingIsLeft), { numRuns }))
})
