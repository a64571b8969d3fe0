//! Calls of every kind through the cores of a pair, with take-overs: nothing stays behind. `npm run calls` makes
//! many more.
import test from 'ava'
import { type TrafficReport, traffic } from '../../sim/traffic/blocks.ts'
import { errands } from '../../sim/traffic/errands.ts'

test('3,000 simulated calls with every service leave no record, port, clock or index behind', (t) => {
  let last: TrafficReport | null = null
  for (const report of traffic(3_000, 1)) {
    t.deepEqual(report.faults, [])
    last = report
  }
  if (last === null) throw new Error('nothing was done')
  t.is(last.calls, 3_000)
  for (const [, name] of errands) t.true((last.counts.get(name) ?? 0) > 0, name)
  t.true(last.takeOvers >= 2)
})
