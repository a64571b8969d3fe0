//! Anti-entropy: what differs or was damaged is found within one period, and nothing else is.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { Scrub } from '../../src/replication/scrub.ts'
import { nameHashes } from '../../src/replication/verify.ts'
import { tableNames } from '../../src/tables/address.ts'
import { type AnyRecord, Tables } from '../../src/tables/tables.ts'
import type { User } from '../../src/tables/user.ts'
import { bookOf, damageable, damageableField, joinedPair } from './damage.ts'
import { calm, type PairSimulation, user } from './pair-simulation.ts'
import { oneOfEach } from './records.ts'

const users = (pair: PairSimulation) => pair.b.tables.table('user')
const verify = (pair: PairSimulation) => pair.b.replicator.status(pair.nowMs).verify

test('a record of the standby that differs, and one that the primary has not, are repaired in one period', (t) => {
  const pair = joinedPair(5)
  users(pair).apply({ table: 'user', slot: 2 }, 'u2', 1, user('u2', 666) as User)
  users(pair).apply({ table: 'user', slot: 9 }, 'ghost', 1, user('ghost') as User)
  t.false(pair.equal())
  t.true(pair.runUntil(() => pair.settled(), limits.tableHashMs + 50))
  t.is(users(pair).get('u2')?.cseq, 1)
  t.false(users(pair).has('ghost'))
  t.like(verify(pair), { differing: 1, repaired: 1, damaged: 0 })
  const faults = pair.b.outputs.filter(({ kind }) => kind === 'table-fault')
  t.like(faults, [
    { table: 'user', fault: 'differs' },
    { table: 'user', fault: 'repaired' },
  ])
})

test('a record that is missing on the standby is found', (t) => {
  const pair = joinedPair(5)
  users(pair).apply({ table: 'user', slot: 3 }, 'u3', 1, null)
  t.true(pair.runUntil(() => users(pair).has('u3'), limits.tableHashMs + 50))
})

test('memory that changes under a record of the standby is found and repaired in one period, while calls run', (t) => {
  const pair = joinedPair(40)
  const memory = damageable('u7')
  users(pair).apply({ table: 'user', slot: 7 }, 'u7', 1, memory.record)
  t.true(pair.equal())
  memory.damage()
  t.true(pair.equal(), 'the digest made when it was written still holds')
  const fromMs = pair.nowMs
  let round = 0
  const repaired = () => {
    // A record changes at each step, so that there is always one under way.
    pair.change(pair.a, (tables) => bookOf(tables, `n${round++ % 50}`, round))
    return users(pair).get('u7')?.cseq === 1
  }
  t.true(pair.runUntil(repaired, limits.tableHashMs + 100))
  t.true(pair.nowMs - fromMs <= limits.tableHashMs + 100)
  pair.run(50)
  t.like(verify(pair), { damaged: 1, differing: 0, repaired: 1 })
})

test('a difference is found under load, when at no instant every record is confirmed', (t) => {
  const pair = joinedPair(40)
  pair.faults = { loss: 0.05, duplicate: 0.05, reorderMs: 8 }
  users(pair).apply({ table: 'user', slot: 7 }, 'u7', 1, user('u7', 666) as User)
  let round = 0
  const repaired = () => {
    pair.change(pair.a, (tables) => {
      for (let n = 0; n < 3; n++)
        tables.table('user').put(user(`u${10 + (round++ % 25)}`, round) as User)
    })
    return users(pair).get('u7')?.cseq === 1
  }
  t.true(pair.runUntil(repaired, 2 * limits.tableHashMs + 500))
})

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`nothing is repaired that is only under way: loss, duplicates, reorder, seed ${seed}`, (t) => {
    const pair = joinedPair(20, seed)
    pair.faults = { loss: 0.2, duplicate: 0.2, reorderMs: 60 }
    let round = 0
    for (let step = 0; step < 3_000; step++) {
      pair.change(pair.a, (tables) => {
        const name = `u${(round * 7) % 30}`
        if (++round % 5 === 0) tables.table('user').delete(name)
        else tables.table('user').put(user(name, round) as User)
        bookOf(tables, `n${round % 11}`, round)
      })
      pair.run(4)
    }
    t.true(verify(pair).compared >= 3)
    t.like(verify(pair), { differing: 0, repaired: 0 })
    pair.faults = calm
    t.true(pair.runUntil(() => pair.settled()))
  })
}

