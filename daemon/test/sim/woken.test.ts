//! A primary alone stands still with a call, and its peer, which knows nothing of it, starts and serves: when
//! it wakes, the call goes on at the peer. All rooms but the media, in virtual time.
import test from 'ava'
import { isSessionOf } from '../../sim/checks/checks.ts'
import { planOf } from '../../sim/plan.ts'
import { World } from '../../sim/world/world.ts'

const units = ['pair', 'switch', 'media'] as const

test('a call of a primary that stood still goes on at the peer that took over without it', (t) => {
  const world = new World({ ...planOf(3, 'default'), phones: 4 })
  const run = (ms: number) => world.timeline.runTo(world.timeline.nowMs + ms)
  world.callers.resting = true
  world.start()
  run(10_000)
  const first = world.nodes.find((node) => node.pair.state?.role === 'primary')
  if (first === undefined) return t.fail('nobody serves')
  const other = world.other(first)
  other.kill()
  other.loseMemory()
  run(2_000)
  const [caller, callee] = world.phones
  if (caller === undefined || callee === undefined) return t.fail('no telephones')
  t.true(world.callers.place(caller, callee))
  run(8_000)
  const [call] = world.calls.live
  if (call === undefined) return t.fail('the call is not answered')
  first.freeze(units, 6_000)
  other.boot()
  run(5_000)
  t.is(other.pair.state?.role, 'primary')
  const sessions = () => [...(other.switch.engine?.tables.table('wired-conference').values() ?? [])]
  t.is(sessions().length, 0)
  run(5_000)
  t.is(first.pair.state?.role, 'standby')
  t.true(sessions().some((one) => one.ended === null && isSessionOf(one, call)))
  t.deepEqual([caller.leg?.state, callee.leg?.state], ['up', 'up'])
  world.callers.hangUp(caller)
  run(8_000)
  t.is(call.lost, null)
  t.deepEqual([caller.idle, callee.idle], [true, true])
  t.is(sessions().length, 0)
  t.deepEqual(world.violations, [])
})
