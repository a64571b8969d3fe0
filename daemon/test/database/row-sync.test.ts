import test from 'ava'
import { carryOver } from '../../src/database/call-records.ts'
import { readFailures, readLogCounts } from '../../src/database/logs.ts'
import {
  applyOperations,
  newestOf,
  outboxAfter,
  setApplied,
  sourceOf,
} from '../../src/database/operations.ts'
import { damagedRows } from '../../src/database/rows.ts'
import { readShared, saidOf, sharedHash } from '../../src/database/shared-rows.ts'
import { needsPeerOf, setNeedsPeer, storeRows } from '../../src/database/store.ts'
import type { CallRecord } from '../../src/tables/call-record.ts'
import { Pair, threeAccounts } from './row-pair.ts'
import { account, rowsOf } from './site-rows.ts'

test('a new standby gets all rows, follows each change, and does not echo them', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  await storeRows(pair.a.database, rowsOf({ accounts: [account('2', 1), account('4')] }))
  pair.a.sync.changed(pair.nowMs)
  await pair.inStep()
  const [a, b] = await pair.digests()
  t.is(a, b)
  t.true(pair.b.changes >= 2)
  t.is(await newestOf(pair.b.database), 0)
  t.deepEqual(await damagedRows(pair.b.database), [])
  const log = await pair.b.database.all<{ op: string; result: string }>(
    "SELECT * FROM operation_log WHERE source <> 'repair'",
  )
  t.deepEqual(
    log.map(({ op, result }) => `${op} ${result}`),
    ['update done', 'insert done', 'delete done', 'delete done', 'delete done'],
  )
})

test('frames that are lost or repeated change nothing of the result', async (t) => {
  const pair = await Pair.make(t)
  pair.tickMs = 20
  pair.lossEvery = 3
  pair.repeat = true
  pair.join()
  for (let round = 1; round <= 4; round++) {
    await storeRows(
      pair.a.database,
      rowsOf({ accounts: [account('1', round), account(`n${round}`)] }),
    )
    pair.a.sync.changed(pair.nowMs)
    await pair.inStep()
  }
  const [a, b] = await pair.digests()
  t.is(a, b)
})

test('a primary that lost its database takes the rows of the standby first', async (t) => {
  const pair = await Pair.make(t, { a: true })
  await storeRows(pair.b.database, threeAccounts)
  pair.join()
  await pair.inStep()
  t.false(pair.a.sync.needsPeer)
  t.is(pair.a.changes, 1)
  const [a, b] = await pair.digests()
  t.is(a, b)
  t.is((await pair.b.database.all('SELECT * FROM accounts')).length, 3)
})

test('many rows are compared and repaired in frames that fit', async (t) => {
  const pair = await Pair.make(t)
  const accounts = Array.from({ length: 900 }, (_, index) => account(`n${index}`))
  await storeRows(pair.a.database, rowsOf({ accounts }))
  pair.join()
  await pair.inStep()
  const [a, b] = await pair.digests()
  t.is(a, b)
})

test('differences are named first, then repaired', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  await pair.b.database.run("UPDATE accounts SET display_name = 'damaged' WHERE number = '2'")
  await pair.b.database.run("DELETE FROM accounts WHERE number = '3'")
  await pair.b.database.run("INSERT INTO phone_book VALUES ('extra', '', '')")
  const differences = await pair.a.sync.compare()
  if (!differences.ok) return t.fail()
  t.deepEqual(
    differences.value.map(({ table, onlyHere, onlyPeer, different }) => {
      return [table, onlyHere, onlyPeer, different]
    }),
    [
      ['accounts', ['3'], [], ['2']],
      ['phone_book', [], ['extra'], []],
    ],
  )
  t.deepEqual(await pair.a.sync.repair(differences.value), {
    ok: true,
    value: {
      steps: [
        { table: 'accounts', key: '3', row: saidOf(account('3')) },
        { table: 'accounts', key: '2', row: saidOf(account('2')) },
        { table: 'phone_book', key: 'extra', row: null },
      ],
      failures: [],
    },
  })
  const [a, b] = await pair.digests()
  t.is(a, b)
})

