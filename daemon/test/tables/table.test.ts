//! The parent of the eight tables: slots, versions, flags, digests.
import test from 'ava'
import fc from 'fast-check'
import { z } from 'zod'
import { Table } from '../../src/tables/table.ts'
import { Tables } from '../../src/tables/tables.ts'

const schema = z.strictObject({ user: z.string(), value: z.number() })
type Entry = z.infer<typeof schema>

function makeTable(capacity = 8): Table<Entry> {
  return new Table<Entry>(
    { name: 'user', schema, capacity, keyOf: (record) => record.user },
    () => {},
  )
}

function settle(table: Table<Entry>): void {
  for (let slot = 0; slot < table.slotCount; slot++) table.setFlag(slot, 'NONE')
}

test('a put record is DIRTY at version 1, and an equal one is no change', (t) => {
  const table = makeTable()
  const put = table.put({ user: 'a', value: 1 })
  t.true(put.ok && put.value?.version === 1)
  t.is(table.flag(0), 'DIRTY')
  const again = table.put({ value: 1, user: 'a' })
  t.true(again.ok && again.value === null)
  t.is(table.at(0)?.version, 1)
})

test('a record that was put cannot be changed in place', (t) => {
  const table = makeTable()
  const record = { user: 'a', value: 1 }
  table.put(record)
  t.throws(() => {
    record.value = 2
  })
})

test('a full table answers table-full and goes on', (t) => {
  const table = makeTable(2)
  table.put({ user: 'a', value: 1 })
  table.put({ user: 'b', value: 1 })
  const refused = table.put({ user: 'c', value: 1 })
  t.true(!refused.ok && refused.failure.code === 'table-full')
  t.true(table.put({ user: 'a', value: 2 }).ok)
  t.is(table.size, 2)
})

test('the slot of a deleted record is used again only when its flag is NONE', (t) => {
  const table = makeTable(1)
  table.put({ user: 'a', value: 1 })
  table.delete('a')
  t.false(table.put({ user: 'b', value: 1 }).ok)
  settle(table)
  const put = table.put({ user: 'b', value: 1 })
  t.true(put.ok && put.value?.version === 3)
  t.is(put.ok && put.value?.address.slot, 0)
  t.is(table.get('a'), undefined)
})

test('a key that comes back before its tombstone is confirmed gets its old slot', (t) => {
  const table = makeTable()
  table.put({ user: 'a', value: 1 })
  table.delete('a')
  const put = table.put({ user: 'a', value: 2 })
  t.is(put.ok && put.value?.address.slot, 0)
  t.is(put.ok && put.value?.version, 3)
})

test('the standby applies without marking, moves a key and displaces another', (t) => {
  const table = makeTable()
  table.apply({ table: 'user', slot: 3 }, 'a', 7, { user: 'a', value: 1 })
  t.is(table.pending, 0)
  table.apply({ table: 'user', slot: 5 }, 'b', 1, { user: 'b', value: 1 })
  const applied = table.apply({ table: 'user', slot: 5 }, 'a', 2, { user: 'a', value: 2 })
  t.deepEqual(
    applied.map(({ change, next }) => [change.key, next?.value ?? null]),
    [
      ['b', null],
      ['a', 2],
    ],
  )
  t.is(table.size, 1)
  t.is(table.addressOf('a')?.slot, 5)
  t.deepEqual([...table.keys()], ['a'])
})

test('a key that is in the way of another one moves behind all others', (t) => {
  const table = makeTable(4)
  table.apply({ table: 'user', slot: 1 }, 'a', 3, { user: 'a', value: 1 })
  const before = table.size
  table.makeWay({ table: 'user', slot: 1 }, 'b')
  t.is(table.addressOf('a')?.slot, 2)
  const applied = table.apply({ table: 'user', slot: 1 }, 'b', 1, { user: 'b', value: 1 })
  t.deepEqual(
    applied.map(({ change, next }) => [change.key, next?.value ?? null]),
    [['b', 1]],
  )
  t.is(table.size, before + 1)
  t.is(table.pending, 0)
  const back = table.apply({ table: 'user', slot: 0 }, 'a', 1, { user: 'a', value: 1 })
  t.deepEqual(
    back.map(({ change, previous }) => [change.key, previous?.value ?? null]),
    [['a', 1]],
  )
  t.is(table.size, before + 1)
})

test('a key that is in the way of another one goes when the table is full', (t) => {
  const table = makeTable(2)
  table.apply({ table: 'user', slot: 0 }, 'a', 1, { user: 'a', value: 1 })
  table.apply({ table: 'user', slot: 1 }, 'b', 1, { user: 'b', value: 1 })
  table.makeWay({ table: 'user', slot: 1 }, 'c')
  const applied = table.apply({ table: 'user', slot: 1 }, 'c', 1, { user: 'c', value: 1 })
  t.deepEqual(
    applied.map(({ change, next }) => [change.key, next?.value ?? null]),
    [
      ['b', null],
      ['c', 1],
    ],
  )
  t.is(table.size, 2)
})

test('listeners hear local and peer changes with both values', (t) => {
  const tables = new Tables()
  const heard: string[] = []
  tables.onChange((change, previous, next, origin) =>
    heard.push(`${origin} ${change.key} ${previous !== null} ${next !== null}`),
  )
  const position = {
    position: 'p1',
    loginName: '',
    connection: 'connected',
    expiresAtMs: 0,
  } as const
  tables.table('position').put(position)
  tables.table('position').delete('p1')
  tables.any('position').apply({ table: 'position', slot: 4 }, 'p1', 1, position)
  t.deepEqual(heard, ['local p1 false true', 'local p1 true false', 'peer p1 false true'])
  t.is(tables.counts().position, 1)
})

const step = fc.record({
  op: fc.constantFrom('put', 'delete', 'settle'),
  user: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  value: fc.integer({ min: 0, max: 3 }),
})

test('after any history the table equals a map, versions grow, and a follower has the same digest', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = makeTable(16)
      const follower = makeTable(16)
      const model = new Map<string, number>()
      const versions = new Map<number, number>()
      for (const { op, user, value } of steps) {
        if (op === 'settle') settle(table)
        const change = op === 'delete' ? table.delete(user) : null
        const put = op === 'put' ? table.put({ user, value }) : null
        if (op === 'put') model.set(user, value)
        if (op === 'delete') model.delete(user)
        const done = put?.ok ? put.value : change
        if (done === null || done === undefined) continue
        if (done.version <= (versions.get(done.address.slot) ?? 0)) return false
        versions.set(done.address.slot, done.version)
        follower.apply(done.address, done.key, done.version, table.get(done.key) ?? null)
      }
      const same = [...model].every(([user, value]) => table.get(user)?.value === value)
      const keys = [...table.keys()].sort().join() === [...model.keys()].sort().join()
      return same && keys && table.size === model.size && table.hash === follower.hash
    }),
    { numRuns: 300 },
  )
  t.pass()
})
