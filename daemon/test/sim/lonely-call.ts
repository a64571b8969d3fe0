//! A primary that is alone has a call, and its peer comes back without it. All rooms but the media, in
//! virtual time.
import type { ExecutionContext } from 'ava'
import { isSessionOf } from '../../sim/checks/checks.ts'
import type { UnitKind } from '../../sim/node/host.ts'
import { planOf } from '../../sim/plan.ts'
import { World } from '../../sim/world/world.ts'

interface Standstill {
  readonly units: readonly UnitKind[]
  readonly ms: number
  /** From the boot of the peer until it serves without the call. */
  readonly bootMs: number
  /** From then until the call is at the peer. */
  readonly givenMs: number
}

/** Units of the primary stand still while its peer boots and serves; the call goes on there. */
export function callIsGiven(t: ExecutionContext, { units, ms, bootMs, givenMs }: Standstill): void {
  const world = new World({ ...planOf(3, 'default'), phones: 4 })
  const run = (forMs: number) => world.timeline.runTo(world.timeline.nowMs + forMs)
  world.callers.resting = true
  world.start()
  run(10_000)
  const first = world.nodes.find((node) => node.pair.state?.role === 'primary')
  if (first === undefined) throw new Error('nobody serves')
  const other = world.other(first)
  other.kill()
  other.loseMemory()
  run(2_000)
  const [caller, callee] = world.phones
  if (caller === undefined || callee === undefined) throw new Error('no telephones')
  t.true(world.callers.place(caller, callee))
  run(8_000)
  const [call] = world.calls.live
  if (call === undefined) throw new Error('the call is not answered')
  first.freeze(units, ms)
  other.boot()
  run(bootMs)
  t.is(other.pair.state?.role, 'primary')
  const sessions = () => [...(other.switch.engine?.tables.table('wired-conference').values() ?? [])]
  t.is(sessions().length, 0)
  run(givenMs)
  t.is(first.pair.state?.role, 'standby')
  t.true(sessions().some((one) => one.ended === null && isSessionOf(one, call)))
  t.deepEqual([caller.leg?.state, callee.leg?.state], ['up', 'up'])
  world.callers.hangUp(caller)
  run(8_000)
  t.is(call.lost, null)
  t.deepEqual([caller.idle, callee.idle], [true, true])
  t.is(sessions().length, 0)
  t.deepEqual(world.violations, [])
}
