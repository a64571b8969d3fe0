//! The simulator itself, and a few hours of it. `make sim` runs fifty.
import test from 'ava'
import { runLoad } from '../../sim/load.ts'
import { faultKinds, planOf } from '../../sim/plan.ts'
import { runPlan } from '../../sim/run.ts'
import { Random } from '../../sim/world/random.ts'
import { Timeline } from '../../sim/world/timeline.ts'

const small = { ...planOf(1, 'default'), phones: 4, calmMs: 5_000, chaosMs: 20_000 }

test('the same seed is the same run: equal hashes of all that happened', (t) => {
  const plan = { ...small, faults: [...faultKinds], faultMsMean: 3_000 }
  const [one, other] = [1, 2].map(() => runPlan(plan, { hours: 0.05 }))
  t.is(one?.hash, other?.hash)
  t.is(one?.events, other?.events)
  const another = runPlan({ ...plan, seed: 2 }, { hours: 0.05 })
  t.not(one?.hash, another.hash)
})

test('what is planned for one moment happens in the order in which it was planned', (t) => {
  const timeline = new Timeline()
  const random = new Random('order')
  const seen: number[] = []
  for (let count = 0; count < 500; count++) {
    const atMs = random.whole(0, 20)
    timeline.at(atMs, () => seen.push(atMs * 1_000 + count))
  }
  timeline.runTo(20)
  t.is(seen.length, 500)
  t.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  )
})

test('calls are made, faults strike, roles change, and all of it is counted', (t) => {
  const plan = { ...small, faults: ['kill-node' as const], faultMsMean: 5_000 }
  const outcome = runPlan(plan, { hours: 0.1 })
  t.deepEqual(outcome.violations, [])
  t.true(outcome.calls.answered > 5)
  t.true((outcome.faults.get('kill-node') ?? 0) > 3)
  t.true(outcome.roleChanges > 1)
})

for (const seed of [11, 12, 13]) {
  test(`every fault against two nodes with calls breaks no rule, seed ${seed}`, (t) => {
    const plan = { ...small, seed, phones: 6, faults: [...faultKinds], faultMsMean: 4_000 }
    const outcome = runPlan(plan, { hours: 0.03 })
    t.deepEqual(outcome.violations, [])
    t.true(outcome.calls.answered > 0)
    t.true([...outcome.faults.values()].reduce((sum, count) => sum + count, 0) > 5)
  })
}

test('late scheduling within the bound moves no role, beyond it it does', (t) => {
  const plan = { ...planOf(2, 'fast'), links: 1, phones: 4 }
  t.is(runLoad(plan, { hours: 0.1, pauseMsMax: 20 }).falseTakeOvers, 0)
  t.true(runLoad(plan, { hours: 0.1, pauseMsMax: 80 }).falseTakeOvers > 0)
})
