//! What a run leaves on the heap is told from what the engine keeps there for itself.
import test from 'ava'
import { grownClasses, heapCensus } from '../../sim/traffic/heap-census.ts'

class Dropped {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

class Leftover {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

test.serial('what the program keeps is counted by its class', async (t) => {
  const before = await heapCensus()
  const kept = Array.from({ length: 2_000 }, (_, number) => new Leftover(number))
  const after = await heapCensus()
  t.is(kept.length, 2_000)
  t.is(after.classes.get('object Leftover')?.count, 2_000)
  t.true(after.programBytes - before.programBytes > 2_000 * 24)
  t.true(grownClasses(before, after, 100).some((text) => text.startsWith('object Leftover: ')))
})

test.serial('what is garbage is not counted', async (t) => {
  t.is(madeAndDropped(500), 500)
  const { classes } = await heapCensus()
  t.is(classes.get('object Dropped')?.count ?? 0, 0)
})

function madeAndDropped(count: number): number {
  return Array.from({ length: count }, (_, number) => new Dropped(number)).length
}
