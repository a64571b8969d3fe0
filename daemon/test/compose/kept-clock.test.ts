//! The pair clock over the death of the pair unit.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { clockKeeper, keptClock } from '../../src/compose/kept-clock.ts'
import { newPairClock } from '../../src/pair/pair-clock.ts'

function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'vccs-clock-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

const clock = { ...newPairClock(0), offsetMs: 1234.5, synchronised: true }

test('a pair unit goes on with the clock of the one that died a moment ago', (t) => {
  const run = directory(t)
  t.is(keptClock(run, 1_000), null)
  clockKeeper(run)(clock, 1_000)
  t.like(keptClock(run, 3_000), { offsetMs: 1234.5, synchronised: true, movedAt: 3_000 })
})

test('a clock that is old, of the future, of another machine start or broken is worth nothing', (t) => {
  const run = directory(t)
  clockKeeper(run)(clock, 20_000)
  t.is(keptClock(run, 30_001), null)
  t.is(keptClock(run, 19_999), null)
  const note = { atMs: 20_000, offsetMs: 1, machineBoot: 'another' }
  writeFileSync(join(run, 'pair-clock.json'), JSON.stringify(note))
  t.is(keptClock(run, 20_001), null)
  writeFileSync(join(run, 'pair-clock.json'), '{"atMs":')
  t.is(keptClock(run, 20_001), null)
})

test("a clock that is nobody's is not kept, and a directory that is gone ends nothing", (t) => {
  const run = directory(t)
  clockKeeper(run)(newPairClock(0), 1_000)
  t.is(keptClock(run, 1_001), null)
  t.notThrows(() => clockKeeper(join(run, 'missing'))(clock, 1_000))
})
