//! A database of an earlier version: nothing of it is lost on its way to the present one.
import test, { type ExecutionContext } from 'ava'
import { migrate, migrations } from '../../src/database/migrations.ts'
import { readCoreData } from '../../src/database/read.ts'
import { readPlan } from '../../src/database/read-plan.ts'
import { damagedRows } from '../../src/database/rows.ts'
import { Database } from '../../src/platform/sqlite.ts'
import { defaultProfile } from '../../src/tables/profile.ts'

/** As version 3 wrote it: 128 bits of SHA-256 over the columns of that time. */
const accountHash = '7c12b39efbf93632b7baca59e3d393eb'

async function ofVersion3(t: ExecutionContext): Promise<Database> {
  const database = await Database.open(':memory:')
  t.teardown(() => database.close())
  for (const { script } of migrations.slice(0, 3)) await database.script(script)
  const zeros = (count: number) => '0'.repeat(count)
  const values = ['gw', 'Gateway', 'gateway', zeros(32), zeros(64), 'md5', 4, 1, accountHash]
  await database.run(`INSERT INTO accounts VALUES (${values.map(() => '?').join(', ')})`, values)
  await database.run("INSERT INTO trunk_routes VALUES ('0', 'Public', 'gw', 'old')")
  await database.run("INSERT INTO trunk_routes VALUES ('00', 'Abroad', 'gw', 'old')")
  await database.script('PRAGMA user_version = 3')
  return database
}

test('routes of the first version become routes to a trunk of their gateway', async (t) => {
  const database = await ofVersion3(t)
  const before = await database.all('SELECT * FROM sync_log')
  t.true(await migrate(database))
  const plan = await readPlan(database)
  t.deepEqual(
    plan.trunks.map(({ name, account, peer }) => [name, account, peer]),
    [['gw', 'gw', null]],
  )
  t.deepEqual(
    plan.routes.map(({ name, pattern, trunks }) => [name, pattern, trunks]),
    [
      ['0', '0.', ['gw']],
      ['00', '00.', ['gw']],
    ],
  )
  t.deepEqual(await damagedRows(database), [], 'rows of before and of now have right hashes')
  t.deepEqual(await database.all('SELECT * FROM sync_log'), before, 'the peer moves its own rows')
  const [state] = await database.all('SELECT applying FROM sync_state')
  t.is(state?.applying, 0)
})

test('accounts of the first version have the profile of their type, and changes of them are heard', async (t) => {
  const database = await ofVersion3(t)
  await migrate(database)
  const { phoneBook } = await readCoreData(database)
  t.deepEqual(phoneBook[0]?.profile, defaultProfile('gateway'))
  await database.run("UPDATE accounts SET do_not_disturb = 'yes' WHERE number = 'gw'")
  const [last] = await database.all('SELECT changed FROM sync_log ORDER BY seq DESC LIMIT 1')
  t.deepEqual(JSON.parse(String(last?.changed)), { do_not_disturb: 'yes' })
})

test('what a newer peer said of columns that were unknown here is in them after the upgrade', async (t) => {
  const database = await ofVersion3(t)
  const keep = 'INSERT INTO unknown_columns VALUES (?, ?, ?, ?)'
  await database.run(keep, ['accounts', 'gw', 'forward_busy', '"1001"'])
  await database.run(keep, ['accounts', 'gw', 'calls', '7'])
  await database.run(keep, ['accounts', 'gw', 'of_later', '"x"'])
  await database.run(keep, ['trunks', 'gw', 'may_monitor', '1'])
  await migrate(database)
  const { phoneBook } = await readCoreData(database)
  t.is(phoneBook[0]?.profile?.settings.forward.busy, '1001')
  t.is(phoneBook[0]?.profile?.line.calls, defaultProfile('gateway').line.calls, 'no text')
  t.true((await readPlan(database)).trunks[0]?.monitor)
  t.deepEqual(await damagedRows(database), [])
  const left = await database.all<{ column_name: string }>(
    'SELECT column_name FROM unknown_columns',
  )
  t.deepEqual(left, [{ column_name: 'of_later' }])
})
