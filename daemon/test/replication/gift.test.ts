//! Before the primary that lost follows, it gives what only it has: once, whole, or not at all.
import test, { type ExecutionContext } from 'ava'
import { limits } from '../../src/limits.ts'
import type { ReplicatorOutput } from '../../src/replication/replicator.ts'
import { calm, PairSimulation, type Side, user } from './pair-simulation.ts'

const parts = Array.from({ length: 100 }, (_, index) => `part ${index} ${'x'.repeat(index * 20)}`)

function said<K extends ReplicatorOutput['kind']>(side: Side, kind: K) {
  return side.outputs.filter((output) => output.kind === kind) as Extract<
    ReplicatorOutput,
    { kind: K }
  >[]
}

/** Both served; `b` loses and has something to give. */
function meet(pair: PairSimulation): void {
  pair.act(pair.a, () => pair.a.replicator.setRole('primary', 5, pair.nowMs))
  pair.act(pair.b, () => pair.b.replicator.setRole('primary', 4, pair.nowMs))
  pair.change(pair.a, (tables) => void tables.any('user').put(user('of-a')))
  pair.change(pair.b, (tables) => void tables.any('user').put(user('of-b')))
  pair.a.replicator.beginMerge('take', pair.nowMs)
  pair.b.replicator.beginMerge('give', pair.nowMs)
  pair.act(pair.b, () => pair.b.replicator.setRole('standby', 5, pair.nowMs))
  pair.setPeers(true)
}

function adopt(pair: PairSimulation, body: string): boolean {
  if (!pair.runUntil(() => said(pair.a, 'gift').length > 0, limits.mergeMsMax)) return false
  pair.act(pair.a, () => pair.a.replicator.adopted(body))
  return true
}

function following(t: ExecutionContext, pair: PairSimulation): void {
  t.true(pair.runUntil(() => pair.settled()))
  t.deepEqual([...pair.b.tables.table('user').keys()], ['of-a'])
}

test('a gift comes whole and in order, is answered, and then the giver follows', (t) => {
  const pair = new PairSimulation()
  meet(pair)
  pair.act(pair.b, () => pair.b.replicator.give(parts, pair.nowMs))
  t.true(adopt(pair, 'thanks'))
  t.deepEqual(said(pair.a, 'gift'), [{ kind: 'gift', bodies: parts }])
  following(t, pair)
  t.deepEqual(said(pair.b, 'gave'), [{ kind: 'gave', ok: true, body: 'thanks' }])
})

test('nothing is asked for before the gift is answered', (t) => {
  const pair = new PairSimulation()
  meet(pair)
  pair.run(200)
  t.deepEqual([...pair.b.tables.table('user').keys()], ['of-b'])
  pair.act(pair.b, () => pair.b.replicator.give(parts, pair.nowMs))
  pair.run(500)
  t.is(said(pair.a, 'gift').length, 1)
  t.deepEqual([...pair.b.tables.table('user').keys()], ['of-b'])
  pair.act(pair.a, () => pair.a.replicator.adopted(''))
  following(t, pair)
})

test('over a bad network it comes once, whole and in order', (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const pair = new PairSimulation(seed, { loss: 0.3, duplicate: 0.3, reorderMs: 30 })
    meet(pair)
    pair.act(pair.b, () => pair.b.replicator.give(parts, pair.nowMs))
    t.true(adopt(pair, 'done'), `seed ${seed}`)
    pair.run(limits.mergeMsMax)
    t.deepEqual(said(pair.a, 'gift'), [{ kind: 'gift', bodies: parts }])
    pair.faults = calm
    following(t, pair)
    t.is(said(pair.b, 'gave').length, 1)
  }
})

test('who has nothing to give follows at once', (t) => {
  const pair = new PairSimulation()
  meet(pair)
  pair.act(pair.b, () => pair.b.replicator.give([], pair.nowMs))
  t.true(pair.runUntil(() => pair.settled(), 500))
  t.deepEqual(said(pair.a, 'gift'), [])
})

