//! This version and the next one replicate to each other, in both directions (ADR 0019).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { z } from 'zod'
import { limits } from '../../src/limits.ts'
import { type TableName, tableNames } from '../../src/tables/address.ts'
import { conferenceResourceSchema } from '../../src/tables/conference-resource.ts'
import { phoneBookSchema } from '../../src/tables/phone-book.ts'
import { positionSchema } from '../../src/tables/position.ts'
import { digestRecord } from '../../src/tables/record-value.ts'
import { subscriptionSchema } from '../../src/tables/subscription.ts'
import type { AnyRecord } from '../../src/tables/tables.ts'
import { type User, userSchema } from '../../src/tables/user.ts'
import { conferenceSchema } from '../../src/tables/wired-conference.ts'
import { wiredMediaSchema } from '../../src/tables/wired-media.ts'
import { wirelessConferenceSchema } from '../../src/tables/wireless-conference.ts'
import { wirelessMediaSchema } from '../../src/tables/wireless-media.ts'
import { pack } from './frames.ts'
import { calm, PairSimulation, user } from './pair-simulation.ts'
import { oneOfEach } from './records.ts'

const schemas: Readonly<Record<TableName, z.ZodType>> = {
  user: userSchema,
  position: positionSchema,
  'wired-conference': conferenceSchema,
  'wired-media': wiredMediaSchema,
  'wireless-conference': wirelessConferenceSchema,
  'wireless-media': wirelessMediaSchema,
  'phone-book': phoneBookSchema,
  'conference-resource': conferenceResourceSchema,
  subscription: subscriptionSchema,
}

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

test('a record with a value that is not known here is refused whole, and never acknowledged', (t) => {
  const pair = new PairSimulation(1, calm)
  pair.join()
  const known = oneOfEach['wired-conference']
  pair.change(pair.a, (tables) => {
    tables.any('wired-conference').put({ ...known, type: 'seance' } as unknown as AnyRecord)
    tables.table('user').put(user('7') as User)
  })
  pair.run(1_000)
  t.is(pair.b.tables.any('wired-conference').size, 0)
  t.is(pair.b.tables.any('user').size, 1)
  t.is(pair.a.tables.pending(), 1, 'the standby is not in step, for as long as the record lives')
})

/** Where a record can hold one of a few values only, and which. */
function valuesIn(schema: unknown, place: string): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { enum: values } = schema as { enum?: unknown }
  const here = Array.isArray(values) ? [`${place}: ${values.join(', ')}`] : []
  const parts = Object.entries(schema).flatMap(([name, part]) => {
    const isWord = ['properties', 'items', 'anyOf', '0', '1'].includes(name)
    return valuesIn(part, isWord ? place : `${place}.${name}`)
  })
  return [...here, ...parts]
}

test('byte 4 is the version of the tables and values that a reader must understand (ADR 0019)', (t) => {
  const known = tableNames.flatMap((name) => {
    const schema = z.toJSONSchema(schemas[name], { unrepresentable: 'any', io: 'output' })
    return [name, ...valuesIn(schema, name)]
  })
  const sent = new PairSimulation(1, calm)
  sent.join()
  const version = sent.captured[0]?.bytes[4]
  const file = join(import.meta.dirname, `../data/values-of-version-${version}.txt`)
  const why = 'an older node cannot read this: raise byte 4, and write what that version knows'
  t.is(readFileSync(file, 'utf8'), `${known.join('\n')}\n`, why)
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
