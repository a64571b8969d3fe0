//! What a run leaves on the heap is told from what the engine keeps there for itself.
import test from 'ava'
import { grownClasses, heapCensus } from '../../sim/traffic/heap-census.ts'

/** On a machine that does much else. */
const minutesMax = 5

class Kept {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

class Dropped {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

test('what the program keeps is counted by its class, and garbage is not', async (t) => {
  t.timeout(minutesMax * 60_000)
  const before = await heapCensus()
  const kept = Array.from({ length: 2_000 }, (_, number) => new Kept(number))
  t.is(madeAndDropped(500), 500)
  const after = await heapCensus()
  t.is(kept.length, 2_000)
  t.is(after.classes.get('object Kept')?.count, 2_000)
  t.is(after.classes.get('object Dropped')?.count ?? 0, 0)
  t.true(after.programBytes - before.programBytes > 2_000 * 24)
  t.true(grownClasses(before, after, 100).some((text) => text.startsWith('object Kept: ')))
})

function madeAndDropped(count: number): number {
  return Array.from({ length: count }, (_, number) => new Dropped(number)).length
}
