//! A standby that is slower than usual, e.g. because a hundred calls begin at once.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import type { User } from '../../src/tables/user.ts'
import { PairSimulation, user } from './pair-simulation.ts'

function putUser(pair: PairSimulation, name: string, cseq = 1): void {
  pair.change(pair.a, (tables) => tables.table('user').put(user(name, cseq) as User))
}

function joined(): PairSimulation {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  return pair
}

test('a standby whose ACKs take long is not buried under repetitions', (t) => {
  const pair = joined()
  pair.b.rebuildMs = 120
  for (let index = 0; index < 400; index++) {
    putUser(pair, `u${index}`)
    pair.run(10)
  }
  t.true(pair.runUntil(() => pair.settled()))
  const { frames, retries } = pair.a.replicator.status(pair.nowMs).sent
  // Until the first ACKs have told how long they take, everything is repeated.
  t.true(retries < 80, `${retries} repetitions in ${frames} frames`)
})

test('when it is quick again what is lost is soon repeated again', (t) => {
  const pair = joined()
  pair.b.rebuildMs = 120
  putUser(pair, 'slow')
  pair.run(1_000)
  pair.b.rebuildMs = 0
  for (let index = 0; index < 30; index++) {
    putUser(pair, `u${index}`)
    pair.run(10)
  }
  pair.faults = { ...pair.faults, loss: 1 }
  putUser(pair, 'lost')
  pair.faults = { ...pair.faults, loss: 0 }
  pair.run(limits.resendMs + 1)
  t.true(pair.b.tables.table('user').has('lost'))
})

test('a confirmed record that comes again is confirmed again and not built again', (t) => {
  const pair = joined()
  putUser(pair, '1001')
  const record = pair.captured.findLast(({ from }) => from === pair.a)
  pair.run(10)
  const { acksWrong } = pair.a.replicator.status(pair.nowMs).sent
  for (let copy = 0; copy < 3; copy++) pair.deliver(pair.a, record?.bytes ?? new Uint8Array(), {})
  pair.run(10)
  t.is(pair.b.outputs.filter(({ kind }) => kind === 'rebuild').length, 1)
  t.is(pair.b.replicator.status(pair.nowMs).received.repeated, 3)
  t.is(pair.a.replicator.status(pair.nowMs).sent.acksWrong, acksWrong + 3)
})

test('what is just under way is no lag, what stays under way is', (t) => {
  const pair = joined()
  pair.b.rebuildMs = 30
  for (let index = 0; index < 100; index++) {
    putUser(pair, '1001', index)
    t.true(pair.a.replicator.pending() > 0)
    t.true(pair.a.replicator.inStep(pair.nowMs))
    pair.run(10)
  }
  pair.b.rebuildMs = null
  putUser(pair, '1002')
  pair.run(limits.sweepMs + 10)
  t.false(pair.a.replicator.inStep(pair.nowMs))
  pair.b.rebuildMs = 0
  t.true(pair.runUntil(() => pair.settled()))
})
