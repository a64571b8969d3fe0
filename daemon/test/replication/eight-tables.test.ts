//! The eight tables of the source with each of their fields (S1.77-S1.93), and the ninth of the
//! subscriptions, from one node to the other.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { tableNames } from '../../src/tables/address.ts'
import { type AnyRecord, Tables } from '../../src/tables/tables.ts'
import { PairSimulation, user } from './pair-simulation.ts'
import { oneOfEach } from './records.ts'

test('each field of each of the eight tables reaches the standby', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.run(50)
  t.is(tableNames.length, 9)
  for (const name of tableNames) {
    pair.change(pair.a, (tables) => tables.any(name).put(oneOfEach[name] as AnyRecord))
  }
  pair.run(50)
  t.is(pair.a.tables.pending(), 0, 'every flag is NONE')
  for (const name of tableNames) {
    const there = pair.b.tables.resolve({ table: name, slot: 0 })
    t.deepEqual(there?.record, oneOfEach[name] as AnyRecord, name)
  }
})

test('the tables begin empty, each with its own flags and addresses', (t) => {
  const tables = new Tables()
  t.deepEqual(Object.keys(tables.counts()), [...tableNames])
  t.is(tables.pending(), 0, 'S1.93: every flag begins as NONE')
  for (const name of tableNames) {
    t.is(tables.any(name).flag(0), 'NONE')
    t.is(tables.resolve({ table: name, slot: 0 }), null)
    tables.any(name).put(oneOfEach[name] as AnyRecord)
    t.is(tables.any(name).flag(0), 'DIRTY')
    t.is(tables.pending(), 1, 'no other flag has changed')
    tables.any(name).setFlag(0, 'NONE')
    t.deepEqual(tables.resolve({ table: name, slot: 0 })?.record, oneOfEach[name] as AnyRecord)
  }
})

test('a record of a wrong shape is refused by the schema of its own table', (t) => {
  const tables = new Tables()
  for (const name of tableNames) {
    t.deepEqual(tables.any(name).parse(oneOfEach[name]), oneOfEach[name] as AnyRecord)
    t.is(
      tables.any(name).parse({
        ...oneOfEach[name],
        user: 1,
        position: 1,
        sessionId: 1,
        mediaId: 1,
        number: 'x'.repeat(65),
        resource: 1,
        subscriptionId: 1,
      }),
      null,
      name,
    )
    for (const other of tableNames) {
      const same = name.replace('wireless', 'wired') === other.replace('wireless', 'wired')
      if (!same) t.is(tables.any(name).parse(oneOfEach[other]), null, `${other} as ${name}`)
    }
  }
})

test('the walk over all flags every 500 ms sends what no change has announced (S1.96)', (t) => {
  const pair = new PairSimulation()
  pair.join()
  pair.change(pair.a, (tables) => tables.any('user').put(user('1001')))
  pair.run(50)
  const before = pair.captured.length
  const sweptMs = pair.a.replicator.status(pair.nowMs).lastSweep?.atMs ?? pair.nowMs
  pair.a.tables.any('user').setFlag(0, 'DIRTY')
  t.true(pair.runUntil(() => pair.a.tables.pending() === 0, 2 * limits.sweepMs))
  t.true(pair.captured.length > before)
  const sweeps = new Set<number>()
  pair.runUntil(() => {
    sweeps.add(pair.a.replicator.status(pair.nowMs).lastSweep?.atMs ?? 0)
    return sweeps.size === 4
  }, 3_000)
  const times = [...sweeps]
  t.deepEqual(
    times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0)),
    [limits.sweepMs, limits.sweepMs, limits.sweepMs],
  )
  t.true((times[0] ?? 0) >= sweptMs)
})
