//! What a service changes of a leg: timed, and nothing else of it.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { changeLeg, endLeg, playTone, stopTone } from '../../src/switching/bridge/leg-changes.ts'
import { ordersFor } from '../../src/switching/bridge/media-orders.ts'
import { toneSet } from '../../src/tables/tone-sets.ts'
import { legRecord } from '../media/fake-node.ts'

const leg = legRecord(0)
const tick = 5_000
const fromTick = tick + limits.decisionLeadTicks

test('each change of a leg holds from a tick on that both nodes know in time', (t) => {
  const { hold } = toneSet('germany')
  const held = playTone(leg, hold, tick)
  t.deepEqual(held, {
    ...leg,
    tone: { ...hold, fromTick, untilTick: null },
    controlTick: fromTick,
  })
  t.deepEqual(stopTone(held, tick + 50), { ...leg, controlTick: fromTick + 50 })
  t.is(stopTone(leg, tick), leg, 'nothing to stop, nothing to tell')
  t.deepEqual(endLeg(leg, tick), { ...leg, endTick: fromTick, controlTick: fromTick })
  const moved = changeLeg(leg, { sessionId: 's2', conferenceId: 9, muted: true, gainDb: -6 }, tick)
  const rest = { muted: true, gainDb: -6, controlTick: fromTick }
  t.deepEqual(moved, { ...leg, sessionId: 's2', conferenceId: 9, ...rest })
})

test('a leg that moves to another bridge is updated, not deleted and made again', (t) => {
  const moved = changeLeg(leg, { sessionId: 's2', conferenceId: 9 }, tick)
  t.deepEqual(ordersFor(leg, moved), [{ kind: 'member-update', leg: moved }])
})