test('a node that is not the standby refuses changes, and a silent peer is a failure', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.a.sync.setRole('primary', 0)
  await pair.a.sync.settled()
  t.is(pair.a.sync.state, 'behind')
  t.is((await pair.b.database.all('SELECT * FROM accounts')).length, 0)
  pair.lossEvery = 1
  pair.tickMs = 100
  const compared = await pair.a.sync.compare()
  t.true(!compared.ok && compared.failure.code === 'peer-unreachable')
})

test('operations are applied once, in order, and a gap stops them', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  const source = await sourceOf(pair.a.database)
  const operations = await outboxAfter(pair.a.database, 0, { until: 99, lengthMax: 100_000 })
  const log = { wallMs: 1 }
  const apply = (from: number, to: number) =>
    applyOperations(
      pair.b.database,
      { source, revision: 7, operations: operations.slice(from, to) },
      log,
    )
  t.deepEqual(await apply(0, 1), { applied: null, failures: [], gap: true })
  await setApplied(pair.b.database, source, 0)
  t.deepEqual(await apply(0, 2), { applied: 2, failures: [], gap: false })
  t.deepEqual(await apply(0, 2), { applied: 2, failures: [], gap: false })
  t.deepEqual(await apply(3, 4), { applied: 2, failures: [], gap: true })
  t.deepEqual(await apply(1, 4), { applied: 4, failures: [], gap: false })
  const [a, b] = await pair.digests()
  t.is(a, b)
})

test('what cannot be done is in the failure log, with the reason', async (t) => {
  const pair = await Pair.make(t)
  await setApplied(pair.b.database, 's', 0)
  const { failures } = await applyOperations(
    pair.b.database,
    {
      source: 's',
      revision: 1,
      operations: [
        { seq: 1, table: 'accounts', op: 'delete', key: '9', changed: {} },
        { seq: 2, table: 'accounts', op: 'update', key: '9', changed: { priority: 1 } },
        { seq: 3, table: 'sqlite_schema', op: 'insert', key: '9', changed: {} },
        {
          seq: 4,
          table: 'accounts',
          op: 'insert',
          key: '9',
          changed: { number: '9', priority: 'high' },
        },
      ],
    },
    { wallMs: 1 },
  )
  t.deepEqual(
    failures.map(({ reason }) => reason),
    [
      'there is no such row',
      'there is no such row',
      'there is no such table',
      'the values do not fit the table',
    ],
  )
  t.is((await pair.b.database.all('SELECT * FROM failure_log')).length, 4)
})

test('call records of a peer of the first version are taken, and carried over once', async (t) => {
  const pair = await Pair.make(t)
  pair.join()
  await pair.inStep()
  const call = ['s', '1', '2', 1, null, 3, 486, 'caller']
  await pair.a.database.run('INSERT INTO call_records VALUES (?, ?, ?, ?, ?, ?, ?, ?)', call)
  pair.a.sync.changed(pair.nowMs)
  await pair.inStep()
  const carried: CallRecord[] = []
  const adopt = async (records: readonly CallRecord[]) => carried.push(...records)
  t.is(await carryOver(pair.b.database, adopt), 1)
  t.is(await carryOver(pair.b.database, adopt), 0)
  t.like(carried[0], { sessionId: 's', caller: '1', called: '2', status: 486, endedBy: 'caller' })
})

test('a row that is missing on the standby: failure log, both nodes are told, and the rows are repaired', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  await pair.b.database.run("DELETE FROM accounts WHERE number IN ('2', '3')")
  // One is removed, the other changed: neither is there.
  const wanted = rowsOf({ accounts: [account('1'), account('2', 1)], positions: [] })
  await storeRows(pair.a.database, wanted)
  pair.a.sync.changed(pair.nowMs)
  await pair.inStep()
  const log = await readFailures(pair.b.database, 10)
  t.is(log.total, 2)
  t.deepEqual(log.failures.map(({ op, key, reason }) => `${op} ${key}: ${reason}`).sort(), [
    'delete 3: there is no such row',
    'update 2: there is no such row',
  ])
  for (const node of [pair.a, pair.b])
    t.deepEqual(node.failures.map(({ key }) => key).sort(), ['2', '3'])
  const [a, b] = await pair.digests()
  t.is(a, b)
})