test('a damaged record of the primary is told once and not spread', (t) => {
  const pair = joinedPair(3)
  const memory = damageable('m')
  pair.change(pair.a, (tables) => tables.table('user').put(memory.record))
  pair.run(2 * limits.tableHashMs)
  memory.damage()
  pair.run(3 * limits.tableHashMs)
  const told = pair.a.outputs.filter(({ kind }) => kind === 'table-fault')
  t.like(told, [{ table: 'user', fault: 'damaged' }])
  t.is(pair.a.replicator.status(pair.nowMs).verify.damaged, 1)
  t.is(users(pair).get('m')?.cseq, 1)
})

test('every slot is read once a period, in small parts', (t) => {
  const tables = new Tables()
  for (let n = 0; n < 1_000; n++) tables.table('user').put(user(`u${n}`) as User)
  const memory = damageable('late')
  tables.table('user').put(memory.record)
  const scrub = new Scrub(tables)
  scrub.start(0)
  let nowMs = 0
  const inOnePeriod = () => {
    const found: number[] = []
    for (const untilMs = nowMs + limits.tableHashMs; nowMs <= untilMs; nowMs += 20) {
      for (const { slot } of scrub.advance(nowMs)) found.push(slot)
    }
    return found
  }
  // The first time makes the digests.
  t.deepEqual(inOnePeriod(), [])
  memory.damage()
  t.deepEqual(inOnePeriod(), [1_000])
  // A late turn makes up for what it missed, but reads nothing twice.
  t.is(scrub.advance(100 * limits.tableHashMs).length, 1)
})

test('a digest that nobody asked for is made once, of the record as it is then', (t) => {
  const [tables, other] = [new Tables(), new Tables()]
  const users = tables.table('user')
  for (let cseq = 1; cseq < 5; cseq++) users.put(user('a', cseq) as User)
  users.put(user('b') as User)
  t.false(users.isDamaged(0))
  users.put(user('a', 5) as User)
  users.digestSome(0.1)
  users.digestSome(1)
  users.delete('b')
  other.table('user').apply({ table: 'user', slot: 0 }, 'a', 6, user('a', 5) as User)
  t.is(tables.hash('user'), other.hash('user'))
  t.is(users.hashWithout([0]), new Tables().hash('user'))
})

test('the walk comes to each table, also to the last, and begins again at the first', (t) => {
  const tables = new Tables()
  const memories = tableNames.map((name) => {
    const [field = ''] = Object.keys(oneOfEach[name])
    const record = oneOfEach[name] as AnyRecord
    const memory = damageableField(record, field as keyof AnyRecord, 'damaged')
    tables.any(name).put(memory.record)
    return { name, damage: memory.damage }
  })
  const scrub = new Scrub(tables)
  scrub.start(0)
  let nowMs = 0
  const inOnePeriod = () => {
    const found = new Set<string>()
    const untilMs = nowMs + limits.tableHashMs
    for (; nowMs < untilMs; nowMs += 20) {
      for (const { table } of scrub.advance(nowMs)) found.add(table)
    }
    return [...found].sort()
  }
  t.deepEqual(inOnePeriod(), [])
  const damaged: string[] = []
  for (const { name, damage } of memories.toReversed()) {
    damage()
    damaged.push(name)
    t.deepEqual(inOnePeriod(), damaged.toSorted())
  }
})

test('records under way are named and left out of the digest', (t) => {
  const tables = new Tables()
  const table = tables.table('user')
  table.put(user('a') as User)
  table.setFlag(0, 'NONE')
  const before = nameHashes(tables)
  t.deepEqual(before.open, {})
  table.put(user('b') as User)
  const after = nameHashes(tables)
  t.deepEqual(after.open, { user: [1] })
  t.is(after.hashes.user, before.hashes.user)
})
