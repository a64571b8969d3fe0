//! Calls of every kind through the cores of a pair, with take-overs: nothing stays behind. `npm run calls` makes
//! many more.
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { type TrafficReport, traffic } from '../../sim/traffic/blocks.ts'
import { errands } from '../../sim/traffic/errands.ts'

const calls = 1_200
/** On a machine that does much else. */
const minutesMax = 5
/** What the cores say when a service has done its work; of each line one at least. */
const work = [
  ['a call is forwarded'],
  ['a call is transferred'],
  ['a call is picked up'],
  ['a call back rings'],
  ['a conversation is monitored'],
  ['a dialog is replaced'],
  ['a call enters another one', 'a call is released for another one'],
  ['a call goes another way', 'a trunk says nothing, and there is no other way'],
]

test('1,200 calls with every service leave no record, port, clock or index behind', async (t) => {
  t.timeout(minutesMax * 60_000)
  let last: TrafficReport | null = null
  for (const report of traffic(calls, 1, { perBlock: 300, takeOverEvery: 120 })) {
    t.deepEqual(report.faults, [])
    last = report
    await setImmediate()
  }
  if (last === null) throw new Error('nothing was done')
  const { counts, done, takeOvers } = last
  t.true(last.calls >= calls)
  t.true(takeOvers >= 3, `${takeOvers} take-overs`)
  for (const [, name] of errands) t.true((counts.get(name) ?? 0) > 0, name)
  for (const texts of work)
    t.true(
      texts.some((text) => (done.get(text) ?? 0) > 0),
      texts[0],
    )
})
