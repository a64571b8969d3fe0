//! What a node changed while it served alone is on both when they are together again (ADR 0036).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readFailures } from '../../src/database/logs.ts'
import { keepGoodCopy, openDatabase } from '../../src/database/open.ts'
import { RowAnswers } from '../../src/database/row-answers.ts'
import { revisionOf, storeColumns, storeRows } from '../../src/database/store.ts'
import type { Database } from '../../src/platform/sqlite.ts'
import { Pair, threeAccounts } from './row-pair.ts'
import { account, rowsOf } from './site-rows.ts'

test('roles change: the other side sends its own numbers, and what was changed while apart is on both', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  await pair.apart()
  await storeRows(
    pair.a.database,
    rowsOf({ accounts: [account('1', 7), account('2'), account('only-a')] }),
  )
  await storeRows(
    pair.b.database,
    rowsOf({ accounts: [account('1', 5), account('2', 5), account('3'), account('only-b')] }),
  )
  await pair.swapped()
  const [a, b] = await pair.digests()
  t.is(a, b)
  const rows = await pair.a.database.all('SELECT number, priority FROM accounts ORDER BY number')
  t.deepEqual(rows, [
    { number: '1', priority: 5 },
    { number: '2', priority: 5 },
    { number: 'only-a', priority: 4 },
    { number: 'only-b', priority: 4 },
  ])
  t.is(pair.b.adopted, 2, 'one account was added there, and one removed')
  const reason = 'changed on both nodes; what the serving node has stays'
  t.deepEqual(pair.b.failures, [{ seq: 0, table: 'accounts', key: '1', reason }])
  const kept = await readFailures(pair.b.database, 10)
  t.deepEqual(
    kept.failures.map(({ table, key, reason }) => ({ table, key, reason })),
    [{ table: 'accounts', key: '1', reason }],
  )
})

test('a node that serves without the last changes takes them from the one that comes back', async (t) => {
  const pair = await Pair.make(t)
  pair.join()
  await pair.inStep()
  await pair.apart()
  // Told the operator that it is done, and died before the standby had it.
  await storeRows(pair.a.database, threeAccounts)
  const full = (await pair.digests())[0]
  await pair.swapped()
  t.deepEqual(await pair.digests(), [full, full])
  t.deepEqual(pair.b.failures, [])
  t.is(await revisionOf(pair.b.database), 1)
  const before = pair.b.adopted
  await pair.apart()
  await pair.swapped()
  t.is(pair.b.adopted, before, 'once')
})

test('a new node that serves first takes the site of the old one; one that was configured keeps its own', async (t) => {
  for (const configured of [false, true]) {
    const pair = await Pair.make(t)
    await storeRows(pair.a.database, threeAccounts)
    if (configured) await storeRows(pair.b.database, rowsOf({ accounts: [account('9')] }))
    const [old, own] = await pair.digests()
    await pair.swapped()
    const wanted = configured ? own : old
    t.deepEqual(await pair.digests(), [wanted, wanted])
  }
})

test('an outbox that does not go back so far: all that differs is the work of its node', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  await pair.apart()
  await storeRows(pair.a.database, rowsOf({ accounts: [account('1', 3)] }))
  await pair.a.database.run('DELETE FROM sync_log WHERE seq <= (SELECT max(seq) FROM sync_log) - 1')
  await storeRows(pair.b.database, rowsOf({ accounts: [account('1'), account('2'), account('4')] }))
  await pair.swapped()
  const rows = await pair.b.database.all<{ number: string }>(
    'SELECT * FROM accounts ORDER BY number',
  )
  t.deepEqual(
    rows.map(({ number }) => number),
    ['1', '4'],
  )
  const [a, b] = await pair.digests()
  t.is(a, b)
})

test('an own outbox that does not go back so far: what the other one changed is lost, and said', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  await pair.apart()
  const changed = (priority: number) =>
    rowsOf({ accounts: [account('1', priority), account('2'), account('3')] })
  await storeRows(pair.a.database, changed(3))
  await storeRows(pair.b.database, changed(5))
  await storeRows(pair.b.database, changed(6))
  await pair.b.database.run('DELETE FROM sync_log WHERE seq = 1')
  await pair.swapped()
  const [a, b] = await pair.digests()
  t.is(a, b)
  t.deepEqual(
    pair.b.failures.map(({ table, key }) => `${table} ${key}`),
    ['accounts 1'],
  )
})

test('after an upgrade only the standby knows how far it has the other outbox', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.older = true
  pair.join()
  await pair.inStep()
  await pair.apart()
  pair.older = false
  await storeRows(pair.a.database, rowsOf({ accounts: [account('1', 7)] }))
  const wanted = (await pair.digests())[0]
  await pair.swapped()
  t.deepEqual(await pair.digests(), [wanted, wanted])
  t.deepEqual(pair.b.failures, [])
})

