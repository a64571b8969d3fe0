//! When the memory of a unit counts as low and as exhausted.
import test from 'ava'
import { MemoryWatch } from '../../src/compose/memory-watch.ts'
import { limits } from '../../src/limits.ts'

const rest = { heapBytesMax: 1_000, processBytes: 100, processBytesMax: 2_000 }

test('what is used in every look counts, not a peak of garbage', (t) => {
  const watch = new MemoryWatch()
  const shares = [950, 300, 960, 970, 980, 990].map((heapBytes) =>
    watch.look({ ...rest, heapBytes }),
  )
  t.deepEqual(shares, [0, 0, 0, 0.3, 0.3, 0.96])
})

test('the process counts like its heap', (t) => {
  const watch = new MemoryWatch()
  let share = 0
  for (let looks = 0; looks < limits.memoryLooks; looks += 1) {
    share = watch.look({ ...rest, heapBytes: 10, processBytes: 1_900 })
  }
  t.is(share, 0.95)
})

test('it looks a few times a second, whatever the loop does', (t) => {
  const watch = new MemoryWatch()
  const due = Array.from({ length: 100 }, (_, n) => watch.isDue(n * 10)).filter(Boolean)
  t.is(due.length, 1_000 / limits.memoryLookMs)
})

test('it looks more often while memory is low, and less again afterwards', (t) => {
  const watch = new MemoryWatch()
  const looksIn = (fromMs: number, share: number) => {
    let looks = 0
    for (let nowMs = fromMs; nowMs < fromMs + 1_000; nowMs += 5) {
      if (!watch.isDue(nowMs)) continue
      looks += 1
      watch.look({ ...rest, heapBytes: share * rest.heapBytesMax })
    }
    return looks
  }
  const [calm, low] = [1_000 / limits.memoryLookMs, 1_000 / limits.memoryLookLowMs]
  t.is(looksIn(0, 0.5), calm)
  t.true(looksIn(1_000, limits.memoryLowShare) > 0.8 * low)
  t.true(looksIn(2_000, 0.5) <= calm + 1)
})
