//! The timer of the switch's loop.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { WakeUp } from '../../src/compose/wake-up.ts'
import { monotonicMs } from '../../src/platform/clock.ts'

const idleMs = 40

test('a loop that is told again and again that nothing is due comes round all the same', async (t) => {
  let rounds = 0
  const wakeUp = new WakeUp(idleMs, () => rounds++)
  wakeUp.at(Number.POSITIVE_INFINITY)
  for (let turn = 0; rounds === 0 && turn < 2_000; turn++) {
    await delay(1)
    wakeUp.at(Number.POSITIVE_INFINITY)
  }
  wakeUp.end()
  t.is(rounds, 1)
})

test('what is due sooner brings it forward, what is due later does not put it off', async (t) => {
  const order: string[] = []
  const wakeUp = new WakeUp(60_000, () => order.push('loop'))
  wakeUp.at(monotonicMs() + 50_000)
  await new Promise<void>((resolve) => {
    const soon = new WakeUp(60_000, () => {
      order.push('soon')
      resolve()
    })
    soon.at(monotonicMs() + 50_000)
    soon.at(monotonicMs())
    soon.at(monotonicMs() + 50_000)
  })
  wakeUp.end()
  t.deepEqual(order, ['soon'])
})
