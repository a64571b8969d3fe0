//! The chain of S1.151: a changed parameter is stored, read into the core and sent to the peer, as one.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Alarms } from '../../src/compose/alarms.ts'
import { Configuration } from '../../src/compose/configuration.ts'
import { makeLogHub } from '../../src/compose/log-hub.ts'
import { revisionOf } from '../../src/database/store.ts'
import { parseNodeConfig } from '../../src/oam/node-config-load.ts'
import { diffSite } from '../../src/oam/site/diff.ts'
import { exportSite, parseSite } from '../../src/oam/site-config.ts'
import { monotonicMs, systemClock } from '../../src/platform/clock.ts'
import type { Log } from '../../src/platform/log.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import { type Profile, profileOf } from '../../src/tables/profile.ts'
import { Tables } from '../../src/tables/tables.ts'

const nodeFile = `node: vccs-a
site: tower
links: [{ name: net-a, own: 127.8.1.1, peer: 127.8.1.2 }]
pair: { keyFile: pair.key }
service: { address: 127.8.9.1, interface: lo }
`
const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
  flush: () => undefined,
}

async function open(
  t: ExecutionContext,
  directory: string,
  change: (apply: () => void) => void = (apply) => apply(),
  unconfirmed: () => number = () => 0,
) {
  const parsed = parseNodeConfig(nodeFile)
  if (!parsed.ok) throw new Error(parsed.failure.detail)
  const log = makeLogHub(silent)
  const tables = new Tables()
  const alarms = new Alarms(log, systemClock)
  const plan = { value: emptyPlan }
  const wire: { peer: Configuration | null } = { peer: null }
  const configuration = new Configuration({
    config: { ...parsed.value, database: join(directory, 'vccs.db') },
    tables,
    alarms,
    log,
    sendRows: (rows) => setImmediate(() => wire.peer?.rows(rows)),
    change,
    unconfirmed,
    plan: (next) => {
      plan.value = next
    },
  })
  await configuration.open()
  t.teardown(() => configuration.close())
  return { configuration, tables, wire, log, alarms, plan }
}