test('a gap in the numbers starts a comparison, and nothing after the gap is done before', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  pair.a.sync.setRole('none', pair.nowMs)
  await storeRows(pair.a.database, rowsOf({ accounts: [account('7')] }))
  await pair.a.database.run('DELETE FROM sync_log WHERE seq = (SELECT max(seq) - 1 FROM sync_log)')
  pair.a.sync.setRole('primary', pair.nowMs)
  await pair.inStep()
  const [a, b] = await pair.digests()
  t.is(a, b)
  const results = await pair.b.database.all<{ source: string }>(
    "SELECT source FROM operation_log WHERE source <> 'repair'",
  )
  t.is(results.length, 0, 'all of it came by the comparison')
  t.is((await readLogCounts(pair.b.database)).failures, 0)
})

/** A site of several messages. */
const largeSite = (priority: number) =>
  rowsOf({ accounts: Array.from({ length: 400 }, (_, n) => account(`n${n}`, priority)) })

test('cut off at any message, the standby has all of a change or nothing of it', async (t) => {
  const pair = await Pair.make(t)
  pair.tickMs = 20
  await storeRows(pair.a.database, largeSite(1))
  pair.join()
  await pair.inStep()
  const before = (await pair.digests())[1]
  await storeRows(pair.a.database, largeSite(2))
  const after = (await pair.digests())[0]
  t.not(before, after)
  const seen = new Set<string>()
  for (let messages = 1; messages < 30; messages++) {
    pair.cutAfter = messages
    pair.a.sync.setRole('none', pair.nowMs)
    pair.a.sync.setRole('primary', pair.nowMs)
    await pair.a.sync.settled()
    const digest = (await pair.digests())[1]
    seen.add(digest)
    t.true(digest === before || digest === after, `after ${messages} messages`)
    if (digest === after) break
  }
  t.is(seen.size, 2, 'it was cut in the midst, and it came in the end')
})

test('cut off at any message, a repair and a pull are done whole or not at all', async (t) => {
  const pair = await Pair.make(t)
  pair.tickMs = 20
  await storeRows(pair.a.database, largeSite(1))
  pair.a.sync.setRole('primary', 0)
  pair.b.sync.setRole('standby', 0)
  const empty = (await pair.digests())[1]
  const full = (await pair.digests())[0]
  for (let messages = 1, done = false; !done && messages < 100; messages++) {
    pair.cutAfter = messages
    pair.a.sync.setRole('none', pair.nowMs)
    pair.a.sync.setRole('primary', pair.nowMs)
    await pair.a.sync.settled()
    const digest = (await pair.digests())[1]
    t.true(digest === empty || digest === full, `after ${messages} messages`)
    done = digest === full
  }
  t.is((await pair.digests())[1], full)
})

test('a database that was lost stays one that needs its peer, also after a restart', async (t) => {
  const pair = await Pair.make(t, { a: true })
  await setNeedsPeer(pair.a.database, true)
  await storeRows(pair.b.database, largeSite(1))
  const full = (await pair.digests())[1]
  const empty = (await pair.digests())[0]
  pair.tickMs = 20
  pair.b.sync.setRole('standby', 0)
  for (let messages = 1, done = false; !done && messages < 100; messages++) {
    pair.cutAfter = messages
    pair.a.sync.setRole('none', pair.nowMs)
    pair.a.sync.setRole('primary', pair.nowMs)
    await pair.a.sync.settled()
    const [digest, peer] = await pair.digests()
    t.is(peer, full, 'the rows of the standby are never removed')
    t.true(digest === empty || digest === full)
    done = digest === full
    t.is(await needsPeerOf(pair.a.database), !done)
  }
  t.false(pair.a.sync.needsPeer)
})