/** `a` has lost its file, and comes back with a copy from before the last change. */
async function pairWithCopy(t: ExecutionContext): Promise<Pair> {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-copy-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'vccs.db')
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, rowsOf({ accounts: [account('1'), account('2')] }))
  pair.join()
  await pair.inStep()
  await keepGoodCopy(pair.a.database, path)
  await storeRows(pair.a.database, rowsOf({ accounts: [account('1', 7), account('2', 7)] }))
  pair.a.sync.changed(pair.nowMs)
  await pair.inStep()
  await pair.apart()
  await pair.recovered(path)
  return pair
}

async function priorities(database: Database): Promise<unknown[]> {
  const rows = await database.all<{ number: string; priority: number }>(
    'SELECT number, priority FROM accounts ORDER BY number',
  )
  return rows.map(({ number, priority }) => [number, priority])
}

test('a node that served alone with an old copy: what it changed since counts, and only that', async (t) => {
  for (const changes of [1, 2, 3]) {
    const pair = await pairWithCopy(t)
    // The numbers of the lost entries are given again.
    for (let priority = 1; priority <= changes; priority++) {
      const rows = [account('1'), account('2', priority)]
      await storeRows(pair.a.database, rowsOf({ accounts: rows }))
    }
    await pair.swapped()
    t.deepEqual(await priorities(pair.b.database), [
      ['1', 7],
      ['2', changes],
    ])
    const [a, b] = await pair.digests()
    t.is(a, b)
    t.deepEqual(pair.b.failures, [])
  }
})

test('a standby has what an old copy of the primary has not', async (t) => {
  const pair = await pairWithCopy(t)
  await storeRows(pair.a.database, rowsOf({ accounts: [account('1'), account('2', 3)] }))
  pair.join()
  await pair.inStep()
  for (const { database } of [pair.a, pair.b]) {
    t.deepEqual(await priorities(database), [
      ['1', 7],
      ['2', 3],
    ])
  }
})

test('what users set while the other one is asked does not hold it up', async (t) => {
  const pair = await Pair.make(t)
  pair.tickMs = 20
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  await pair.apart()
  const changed = [account('1', 7), account('2', 7), account('3')]
  await storeRows(pair.a.database, rowsOf({ accounts: changed }))
  let asked = 0
  pair.overheard = (body) => {
    if (!body.startsWith('{"op":"changed","after"') || asked >= 20) return
    const values = { display_name: `set ${++asked}` }
    void storeColumns(pair.b.database, { table: 'accounts', key: '2' }, values)
  }
  await pair.swapped()
  // A question may be repeated.
  t.true(asked < 5)
  const rows = await pair.a.database.all('SELECT number, priority, display_name FROM accounts')
  t.deepEqual(rows.slice(0, 2), [
    { number: '1', priority: 7, display_name: 'name of 1' },
    { number: '2', priority: 4, display_name: `set ${asked}` },
  ])
})

test('a node that serves no more takes nothing', async (t) => {
  const pair = await Pair.make(t)
  pair.join()
  await pair.inStep()
  await pair.apart()
  await storeRows(pair.a.database, threeAccounts)
  const before = (await pair.digests())[1]
  pair.a.sync.setRole('standby', pair.nowMs)
  pair.overheard = (body) => {
    if (body.startsWith('{"op":"fetch","table"')) pair.b.sync.setRole('standby', pair.nowMs)
  }
  pair.b.sync.setRole('primary', pair.nowMs)
  await pair.b.sync.settled()
  t.is((await pair.digests())[1], before)
  t.is(pair.b.adopted, 0)
})

test('a database that failed once says later how far its outbox went', async (t) => {
  const { database } = await openDatabase(':memory:', 0)
  t.teardown(() => database.close())
  const answers = new RowAnswers(database)
  const { get } = database
  database.get = () => Promise.reject(new Error('disk I/O error'))
  await t.throwsAsync(answers.answer({ op: 'changed', after: 0 }, 0))
  database.get = get
  await new Promise(setImmediate)
  t.like(await answers.answer({ op: 'changed', after: 0 }, 0), { keys: [], done: true })
})

test('a node of an older version does not name its outbox, and gets what this one has', async (t) => {
  const pair = await Pair.make(t)
  pair.join()
  await pair.inStep()
  await pair.apart()
  await storeRows(pair.a.database, threeAccounts)
  const own = (await pair.digests())[1]
  pair.older = true
  await pair.swapped()
  t.deepEqual(await pair.digests(), [own, own])
})