test('a winner that never answers is followed after a while, and the giver says what it lost', (t) => {
  const pair = new PairSimulation()
  meet(pair)
  pair.act(pair.b, () => pair.b.replicator.give(parts, pair.nowMs))
  pair.run(limits.mergeMsMax + 1_000)
  t.deepEqual(said(pair.b, 'gave'), [{ kind: 'gave', ok: false, body: '' }])
  following(t, pair)
})

test('when the peer is lost in between, nothing is given up', (t) => {
  const pair = new PairSimulation()
  meet(pair)
  pair.cut = true
  pair.act(pair.b, () => pair.b.replicator.give(parts, pair.nowMs))
  pair.run(500)
  pair.setPeers(false)
  pair.act(pair.b, () => pair.b.replicator.setRole('primary', 6, pair.nowMs))
  pair.run(limits.mergeMsMax * 2)
  t.deepEqual(said(pair.b, 'gave'), [])
  t.deepEqual(said(pair.a, 'gift'), [])
  t.deepEqual([...pair.b.tables.table('user').keys()], ['of-b'])
})

test('a recording of a gift changes nothing: neither later, nor in another term', (t) => {
  const pair = new PairSimulation()
  meet(pair)
  pair.act(pair.b, () => pair.b.replicator.give(parts, pair.nowMs))
  adopt(pair, 'done')
  pair.run(2_000)
  const recorded = pair.captured.filter(({ from }) => from === pair.b).map(({ bytes }) => bytes)
  t.true(recorded.length >= parts.length)
  const replay = () => {
    const before = said(pair.a, 'gift').length
    for (const bytes of recorded) {
      pair.act(pair.a, () => pair.a.replicator.receive(bytes, 0, pair.nowMs))
    }
    return said(pair.a, 'gift').length - before
  }
  t.is(replay(), 0)
  pair.a.replicator.beginMerge('take', pair.nowMs)
  pair.act(pair.a, () => pair.a.replicator.setRole('primary', 9, pair.nowMs))
  t.is(replay(), 0)
})

test('a primary that meets nobody takes no gift', (t) => {
  const pair = new PairSimulation()
  pair.act(pair.a, () => pair.a.replicator.setRole('primary', 5, pair.nowMs))
  pair.b.replicator.beginMerge('give', pair.nowMs)
  pair.act(pair.b, () => pair.b.replicator.setRole('standby', 5, pair.nowMs))
  pair.setPeers(true)
  pair.act(pair.b, () => pair.b.replicator.give(parts, pair.nowMs))
  pair.run(1_000)
  t.deepEqual(said(pair.a, 'gift'), [])
  t.true((pair.a.replicator.status(pair.nowMs).refused['no-merge'] ?? 0) > 0)
})

test('who served remembers whether its peer had all of it, until it has followed', (t) => {
  const pair = new PairSimulation()
  const untold = () => pair.b.replicator.untold(pair.nowMs)
  const role = (side: Side, name: 'primary' | 'standby' | 'starting', term: number) =>
    pair.act(side, () => side.replicator.setRole(name, term, pair.nowMs))
  role(pair.b, 'starting', 1)
  t.false(untold(), 'it never served')
  role(pair.b, 'primary', 1)
  pair.change(pair.b, (tables) => void tables.any('user').put(user('of-b')))
  t.true(untold(), 'nobody follows')
  role(pair.b, 'starting', 1)
  t.true(untold())
  role(pair.a, 'primary', 2)
  role(pair.b, 'standby', 2)
  pair.setPeers(true)
  t.true(pair.runUntil(() => pair.settled()))
  t.false(untold(), 'it has what its peer has')
  role(pair.a, 'standby', 3)
  role(pair.b, 'primary', 3)
  t.true(pair.runUntil(() => pair.settled() && !untold()))
  role(pair.b, 'starting', 3)
  t.false(untold(), 'its peer followed')
})
