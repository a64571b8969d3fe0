//! The period of the heartbeats: 100 ms on average, whatever else the machine does (S1.64).
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { nextPeriod } from '../../src/pair/period.ts'

const { heartbeatMs } = limits

/** Times of heartbeats, each of which leaves so much after it was due. */
function beats(lateMs: readonly number[]): number[] {
  let dueAt = 0
  return lateMs.map((late) => {
    const now = dueAt + late
    dueAt = nextPeriod(dueAt, now, heartbeatMs)
    return now
  })
}

test('the default period is 100 ms', (t) => {
  t.is(heartbeatMs, 100)
  t.deepEqual(beats([0, 0, 0, 0]), [0, 100, 200, 300])
})

test('late heartbeats do not add up: each is within one period of its place', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 99.9, noNaN: true }), { minLength: 1 }),
      (late) => {
        for (const [index, at] of beats(late).entries()) {
          t.true(at - index * heartbeatMs >= 0 && at - index * heartbeatMs < heartbeatMs)
        }
      },
    ),
  )
})

test('what was missed by a standstill is not sent in a burst', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 100, max: 100_000, noNaN: true }), (standstill) => {
      const [first = 0, woken = 0, next = 0, last = 0] = beats([0, standstill, 0, 0])
      t.is(first, 0)
      t.true(Math.abs(next - woken - heartbeatMs) < 1e-6)
      t.true(Math.abs(last - next - heartbeatMs) < 1e-6)
    }),
  )
})
