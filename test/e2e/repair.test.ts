//! Two nodes that no longer hold the same: a record in the memory of the standby, and rows of its database.
//! Each difference is found, told and repaired while a call goes on.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { stringify } from 'yaml'
import type { ResultOf } from '../../daemon/src/control/api.ts'
import { Lab } from '../../scripts/lab.ts'
import type { LabNode } from '../../scripts/lab-node.ts'
import { labUsers } from '../../scripts/lab-site.ts'
import { until } from '../../scripts/waiting.ts'
import { lostIn, type PhonePair, putDown, registerPhones, talk } from './call.ts'

const damageProgram = join(import.meta.dirname, '../../scripts/net/damage-record.ts')
/** The first two are telephones. */
const users = labUsers(1001, 6)
let lab: Lab
let pair: PhonePair

test.before(async () => {
  lab = await Lab.start({ members: ['p1', 'p2'], users })
  pair = await registerPhones(lab)
})

test.after.always(async () => {
  await lab?.close()
})

/** As a faulty memory would change it: nothing else of the node knows. */
async function damageRecord(node: LabNode, user: string, fields: object): Promise<void> {
  const { units } = await node.opinion()
  const pid = units.find(({ unit }) => unit === 'switch')?.pid
  const order = [damageProgram, String(pid), 'user', user, JSON.stringify(fields)]
  const done = lab.network.exec(node.node, [process.execPath, ...order])
  if (done.trim() !== 'true') throw new Error(`no record of ${user}: ${done}`)
}

async function contactOf(node: LabNode, name: string): Promise<string | null | undefined> {
  const { users: known } = await node.ask('users', {})
  return known.find(({ user }) => user === name)?.contact
}

test.serial(
  'a record that changed in the memory of the standby is right within a period',
  async (t) => {
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    await talk(pair)
    const phone = await lab.capture('p1')
    await delay(500)
    const fromMs = Date.now()
    const right = await contactOf(standby, '1001')
    t.is(right, await contactOf(primary, '1001'))
    const before = (await standby.ask('sync.status', {})).realTime
    t.is(before.damaged, 0)
    await damageRecord(standby, '1001', { contact: 'sip:nobody@192.0.2.1' })
    const { compared } = (await standby.ask('sync.status', {})).realTime
    const found = await until(
      async () => {
        const { realTime } = await standby.ask('sync.status', {})
        return realTime.damaged > 0 && realTime
      },
      { what: 'record found damaged', everyMs: 10 },
    )
    // The walk over the memory takes as long as it is from one comparison of the hashes to the next.
    t.true(found.compared - compared <= 1, `${found.compared - compared} comparisons`)
    await until(async () => (await contactOf(standby, '1001')) === right, { what: 'right record' })
    t.is((await standby.ask('sync.status', {})).realTime.damaged, 1)
    t.is(await contactOf(primary, '1001'), right, 'the primary has not changed')
    t.is((await standby.cli('sync', 'verify')).exitCode, 0)
    t.regex((await standby.cli('sync', 'status')).output, /1 record damaged/)
    const toMs = Date.now()
    await putDown(pair.caller, pair)
    const address = lab.network.address('p1')
    t.is(lostIn(await phone.stop(), address, { fromMs, toMs: toMs - 200 }), 0)
  },
)

/** Behind the back of the daemon, as a fault of the disk would. */
function removeRows(node: LabNode, ...accounts: readonly string[]): void {
  const database = new DatabaseSync(node.databaseFile, { timeout: 5_000 })
  database.exec('BEGIN IMMEDIATE; UPDATE sync_state SET applying = 1')
  for (const account of accounts) {
    database.prepare('DELETE FROM accounts WHERE number = ?').run(account)
  }
  database.exec('UPDATE sync_state SET applying = 0; COMMIT')
  database.close()
}

async function json<V extends 'sync-db' | 'sync.verify' | 'sync.failures'>(
  node: LabNode,
  ...args: readonly string[]
): Promise<ResultOf<V> & { code: number }> {
  const { exitCode, output } = await node.cli(...args, '--json')
  return { ...(JSON.parse(output.slice(output.indexOf('{'))) as ResultOf<V>), code: exitCode }
}

test.serial('rows that the standby has lost are shown, and written by sync-db', async (t) => {
  const primary = await lab.inStep()
  const standby = lab.other(primary)
  t.is((await primary.cli('sync', 'verify')).exitCode, 0)
  removeRows(standby, '1005', '1006')
  const verified = await json<'sync.verify'>(primary, 'sync', 'verify')
  t.is(verified.code, 8)
  t.deepEqual(
    verified.staticData.map(({ table, onlyHere }) => [table, onlyHere]),
    [['accounts', 2]],
  )
  const planned = await json<'sync-db'>(standby, 'sync-db', '--dry-run')
  t.deepEqual([planned.code, planned.differences, planned.to], [8, 2, standby.name])
  const [accounts] = planned.tables
  t.deepEqual(accounts?.rows, [
    { key: '1005', found: 'only-here' },
    { key: '1006', found: 'only-here' },
  ])
  const repaired = await primary.cli('sync-db', '--yes')
  t.is(repaired.exitCode, 0, repaired.output)
  t.regex(repaired.output, /2 rows repaired, 0 failed/)
  t.regex(repaired.output, new RegExp(`accounts +1005 +written at ${standby.name}`))
  t.is((await standby.cli('sync', 'verify')).exitCode, 0)
  t.is((await json<'sync.failures'>(standby, 'sync', 'failures')).total, 0)
})

test.serial(
  'a row to remove that is not there: failure log, alarm on both nodes, repair',
  async (t) => {
    const primary = await lab.inStep()
    const standby = lab.other(primary)
    removeRows(standby, '1004')
    const accounts = users
      .filter(({ user }) => user !== '1004')
      .map(({ user, ...account }) => [user, account])
    const site = stringify({ accounts: Object.fromEntries(accounts) })
    const { applied } = await primary.ask('config.apply', { text: site })
    t.true(applied)
    const failed = await until(
      async () => {
        const log = await json<'sync.failures'>(standby, 'sync', 'failures')
        return log.total > 0 && log
      },
      { what: 'the failure log' },
    )
    t.deepEqual(
      failed.failures.map(({ op, table, key, reason }) => [op, table, key, reason]),
      [['delete', 'accounts', '1004', 'there is no such row']],
    )
    for (const node of [primary, standby]) {
      await until(
        async () => {
          const { active } = await node.ask('alarms', {})
          return active.some(({ code }) => code === 'row-sync-failed')
        },
        { what: `alarm on ${node.name}` },
      )
    }
    await until(async () => (await primary.cli('sync', 'verify')).exitCode === 0, {
      what: 'repair',
    })
    t.regex(
      (await primary.cli('sync', 'failures', '--node', 'peer')).output,
      /delete accounts 1004/,
    )
  },
)