function directoryOf(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-configuration-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

const siteText = `accounts:
  1001: { password: x, priority: 1, twin: false }
  1002: { password: y }
positions: { TWR-1: { account: 1001 } }
`

async function apply(configuration: Configuration, text: string, from?: number): Promise<number> {
  const revision = from ?? (await revisionOf(configuration.database))
  const current = await configuration.site()
  const wanted = parseSite(text, configuration.realm)
  if (!current.ok || !wanted.ok) throw new Error('the site is not readable')
  const applied = await configuration.apply(
    wanted.value,
    await diffSite(current.value, wanted.value),
    revision,
  )
  if (!applied.ok) throw new Error(applied.failure.detail)
  return applied.value.revision
}

/** Both databases have equal rows; the clock goes on for what is sent again. */
function isSame(one: Configuration, other: Configuration): boolean {
  for (const configuration of [one, other]) configuration.advance(monotonicMs())
  return one.state.hash === other.state.hash
}

/** Both had the site; then the first one serves without the second. */
async function servingAlone(t: ExecutionContext) {
  const first = await open(t, directoryOf(t))
  const second = await open(t, directoryOf(t))
  first.wire.peer = second.configuration
  second.wire.peer = first.configuration
  second.configuration.setPair('standby', true)
  first.configuration.setPair('primary', true)
  await apply(first.configuration, siteText)
  await until(() => isSame(first.configuration, second.configuration))
  second.configuration.setPair('standby', false)
  first.configuration.setPair('primary', false)
  return { first, second }
}

test('one change is stored, in the core, on the peer, and one line of the log', async (t) => {
  const { configuration, tables, wire, log } = await open(t, directoryOf(t))
  const peer = await open(t, directoryOf(t))
  wire.peer = peer.configuration
  peer.wire.peer = configuration
  peer.configuration.setPair('standby', true)
  configuration.setPair('primary', true)
  await apply(configuration, 'accounts: { 1: { password: first } }')
  await until(() => isSame(configuration, peer.configuration))
  const revision = await apply(configuration, siteText)
  t.like(tables.table('phone-book').get('1001'), { priority: 1, twin: false })
  t.deepEqual([...tables.table('position').keys()], ['TWR-1'])
  await until(() => isSame(configuration, peer.configuration))
  const lines = log.tail.last({ lines: 50, level: 'info' })
  const changes = lines.filter(({ text }) => text === 'configuration changed')
  const paths = ['accounts.1', 'accounts.1001', 'accounts.1002', 'positions.TWR-1']
  t.deepEqual(changes.at(-1)?.fields, { revision, changes: 4, paths: JSON.stringify(paths) })
  await apply(configuration, 'accounts: { 1002: { password: y } }')
  t.deepEqual([...tables.table('phone-book').keys()], ['1002'], 'what is not in the file goes')
  t.is(tables.table('position').size, 0)
})

test('what the other node changed while it served alone comes into the core here; a clash of both is an alarm', async (t) => {
  const { first, second } = await servingAlone(t)
  await apply(
    first.configuration,
    `${siteText}groups: { tower: { number: 1005, members: [1001] } }`,
  )
  first.configuration.setPair('standby', false)
  second.configuration.setPair('primary', false)
  await apply(
    second.configuration,
    siteText.replace('positions', '  1005: { password: z }\npositions'),
  )
  first.configuration.setPair('standby', true)
  second.configuration.setPair('primary', true)
  const raised = () => second.alarms.list.active().find(({ code }) => code === 'row-sync-failed')
  await until(() => isSame(first.configuration, second.configuration) && raised() !== undefined)
  t.regex(raised()?.detail ?? '', /changes of both nodes: .*1005/)
  t.true(second.tables.table('phone-book').has('1005'))
  t.deepEqual(
    second.plan.value.groups.map(({ name }) => name),
    ['tower'],
  )
})

test('what users have set while the other node served alone stays', async (t) => {
  const { first, second } = await servingAlone(t)
  setByUser(first.tables, '1001', { doNotDisturb: true })
  await until(() => !first.configuration.isStoring)
  first.configuration.setPair('standby', false)
  second.configuration.setPair('primary', false)
  await until(() => second.tables.table('phone-book').size === 2)
  first.configuration.setPair('standby', true)
  second.configuration.setPair('primary', true)
  await until(() => isSame(first.configuration, second.configuration))
  await until(() => !second.configuration.isStoring)
  const disturbed = () => {
    const entry = second.tables.table('phone-book').get('1001')
    return entry === undefined || !profileOf(entry).settings.doNotDisturb
  }
  await until(() => !disturbed())
  t.regex(await exported(second.configuration), /doNotDisturb: true/)
})

test('both have stored the same setting: no alarm, and one revision', async (t) => {
  const { first, second } = await servingAlone(t)
  setByUser(first.tables, '1001', { doNotDisturb: true })
  await until(() => !first.configuration.isStoring)
  first.configuration.setPair('standby', false)
  // The record came to it before its node died, the row did not.
  for (const entry of first.tables.table('phone-book').values()) {
    second.tables.table('phone-book').put(entry)
  }
  second.configuration.setPair('primary', false)
  first.configuration.setPair('standby', true)
  second.configuration.setPair('primary', true)
  await until(() => isSame(first.configuration, second.configuration))
  await until(() => first.configuration.state.revision === second.configuration.state.revision)
  for (const { alarms, configuration } of [first, second]) {
    t.deepEqual(alarms.list.active(), [])
    t.regex(await exported(configuration), /doNotDisturb: true/)
  }
})

test('a change of the site is refused when this node serves no more, or the other one has changed it', async (t) => {
  const { configuration, alarms } = await open(t, directoryOf(t))
  configuration.setPair('primary', false)
  await apply(configuration, siteText)
  const before = await exported(configuration)
  const change = apply(configuration, 'accounts: { 7: { password: x } }')
  await new Promise((resolve) => setImmediate(resolve))
  configuration.setPair('standby', true)
  await t.throwsAsync(change, { message: /does not serve/ })
  configuration.setPair('primary', false)
  const late = apply(configuration, 'accounts: { 7: { password: x } }', 0)
  await t.throwsAsync(late, { message: /changed meanwhile/ })
  t.deepEqual(alarms.list.active(), [])
  t.is(await exported(configuration), before)
})

test('a node that starts reads its database and its node file into the core', async (t) => {
  const directory = directoryOf(t)
  const first = await open(t, directory)
  first.configuration.setPair('primary', false)
  await apply(first.configuration, siteText)
  await first.configuration.close()
  const second = await open(t, directory)
  t.is(second.configuration.state.revision, 1)
  t.is(second.configuration.realm, 'tower')
  t.is(second.tables.table('phone-book').size, 0, 'a standby gets them from the primary')
  second.configuration.setPair('primary', false)
  await until(() => second.tables.table('phone-book').size > 0)
  t.deepEqual([...second.tables.table('phone-book').keys()].sort(), ['1001', '1002'])
  t.deepEqual([...second.tables.table('position').keys()], ['TWR-1'])
})

test('a database that cannot be read at a take-over is an alarm and leaves the tables', async (t) => {
  const { configuration, tables, alarms } = await open(t, directoryOf(t))
  configuration.setPair('primary', false)
  await apply(configuration, siteText)
  configuration.setPair('standby', false)
  await configuration.database.run('ALTER TABLE accounts RENAME TO lost')
  configuration.setPair('primary', false)
  await until(() => alarms.list.active().some(({ code }) => code === 'database-failed'))
  t.true(tables.table('phone-book').has('1001'))
  await configuration.database.run('ALTER TABLE lost RENAME TO accounts')
})

test('a long phone book comes into the core in parts, and the newest change stays', async (t) => {
  let turns = 0
  const { configuration, tables } = await open(t, directoryOf(t), (apply) => {
    turns++
    apply()
  })
  configuration.setPair('primary', false)
  const site = (count: number) => {
    const numbers = Array.from({ length: count }, (_, index) => 2_000 + index)
    return `accounts:\n${numbers.map((number) => `  ${number}: { password: x }\n`).join('')}`
  }
  const long = apply(configuration, site(450))
  await until(() => tables.table('phone-book').size > 0)
  await Promise.all([long, apply(configuration, site(3))])
  await apply(configuration, site(450))
  turns = 0
  await apply(configuration, site(5))
  t.true(turns > 1)
  t.deepEqual([...tables.table('phone-book').keys()].sort(), [
    '2000',
    '2001',
    '2002',
    '2003',
    '2004',
  ])
})

test('the next part of a long phone book waits until the standby has confirmed the one before', async (t) => {
  let turns = 0
  let unconfirmed = 0
  const asked: number[] = []
  const { configuration, tables } = await open(
    t,
    directoryOf(t),
    (apply) => {
      t.is(unconfirmed, 0, 'nothing comes on top of what is under way')
      turns++
      apply()
      unconfirmed = 2
    },
    () => {
      asked.push(unconfirmed)
      unconfirmed = Math.max(0, unconfirmed - 1)
      return unconfirmed
    },
  )
  configuration.setPair('primary', true)
  const accounts = Array.from(
    { length: 200 },
    (_, index) => `  ${2_000 + index}: { password: x }\n`,
  )
  await apply(configuration, `accounts:\n${accounts.join('')}`)
  t.is(tables.table('phone-book').size, 200)
  t.true(turns > 3)
  t.true(asked.length >= 2 * (turns - 1))
})

test('the peer is not waited for when it has gone', async (t) => {
  const { configuration, tables } = await open(t, directoryOf(t), undefined, () => 1)
  configuration.setPair('primary', false)
  await apply(configuration, siteText)
  t.is(tables.table('phone-book').size, 2)
})

/** As a service of the core does. */
function setByUser(tables: Tables, number: string, patch: Partial<Profile['settings']>): void {
  const book = tables.table('phone-book')
  const entry = book.get(number)
  if (entry === undefined) throw new Error(`${number} is no account`)
  const profile = profileOf(entry)
  book.put({ ...entry, profile: { ...profile, settings: { ...profile.settings, ...patch } } })
}

async function exported(configuration: Configuration): Promise<string> {
  const text = await exportSite(configuration.database)
  if (!text.ok) throw new Error(text.failure.detail)
  return text.value
}

test('what a user sets is stored, goes to the peer, is exported, and survives both nodes', async (t) => {
  const [directory, other] = [directoryOf(t), directoryOf(t)]
  const { configuration, tables, wire } = await open(t, directory)
  const peer = await open(t, other)
  wire.peer = peer.configuration
  peer.wire.peer = configuration
  peer.configuration.setPair('standby', true)
  configuration.setPair('primary', true)
  await apply(configuration, siteText)
  const forward = { ...profileOf({ type: 'telephone', profile: null }).settings.forward, busy: '7' }
  setByUser(tables, '1001', { doNotDisturb: true })
  setByUser(tables, '1001', { forward })
  await until(() => configuration.state.hash !== peer.configuration.state.hash)
  await until(() => isSame(configuration, peer.configuration))
  for (const one of [configuration, peer.configuration]) {
    const text = await exported(one)
    t.regex(text, /doNotDisturb: true\n\s+forward:\n\s+busy: "7"/)
  }
  await configuration.close()
  await peer.configuration.close()
  for (const one of [directory, other]) {
    const again = await open(t, one)
    again.configuration.setPair('primary', false)
    await until(() => again.tables.table('phone-book').has('1001'))
    const { settings } = profileOf(again.tables.table('phone-book').get('1001') ?? t.fail())
    t.deepEqual(settings, { doNotDisturb: true, forward })
  }
})

test('a take-over keeps what users have set although its row has not come', async (t) => {
  const { configuration, tables } = await open(t, directoryOf(t))
  configuration.setPair('primary', false)
  await apply(configuration, siteText)
  configuration.setPair('standby', true)
  setByUser(tables, '1001', { doNotDisturb: true })
  t.notRegex(await exported(configuration), /doNotDisturb: true/)
  configuration.setPair('primary', false)
  for (let text = ''; !text.includes('doNotDisturb: true'); ) text = await exported(configuration)
  t.true(profileOf(tables.table('phone-book').get('1001') ?? t.fail()).settings.doNotDisturb)
})

test('a file that names a setting changes it, one that does not leaves it, and says so before', async (t) => {
  const { configuration, tables } = await open(t, directoryOf(t))
  configuration.setPair('primary', false)
  await apply(configuration, siteText)
  setByUser(tables, '1001', { doNotDisturb: true })
  const disturbed = () =>
    profileOf(tables.table('phone-book').get('1001') ?? t.fail()).settings.doNotDisturb
  await apply(configuration, siteText.replace('priority: 1', 'priority: 2'))
  t.is(tables.table('phone-book').get('1001')?.priority, 2)
  t.true(disturbed())
  await until(() => !configuration.isStoring)
  const current = await configuration.site()
  const named = siteText.replace('priority: 1', 'priority: 2, doNotDisturb: false')
  const wanted = parseSite(named, configuration.realm)
  if (!current.ok || !wanted.ok) return t.fail()
  t.deepEqual(
    (await diffSite(current.value, wanted.value)).map(({ path, after }) => [path, after]),
    [['accounts.1001.doNotDisturb', false]],
  )
  await apply(configuration, named)
  t.false(disturbed())
})

test('the plan of the core follows the site on both nodes', async (t) => {
  const { configuration, wire, plan } = await open(t, directoryOf(t))
  const peer = await open(t, directoryOf(t))
  t.deepEqual(plan.value, emptyPlan)
  wire.peer = peer.configuration
  peer.wire.peer = configuration
  peer.configuration.setPair('standby', true)
  configuration.setPair('primary', true)
  await apply(configuration, `${siteText}groups: { all: { number: 11, members: [1001, 1002] } }`)
  t.is(plan.value.groups[0]?.number, '11')
  await until(() => isSame(configuration, peer.configuration))
  await until(() => peer.plan.value.groups.length > 0)
  t.deepEqual(peer.plan.value, plan.value)
})
