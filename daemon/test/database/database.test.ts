//! The SQLite wrapper, migrations, recovery and storing.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { migrate, migrations } from '../../src/database/migrations.ts'
import { goodCopyOf, keepGoodCopy, openDatabase } from '../../src/database/open.ts'
import { readCoreData } from '../../src/database/read.ts'
import { damagedRows } from '../../src/database/rows.ts'
import { configTables } from '../../src/database/schema.ts'
import { revisionOf, storeRows } from '../../src/database/store.ts'
import { Database, type SqlValue } from '../../src/platform/sqlite.ts'
import { account, rowsOf } from './site-rows.ts'

function directory(t: { teardown(action: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'vccs-database-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

async function fresh(t: { teardown(action: () => Promise<void>): void }): Promise<Database> {
  const { database } = await openDatabase(':memory:', 0)
  t.teardown(() => database.close())
  return database
}

test('migrations lead to the newest version and a second time change nothing', async (t) => {
  const database = await Database.open(':memory:')
  t.teardown(() => database.close())
  t.true(await migrate(database))
  t.true(await migrate(database))
  const row = await database.get<{ user_version: number }>('PRAGMA user_version')
  t.is(row?.user_version, migrations.length)
  const tables = await database.all<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table'",
  )
  for (const table of configTables) t.true(tables.some(({ name }) => name === table))
})

test('a file of a newer version is not touched', async (t) => {
  const path = join(directory(t), 'db')
  const database = await Database.open(path)
  await database.script('PRAGMA user_version = 9999; CREATE TABLE newer (x)')
  await database.close()
  const opened = await openDatabase(path, 0)
  t.is(opened.from, 'memory')
  t.is(opened.alarms[0]?.code, 'database-failed')
  await opened.database.close()
})

test('a transaction that fails leaves nothing, neither rows nor outbox', async (t) => {
  const database = await fresh(t)
  await t.throwsAsync(
    database.transaction(async (sql) => {
      await sql.run("INSERT INTO phone_book VALUES ('g', 'G', '')")
      throw new Error('stop')
    }),
    { message: 'stop' },
  )
  t.deepEqual(await database.all('SELECT * FROM phone_book'), [])
  t.deepEqual(await database.all('SELECT * FROM sync_log'), [])
})

test('transactions and reads of several callers never interleave', async (t) => {
  const database = await fresh(t)
  const counts: number[] = []
  const writer = (name: string) =>
    database.transaction(async (sql) => {
      const before = await sql.all('SELECT * FROM phone_book')
      await sql.run('INSERT INTO phone_book VALUES (?, ?, ?)', [`${name}-1`, '', ''])
      await new Promise((resolve) => setImmediate(resolve))
      await sql.run('INSERT INTO phone_book VALUES (?, ?, ?)', [`${name}-2`, '', ''])
      if (name === 'c') throw new Error('c fails')
      counts.push(before.length)
    })
  const reads = [1, 2, 3].map(async () => (await database.all('SELECT * FROM phone_book')).length)
  const results = await Promise.allSettled([writer('a'), writer('b'), writer('c'), writer('d')])
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  t.deepEqual(counts, [0, 2, 4])
  for (const count of await Promise.all(reads)) t.is(count % 2, 0)
})

test('values that sqlite3 would store wrongly are refused', async (t) => {
  const database = await fresh(t)
  for (const value of [1n, undefined, {}, Number.NaN, 2 ** 60, true, () => 1]) {
    const error = await t.throwsAsync(
      database.run('INSERT INTO phone_book VALUES (?, ?, ?)', ['x', value as SqlValue, '']),
    )
    t.is((error as { code?: string } | undefined)?.code, 'BIND')
  }
  t.deepEqual(await database.all('SELECT * FROM phone_book'), [])
})

test('wrong SQL, wrong types and a closed database reject and do not end the process', async (t) => {
  const { database } = await openDatabase(':memory:', 0)
  await t.throwsAsync(database.run('THIS IS NOT SQL'))
  await t.throwsAsync(database.all('SELECT nothing FROM nowhere'))
  await t.throwsAsync(database.run("INSERT INTO accounts (number, priority) VALUES ('x', 'high')"))
  await database.close()
  await t.throwsAsync(database.run('SELECT 1'))
  await t.throwsAsync(database.close())
})

test('storing is one transaction: a row without its parent changes nothing', async (t) => {
  const database = await fresh(t)
  t.true((await storeRows(database, rowsOf({ accounts: [account('1')] }))).ok)
  const orphan = rowsOf({
    accounts: [account('2')],
    positions: [{ position: 'P', display_name: '', account: 'nobody' }],
  })
  const stored = await storeRows(database, orphan)
  t.true(!stored.ok && stored.failure.code === 'database-failed')
  t.deepEqual(
    (await readCoreData(database)).phoneBook.map(({ number }) => number),
    ['1'],
  )
})

test('storing equal rows again changes nothing, and the revision counts changes', async (t) => {
  const database = await fresh(t)
  const rows = rowsOf({
    accounts: [account('1'), account('2')],
    positions: [{ position: 'P', display_name: '', account: '1' }],
  })
  t.deepEqual(await storeRows(database, rows), { ok: true, value: 3 })
  t.is(await revisionOf(database), 1)
  t.deepEqual(await storeRows(database, rows), { ok: true, value: 0 })
  t.is(await revisionOf(database), 1)
  t.deepEqual(await storeRows(database, rowsOf({ accounts: [account('2')] })), {
    ok: true,
    value: 2,
  })
  t.deepEqual((await readCoreData(database)).positions, [])
})

test('a row that was changed behind our back is detected', async (t) => {
  const database = await fresh(t)
  await storeRows(database, rowsOf({ accounts: [account('1')] }))
  t.deepEqual(await damagedRows(database), [])
  await database.run("UPDATE accounts SET priority = 3 WHERE number = '1'")
  t.deepEqual(await damagedRows(database), [{ table: 'accounts', key: '1' }])
})

test('a corrupt file is moved aside and the last good copy is used', async (t) => {
  const path = join(directory(t), 'vccs.db')
  const first = await openDatabase(path, 0)
  t.is(first.from, 'new')
  await storeRows(first.database, rowsOf({ accounts: [account('1')] }))
  t.true((await keepGoodCopy(first.database, path)).ok)
  await first.database.close()
  const bytes = readFileSync(path)
  writeFileSync(path, Buffer.concat([Buffer.alloc(4_096, 7), bytes.subarray(4_096)]))
  const second = await openDatabase(path, Date.UTC(2026, 0, 2))
  t.is(second.from, 'good-copy')
  t.false(second.needsPeer)
  t.is(second.alarms[0]?.code, 'database-recovered')
  t.is((await readCoreData(second.database)).phoneBook.length, 1)
  t.true(readdirSync(join(path, '..')).includes('vccs.db.damaged-2026-01-02T00-00-00-000Z'))
  await second.database.close()
})

test('a file that is gone is replaced by the last good copy, with an alarm', async (t) => {
  const path = join(directory(t), 'vccs.db')
  const first = await openDatabase(path, 0)
  await storeRows(first.database, rowsOf({ accounts: [account('1')] }))
  await keepGoodCopy(first.database, path)
  await first.database.close()
  rmSync(path)
  const second = await openDatabase(path, 1)
  t.is(second.from, 'good-copy')
  t.regex(second.alarms[0]?.detail ?? '', /the file is gone; the last good copy is used$/)
  t.is((await readCoreData(second.database)).phoneBook.length, 1)
  await second.database.close()
})

test('only the owner can read the database, its log and its good copy', async (t) => {
  const place = directory(t)
  const path = join(place, 'vccs.db')
  writeFileSync(path, '', { mode: 0o644 })
  const { database } = await openDatabase(path, 0)
  await storeRows(database, rowsOf({ accounts: [account('1')] }))
  await keepGoodCopy(database, path)
  const files = readdirSync(place)
  t.true(files.includes('vccs.db-wal') && files.includes('vccs.db.good'))
  for (const file of files) t.is(statSync(join(place, file)).mode & 0o777, 0o600, file)
  await database.close()
})

test('without a good copy, or with a damaged one, the database begins empty and needs the peer', async (t) => {
  for (const copy of [null, 'garbage']) {
    const path = join(directory(t), 'vccs.db')
    writeFileSync(path, 'this is not a database, however long it is'.repeat(100))
    if (copy !== null) writeFileSync(goodCopyOf(path), copy)
    const opened = await openDatabase(path, 5)
    t.is(opened.from, 'empty')
    t.true(opened.needsPeer)
    await opened.database.close()
    const again = await openDatabase(path, 6)
    t.is(again.from, 'file')
    await again.database.close()
  }
})

test('a path that cannot be used gives a database in memory and an alarm', async (t) => {
  const opened = await openDatabase(join(directory(t), 'missing', 'vccs.db'), 0)
  t.is(opened.from, 'memory')
  t.true(opened.needsPeer)
  t.is(opened.alarms[0]?.code, 'database-failed')
  await opened.database.close()
})