test('settings of the node itself cannot be reached by any message', async (t) => {
  const pair = await Pair.make(t)
  await storeRows(pair.a.database, threeAccounts)
  pair.join()
  await pair.inStep()
  const own = async () => [
    await pair.b.database.all('SELECT * FROM sync_state'),
    await pair.b.database.all('SELECT * FROM sync_positions'),
    await pair.b.database.all('SELECT type, name, sql FROM sqlite_schema ORDER BY name'),
    await pair.b.database.all('PRAGMA user_version'),
  ]
  const before = await own()
  const rows = await pair.digests()
  const tables = [
    'sync_state',
    'sync_positions',
    'sqlite_schema',
    'operation_log',
    'unknown_columns',
  ]
  const source = await sourceOf(pair.a.database)
  const part = { batch: 'x', part: 0, more: false }
  let ref = 1_000_000
  for (const table of [...tables, 'node', 'accounts; DROP TABLE accounts']) {
    const message = (value: object) =>
      pair.b.sync.receive({ kind: 'rows', ref: ref++, body: JSON.stringify(value) }, pair.nowMs)
    const step = { table, key: '1', row: { id: 1, source: 'evil', applying: 1 } }
    message({ op: 'repair', ...part, batch: `r${ref}`, settle: null, steps: [step] })
    message({ op: 'list', table, after: null })
    message({ op: 'fetch', table, keys: ['1'] })
    for (const op of ['insert', 'update', 'delete']) {
      const [last] = await pair.b.database.all<{ applied: number }>(
        'SELECT max(applied) AS applied FROM sync_positions',
      )
      const operations = [{ seq: (last?.applied ?? 0) + 1, table, op, key: '1', changed: step.row }]
      message({ op: 'apply', ...part, batch: `a${ref}`, source: 'evil', revision: 0, operations })
    }
  }
  await pair.b.sync.settled()
  t.deepEqual(await own(), before)
  t.deepEqual(await pair.digests(), rows)
  t.truthy(source)
  t.not(await sourceOf(pair.a.database), await sourceOf(pair.b.database))
})

test('columns that only the newer version knows stay with the row on the older node, and come back', async (t) => {
  const pair = await Pair.make(t)
  pair.join()
  await pair.inStep()
  const row = { ...account('1'), recording: 'always', volume: 7 }
  const steps = [{ table: 'accounts', key: '1', row }]
  pair.b.sync.receive(
    {
      kind: 'rows',
      ref: 5_000,
      body: JSON.stringify({ op: 'repair', batch: 'n', part: 0, more: false, settle: null, steps }),
    },
    pair.nowMs,
  )
  while ((await readShared(pair.b.database, 'accounts')).size === 0) await new Promise(setImmediate)
  t.deepEqual((await readShared(pair.b.database, 'accounts')).get('1'), row)
  // The older node serves now: it changes a column it knows, and gives the whole row on.
  pair.a.sync.setRole('standby', pair.nowMs)
  pair.b.sync.setRole('primary', pair.nowMs)
  await pair.inStep(pair.b)
  await storeRows(pair.b.database, rowsOf({ accounts: [account('1', 2)] }))
  pair.b.sync.changed(pair.nowMs)
  await pair.inStep(pair.b)
  t.deepEqual((await readShared(pair.a.database, 'accounts')).get('1'), { ...row, priority: 2 })
  const [a, b] = await pair.digests()
  t.is(a, b)
  // An empty value says what a missing column says, so that nothing is repaired for ever.
  t.is(
    sharedHash('accounts', { ...account('1'), added: '', more: 0 }),
    sharedHash('accounts', account('1')),
  )
  await storeRows(pair.b.database, rowsOf({}))
  pair.b.sync.changed(pair.nowMs)
  await pair.inStep(pair.b)
  t.is((await pair.a.database.all('SELECT * FROM unknown_columns')).length, 0)
})
