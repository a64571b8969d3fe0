//! Calls of every kind through the cores of a pair, with take-overs: nothing stays behind. `npm run calls` makes
//! many more.
import test from 'ava'
import { type TrafficReport, traffic } from '../../sim/traffic/blocks.ts'
import { errands } from '../../sim/traffic/errands.ts'

const calls = 1_500
/** What the cores say when a service has done its work. */
const work = [
  'a call is forwarded',
  'a call is transferred',
  'a call is picked up',
  'a dialog is replaced',
  'a call enters another one',
  'a call is about to be interrupted',
  'a call is released for another one',
]

test('1,500 calls with every service leave no record, port, clock or index behind', (t) => {
  let last: TrafficReport | null = null
  for (const report of traffic(calls, 1, { perBlock: 500, takeOverEvery: 150 })) {
    t.deepEqual(report.faults, [])
    last = report
  }
  if (last === null) throw new Error('nothing was done')
  t.true(last.calls >= calls)
  t.true(last.takeOvers >= 5, `${last.takeOvers} take-overs`)
  for (const [, name] of errands) t.true((last.counts.get(name) ?? 0) > 0, name)
  for (const text of work) t.true((last.done.get(text) ?? 0) > 0, text)
})
