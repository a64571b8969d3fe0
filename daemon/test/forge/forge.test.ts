//! Forged, changed and recorded datagrams change nothing. `npm run forge` sends many more.
import test from 'ava'
import { forge } from '../../sim/forge/forge.ts'
import { BootGate } from '../../src/replication/boot-gate.ts'
import type { User } from '../../src/tables/user.ts'
import { decodeSyncFrame } from '../../src/wire/sync-frame.ts'
import { simulationKey } from '../replication/frames.ts'
import { calm, PairSimulation, user } from '../replication/pair-simulation.ts'

test('none of 35,000 forged, changed, cut, reflected and recorded datagrams changes a node', (t) => {
  let victims = 0
  for (const { victim, byMethod, changes } of forge(35_000, 7)) {
    victims++
    t.deepEqual(changes, [], victim)
    t.is(Object.keys(byMethod).length, 10, 'every method was used')
  }
  t.is(victims, 7)
})

test('the harness notices a state change: one real datagram is one', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.run(100)
  pair.captured.length = 0
  pair.cut = true
  pair.change(pair.a, (tables) => tables.table('user').put(user('x') as User))
  pair.run(5)
  const [last] = pair.captured
  const outputs = pair.b.replicator.receive(last?.bytes ?? new Uint8Array(0), 0, pair.nowMs)
  t.true(outputs.some(({ kind }) => kind === 'rebuild'))
})

test('a boot that ended is not believed, and one that a recording displaced comes back', (t) => {
  const gate = new BootGate()
  t.is(gate.judge({ bootId: 'a', sequence: 5 }, 0), 'fresh')
  t.is(gate.judge({ bootId: 'a', sequence: 5 }, 0), 'known')
  t.is(gate.judge({ bootId: 'a', sequence: 4 }, 0), 'known')
  // A recording of a boot that was never heard here.
  t.is(gate.judge({ bootId: 'old', sequence: 9 }, 10), 'fresh')
  t.is(gate.judge({ bootId: 'a', sequence: 5 }, 20), 'refused', 'a recording of it')
  t.is(gate.judge({ bootId: 'a', sequence: 6 }, 20), 'refused', 'it may have been in flight')
  t.is(gate.judge({ bootId: 'a', sequence: 7 }, 3_100), 'fresh', 'it lives')
  t.is(gate.judge({ bootId: 'old', sequence: 9 }, 3_200), 'refused')
  t.is(gate.judge({ bootId: 'old', sequence: 9 }, 9_999), 'refused', 'and a recording never lives')
})

test('a recorded question of an earlier boot of the peer is not done again, nor one of its rows', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.run(100)
  pair.act(pair.a, () => {
    pair.a.replicator.askPeer('{"verb":"release-call"}', pair.nowMs)
    return undefined
  })
  pair.run(20)
  const rows = { kind: 'rows' as const, body: '{"op":"repair"}' }
  pair.act(pair.a, () => pair.a.replicator.sendRows({ ...rows, ref: 1 }))
  pair.run(20)
  pair.act(pair.a, () => pair.a.replicator.sendRows({ ...rows, ref: 2 }))
  pair.run(20)
  const recorded = pair.captured.filter(({ from }) => from === pair.a).map(({ bytes }) => bytes)
  const count = (kind: string) => pair.b.outputs.filter((output) => output.kind === kind).length
  t.is(count('peer-request'), 1)
  // The earlier change of rows would undo the later one, which may be done again.
  const before = count('rows')
  const earlier = recorded.filter((bytes) => {
    const frame = decodeSyncFrame(bytes, simulationKey)
    return !(typeof frame !== 'string' && frame.kind === 'rows' && frame.ref === 2)
  })
  t.is(earlier.length, recorded.length - 1)
  for (const bytes of earlier) pair.deliver(pair.a, bytes, {})
  pair.run(20)
  t.is(count('rows'), before)
  t.is(pair.b.replicator.status(pair.nowMs).refused.replayed, 1)
  pair.restart(pair.a)
  pair.join(2)
  pair.run(5_000)
  const [requests, changes] = [count('peer-request'), count('rows')]
  for (const bytes of recorded) pair.deliver(pair.a, bytes, {})
  pair.run(100)
  t.is(count('peer-request'), requests)
  t.is(count('rows'), changes)
})
