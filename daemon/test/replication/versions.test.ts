//! This version and the next one replicate to each other, in both directions (ADR 0019).
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { tableNames } from '../../src/tables/address.ts'
import { digestRecord } from '../../src/tables/record-value.ts'
import type { AnyRecord } from '../../src/tables/tables.ts'
import type { User } from '../../src/tables/user.ts'
import { pack } from './frames.ts'
import { calm, PairSimulation, user } from './pair-simulation.ts'
import { oneOfEach } from './records.ts'

/** What the next version adds: a field in the record, and one in every object and list of it. */
function withAdded<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withAdded) as T
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).map(([name, part]) => [name, withAdded(part)])
  return { ...Object.fromEntries(parts), addedLater: { list: [1, 'two', null], flag: true } }
}

const bootOfA = 'aaaaaaaaaaaaaaa1'
const added = (record: unknown) => (record as { addedLater?: unknown }).addedLater

test('fields that only the newer version knows survive on an older standby, in all tables', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.change(pair.a, (tables) => {
    for (const name of tableNames) tables.any(name).put(withAdded(oneOfEach[name]) as AnyRecord)
  })
  t.true(pair.runUntil(() => pair.settled(), 2_000))
  for (const name of tableNames) {
    const [there] = pair.b.tables.any(name).values()
    t.deepEqual(there, withAdded(oneOfEach[name]), name)
  }
})

test('the older one serves, changes the record and gives it back with what it does not know', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.change(pair.a, (tables) => tables.table('user').put(withAdded(user('7')) as User))
  t.true(pair.runUntil(() => pair.settled(), 2_000))
  pair.act(pair.a, () => pair.a.replicator.setRole('standby', 2, pair.nowMs))
  pair.act(pair.b, () => pair.b.replicator.setRole('primary', 2, pair.nowMs))
  // As the registrar does it: a new record, made without looking at the present one.
  pair.change(pair.b, (tables) => tables.table('user').put(user('7', 2) as User))
  t.true(pair.runUntil(() => pair.settled(), 2_000))
  const back = pair.a.tables.table('user').get('7')
  t.is(back?.cseq, 2)
  t.deepEqual(added(back), added(withAdded({})))
  // A deleted record takes them with it.
  pair.change(pair.b, (tables) => {
    tables.table('user').delete('7')
    tables.table('user').put(user('7', 3) as User)
  })
  t.true(pair.runUntil(() => pair.settled(), 2_000))
  t.is(added(pair.a.tables.table('user').get('7')), undefined)
})

test('a field that the newer version reads as null where it is absent makes no difference', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.change(pair.a, (tables) => tables.table('user').put(user('7') as User))
  t.true(pair.runUntil(() => pair.settled(), 2_000))
  const read = { ...user('7'), ...{ addedLater: null } } as AnyRecord
  pair.b.tables.any('user').apply({ table: 'user', slot: 0 }, '7', 1, read)
  pair.run(3 * limits.tableHashMs)
  t.like(pair.b.replicator.status(pair.nowMs).verify, { differing: 0, repaired: 0 })
  t.deepEqual(digestRecord(1, 'k', { a: null, b: 2 }), digestRecord(1, 'k', { b: 2 }))
})

test('a frame of an unknown kind is counted, answered once a second, and changes nothing', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.change(pair.a, (tables) => tables.table('user').put(user('7') as User))
  pair.run(100)
  const before = pair.b.tables.hash('user')
  const frame = pack({ kind: 99, term: 1, bootId: bootOfA, payload: new Uint8Array(9) })
  for (let time = 0; time < 5; time++) pair.deliver(pair.a, frame, { delayMs: 10 * time })
  pair.run(200)
  t.is(pair.b.replicator.status(pair.nowMs).refused['unknown-kind'], 5)
  t.is(pair.a.replicator.status(pair.nowMs).refused['not-known-there-99'], 1)
  t.is(pair.b.tables.hash('user'), before)
  t.true(pair.settled())
})

test('an unknown property of a known frame is passed over; an unknown form of the payload is not read', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.run(100)
  const newer = { term: 1, bootId: bootOfA }
  const values = { ref: 0, count: 0, priority: 'high' }
  const upper = pack({ ...newer, kind: 3, flags: 0x40, values })
  pair.deliver(pair.a, upper, {})
  pair.run(50)
  t.deepEqual(pair.b.replicator.status(pair.nowMs).refused, {})
  const encrypted = pack({ ...newer, kind: 3, flags: 0x02, values })
  pair.deliver(pair.a, encrypted, {})
  pair.run(50)
  t.is(pair.b.replicator.status(pair.nowMs).refused.flags, 1)
})

test('tables that only the newer version has are not compared', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.run(100)
  const bootId = bootOfA
  const hashes = { user: pair.b.tables.hash('user'), 'satellite-link': 'ff' }
  pair.deliver(pair.a, pack({ kind: 4, term: 1, bootId, sequence: 10_000, values: { hashes } }), {})
  pair.run(50)
  t.like(pair.b.replicator.status(pair.nowMs), {
    verify: { compared: 1, differing: 0 },
    refused: {},
  })
})

test('frames of an incompatible version are refused, said, and forgotten when they end', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  pair.run(100)
  pair.deliver(pair.a, pack({ kind: 3, version: 3, term: 1, bootId: bootOfA }), {})
  pair.run(10)
  t.like(pair.b.replicator.status(pair.nowMs), { incompatible: true, refused: { version: 1 } })
  t.false(pair.b.replicator.status(pair.nowMs + 6_000).incompatible)
})
