//! Statements are compiled once; nobody sees it but the clock.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Database } from '../../src/platform/sqlite.ts'

async function open(t: ExecutionContext): Promise<{ database: Database; file: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-statements-'))
  const file = join(directory, 'x.db')
  const database = await Database.open(file)
  await database.script('CREATE TABLE t (name TEXT PRIMARY KEY, size INTEGER NOT NULL)')
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return { database, file }
}

const add = 'INSERT INTO t (name, size) VALUES (?, ?)'

test('the same text with other values does what it says, alone and many at once', async (t) => {
  const { database } = await open(t)
  const names = Array.from({ length: 50 }, (_, index) => `n${index}`)
  const changed = await database.transaction((sql) =>
    Promise.all(names.map((name, index) => sql.run(add, [name, index]))),
  )
  t.true(changed.every((count) => count === 1))
  const find = 'SELECT size FROM t WHERE name = ?'
  const found = await Promise.all(names.map((name) => database.get(find, [name])))
  t.deepEqual(
    found,
    names.map((_, index) => ({ size: index })),
  )
  t.is(await database.run('UPDATE t SET size = 0 WHERE size < ?', [10]), 10)
  t.is(await database.run('UPDATE t SET size = 0 WHERE size < ?', [-1]), 0)
  await database.close()
})

test('a statement that failed works the next time, and holds up no transaction', async (t) => {
  const { database } = await open(t)
  await database.run(add, ['a', 1])
  for (let turn = 0; turn < 3; turn++) {
    const refused = await t.throwsAsync(database.run(add, ['a', 2]))
    t.is((refused as { code?: string } | undefined)?.code, 'SQLITE_CONSTRAINT')
  }
  await t.throwsAsync(
    database.transaction(async (sql) => {
      await sql.run(add, ['b', 2])
      await sql.run(add, ['a', 2])
    }),
  )
  t.deepEqual(await database.all('SELECT name FROM t'), [{ name: 'a' }])
  t.is(await database.run(add, ['b', 2]), 1)
  const wrong = await t.throwsAsync(database.run('INSERT INTO nowhere VALUES (1)'))
  t.is((wrong as { code?: string } | undefined)?.code, 'SQLITE_ERROR')
  await database.close()
})

test('a table that is changed, lost and found again is read as it is', async (t) => {
  const { database } = await open(t)
  const read = () => database.all('SELECT * FROM t')
  await database.run(add, ['a', 1])
  t.deepEqual(await read(), [{ name: 'a', size: 1 }])
  await database.script("ALTER TABLE t ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")
  t.deepEqual(await read(), [{ name: 'a', size: 1, colour: 'red' }])
  await database.script('ALTER TABLE t RENAME TO lost')
  await t.throwsAsync(read())
  await database.script('ALTER TABLE lost RENAME TO t')
  t.is((await read()).length, 1)
  await database.close()
})

test('more texts than are kept, and the database can be closed and opened again', async (t) => {
  const { database, file } = await open(t)
  for (let size = 0; size < 150; size++) {
    await database.run(`INSERT INTO t (name, size) VALUES (?, ${size})`, [`n${size}`])
  }
  t.is(await database.run('INSERT INTO t (name, size) VALUES (?, 0)', ['again']), 1)
  await database.close()
  const second = await Database.open(file)
  t.deepEqual(await second.get('SELECT count(*) AS count FROM t'), { count: 151 })
  await second.close()
})
