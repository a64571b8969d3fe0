//! What the host takes of a core, and which calls it did not concern.
import test from 'ava'
import { stolenOf, stolenShare, undisturbed } from '../../scripts/bench/stolen-time.ts'

test('the counter of the core itself is read', (t) => {
  const stat = 'cpu  1 2 3 4 5 6 7 99 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 6 7 21 0 0\n'
  t.is(stolenOf(stat, 1), 210)
  t.is(stolenOf(stat, 7), 0)
})

test('the share is that between the samples around the span', (t) => {
  const samples = [0, 250, 500, 750, 1_000].map((atMs) => {
    return { atMs, stolenMs: atMs <= 250 ? 0 : 100 }
  })
  t.is(stolenShare(samples, 0, 250), 0)
  t.is(stolenShare(samples, 10, 260), 0.2)
  t.is(stolenShare(samples, 500, 900), 0)
  t.is(stolenShare(samples, -1_000, 2_000), 0.1)
  t.is(stolenShare([], 0, 1), 0)
})

test('a call is disturbed when the host had the core while it waited, or in the second before it', (t) => {
  const samples = Array.from({ length: 41 }, (_, index) => {
    return { atMs: index * 250, stolenMs: index * 250 <= 5_000 ? 0 : 100 }
  })
  const calls = [3_000, 4_990, 5_100, 6_200, 6_300].map((atMs) => ({ atMs, ms: 5 }))
  t.deepEqual(
    undisturbed([...calls, { atMs: 4_000, ms: 2_000 }], samples).map(({ atMs }) => atMs),
    [3_000, 4_990, 6_300],
  )
})
