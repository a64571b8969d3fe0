//! A flood of the SIP port: calls that are held hear nothing of it, registered telephones call on, and both
//! nodes say who it is. `npm run bench -- --only flood` sends 20,000 messages a second for a minute.
import test from 'ava'
import { flood } from '../../scripts/bench/flood.ts'

const growthMiBMax = 64

/** What the sender tries; a slow machine sends less. */
const perSecond = 20_000

test('five seconds of a flood from one address cost no frame and no call', async (t) => {
  const figures = await flood({
    seconds: 5,
    perSecond,
    heldCalls: 50,
    comingPerSecond: 3,
  })
  t.log(JSON.stringify(figures))
  t.is(figures.framesLost, 0)
  t.true(figures.frames > 100 * 50 * 5)
  t.deepEqual([figures.held.lost, figures.coming.lost], [0, 0], figures.coming.firstError)
  t.true(figures.coming.made > 10)
  const wanted = [`sip-flood ${figures.attacker}`]
  t.deepEqual(figures.alarms, { a: wanted, b: wanted })
  t.true(figures.memoryMiB.a < growthMiBMax && figures.memoryMiB.b < growthMiBMax)
  // Whether the role moved is in the log: on two processors that other work takes as well it may.
})
