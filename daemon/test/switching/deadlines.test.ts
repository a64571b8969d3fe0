//! Clocks of many owners: stopped ones do not pile up, and those of a session go with it.
import test from 'ava'
import { Deadlines } from '../../src/switching/deadlines.ts'
import { type CallTimer, CallTimers } from '../../src/switching/wired/timers.ts'

test('stopped deadlines are forgotten long before they would have been due', (t) => {
  const deadlines = new Deadlines<'end'>()
  deadlines.start('first', 'end', 1_000)
  for (let n = 0; n < 10_000; n++) {
    deadlines.start(`call ${n}`, 'end', 1_800_000)
    deadlines.stop(`call ${n}`, 'end')
  }
  deadlines.start('last', 'end', 2_000)
  t.true(deadlines.size < 200, `${deadlines.size} are held`)
  t.deepEqual(
    [1_500, 1_500, 2_500].map((atMs) => deadlines.take(atMs)?.owner ?? null),
    ['first', null, 'last'],
  )
})

test('what is left when stopped deadlines were thrown away comes in its order', (t) => {
  const deadlines = new Deadlines<'end'>()
  for (let n = 0; n < 1_000; n++) deadlines.start(`call ${n}`, 'end', (n * 7_919) % 1_000)
  for (let n = 0; n < 1_000; n++) if (n % 10 !== 0) deadlines.stop(`call ${n}`, 'end')
  const taken: number[] = []
  for (let due = deadlines.take(1_000); due !== null; due = deadlines.take(1_000)) {
    taken.push((Number(due.owner.slice(5)) * 7_919) % 1_000)
  }
  t.is(taken.length, 100)
  t.deepEqual(
    taken,
    taken.toSorted((a, b) => a - b),
  )
  t.is(deadlines.nextMs(), null)
  t.is(deadlines.size, 0)
})

const ofLeg = (sessionId: string, leg: string): CallTimer => {
  return { sessionId, timer: 'service', service: 'session-timer', leg }
}

test('the clocks of a session go with it, those of a leg with the leg', (t) => {
  const timers = new CallTimers()
  timers.start(ofLeg('s1', 'a'), 10)
  timers.start(ofLeg('s1', 'b'), 20)
  timers.start({ sessionId: 's1', timer: 'linger' }, 30)
  timers.start(ofLeg('s2', 'a'), 40)
  timers.forget('s1', 'a')
  t.is(timers.nextMs(), 20)
  timers.forget('s1')
  t.is(timers.nextMs(), 40)
  t.deepEqual(timers.take(100), ofLeg('s2', 'a'))
  t.is(timers.take(100), null)
  t.is(timers.size, 0)
})
