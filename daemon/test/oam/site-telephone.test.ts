//! What the site file says of the telephone services: profiles, groups, conferences, services, trunks.
import test, { type ExecutionContext } from 'ava'
import { openDatabase } from '../../src/database/open.ts'
import { readCoreData } from '../../src/database/read.ts'
import { readPlan } from '../../src/database/read-plan.ts'
import { diffSite } from '../../src/oam/site/diff.ts'
import {
  applySite,
  exportSite,
  getSite,
  parseSite,
  readSite,
  setSite,
} from '../../src/oam/site-config.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import { defaultProfile } from '../../src/tables/profile.ts'
import { example, parsed, realm } from './site-text.ts'

async function applied(t: ExecutionContext, text: string) {
  const { database } = await openDatabase(':memory:', 0)
  t.teardown(() => database.close())
  const done = await applySite(database, parsed(text))
  if (!done.ok) throw new Error(done.failure.detail)
  return database
}

test('the profile of an account is what the file says, and for the rest that of its type', async (t) => {
  const database = await applied(t, example)
  const { phoneBook } = await readCoreData(database)
  const profile = (number: string) => phoneBook.find((one) => one.number === number)?.profile
  const { rights, line, settings } = defaultProfile('position')
  t.deepEqual(profile('1001'), {
    rights: {
      ...rights,
      forceRelease: true,
      monitor: true,
      beMonitored: false,
      trunkClasses: ['outside'],
    },
    line: { ...line, noAnswerSeconds: 30, pickupGroup: 'tower' },
    settings: {
      doNotDisturb: false,
      forward: { ...settings.forward, noAnswer: '1002', notRegistered: '1002' },
    },
  })
  t.deepEqual(profile('gateway-1'), defaultProfile('gateway'))
})

test('the example is the plan of the core', async (t) => {
  const plan = await readPlan(await applied(t, example))
  t.deepEqual(
    plan.groups.map(({ name, number, mode, members }) => [name, number, mode, members]),
    [['tower', '1100', 'first', ['1001', '1002']]],
  )
  t.deepEqual(
    plan.conferences.map(({ name, kind, members, pinHash }) => [
      name,
      kind,
      members.length,
      pinHash,
    ]),
    [
      ['briefing', 'preset', 3, null],
      [
        'room-1',
        'meet-me',
        0,
        // SHA-256 of `room-1:4711`.
        '87094a49c650f0380c276f9ccac0a13aae39d3826fe5326f85aec62083e60847',
      ],
    ],
  )
  t.deepEqual(plan.conferences[0]?.members[2], { number: '2001', mayTalk: false, gainDb: -3 })
  t.deepEqual(plan.features, { ...emptyPlan.features, forceRelease: null })
  const [first, second, gateway] = plan.trunks
  t.deepEqual(first?.peer, { address: '192.168.7.5', port: 5060 })
  t.deepEqual(first?.outgoing, {
    called: [{ from: '7', to: '' }],
    caller: [{ from: '', to: '3' }],
  })
  t.is(second?.login?.peerRealm, 'centre-b.example')
  t.not(second?.login?.ha1Md5, second?.login?.peerHa1Md5)
  t.deepEqual([gateway?.peer, gateway?.account], [null, 'gateway-1'])
  t.deepEqual(
    plan.routes.map(({ pattern, class: service, trunks }) => [pattern, service, trunks]),
    [
      ['7XXXX', '', ['centre-b', 'centre-b-2']],
      ['0.', 'outside', ['public']],
    ],
  )
  t.deepEqual(plan.positions, [
    { position: 'TWR-1', displayName: 'Tower controller', role: 'executive', account: '1001' },
    { position: 'TWR-2', displayName: 'Tower assistant', role: 'assistant', account: '1002' },
  ])
})

test('a site that says nothing is the empty plan', async (t) => {
  t.deepEqual(await readPlan(await applied(t, '')), emptyPlan)
})

test('calls from a trunk may monitor only when the site says so', async (t) => {
  const before = await readPlan(await applied(t, example))
  t.deepEqual(
    before.trunks.map(({ monitor }) => monitor),
    [false, false, false],
  )
  const database = await applied(t, example.replace('monitor: false', 'monitor: true'))
  t.true((await readPlan(database)).trunks[0]?.monitor)
  const exported = await exportSite(database)
  t.true(exported.ok && parsed(exported.value).trunks['centre-b']?.monitor)
})

test('who is monitored hears a tone when the site says so', async (t) => {
  const database = await applied(t, 'tones: { monitoring: true }')
  t.true((await readPlan(database)).monitoringTone)
  const site = await readSite(database)
  t.deepEqual(site.ok && site.value.tones, {
    ...{ country: 'europe', monitoring: true, conference: true },
  })
})

test('who has no tones of his own is said so in the file, of every type', async (t) => {
  const site = `accounts:
  1: { password: x, line: { failureTones: true } }
  gw: { password: x, type: gateway }`
  const database = await applied(t, site)
  const { phoneBook } = await readCoreData(database)
  const tones = phoneBook.map(({ number, profile }) => [number, profile?.line.failureTones])
  t.deepEqual(tones, [
    ['1', true],
    ['gw', false],
  ])
  const exported = await exportSite(database)
  t.true(exported.ok && /failureTones: true/.test(exported.value))
  t.is(exported.ok && exported.value.match(/failureTones/g)?.length, 1)
})

const account = 'accounts: { 1: { password: x } }\n'
const wrong: [string, string][] = [
  ['accounts:\n  1: { password: x, rights: { fly: true } }', '2:31: accounts.1.rights.fly: is not'],
  ['accounts:\n  1: { password: x, line: { contacts: 6 } }', '2:39: accounts.1.line.contacts: '],
  [
    'accounts:\n  1: { password: x, forward: { soon: 2 } }',
    '2:32: accounts.1.forward.soon: is not',
  ],
  [
    `${account}groups: { g: { number: 1, members: [1] } }`,
    '2:24: groups.g.number: 1 is the number of account 1',
  ],
  [
    `${account}conferences: { c: { number: "*8" } }`,
    '1:1: features.pickup: *8 is the number of conference c',
  ],
  ['conferences: { c: { number: 5, kind: preset } }', '1:19: conferences.c: a preset conference'],
  ['conferences: { c: { number: 5, pin: 12 } }', '1:37: conferences.c.pin: must be 3 to 16 digits'],
  [
    'conferences: { c: { number: 5, membersMax: 33 } }',
    '1:44: conferences.c.membersMax: must be at most 32',
  ],
  [
    'features: { pickup: "*1", intrude: "*1" }',
    '1:36: features.intrude: *1 is the number of service pickup',
  ],
  ['features: { dance: "*1" }', '1:13: features.dance: is not a known key'],
  ['tones: { country: atlantis }', '1:19: tones.country: '],
  ['trunks: { t: {} }', '1:14: trunks.t: needs either address or account'],
  ['trunks: { t: { account: 5 } }', '1:25: trunks.t.account: 5 is not in accounts'],
  [
    'trunks: { t: { address: 192.0.2.1, trust: digest } }',
    '1:14: trunks.t: trust: digest needs a login',
  ],
  ['routes: { r: { pattern: 7, trunks: [t] } }', '1:37: routes.r.trunks.0: t is not in trunks'],
  ['routes: { r: { pattern: 7a, trunks: [t] } }', '1:25: routes.r.pattern: must be digits or X'],
]
for (const [text, expected] of wrong) {
  test(`refused with line and column: ${JSON.stringify(text)}`, (t) => {
    const site = parseSite(text, realm)
    if (site.ok) return t.fail()
    t.true(site.failure.detail.startsWith(expected), site.failure.detail)
  })
}

test('what users have set stays when the file does not name it, and goes when it does', async (t) => {
  const set = 'accounts: { 1: { password: x, doNotDisturb: true, forward: { busy: 2 } } }'
  const database = await applied(t, set)
  const current = await readSite(database)
  if (!current.ok) return t.fail()
  const silent = parsed(account)
  t.deepEqual(await diffSite(current.value, silent), [])
  t.deepEqual(await applySite(database, silent), { ok: true, value: 0 })
  const named = parsed('accounts: { 1: { password: x, forward: {} } }')
  const changes = await diffSite(current.value, named)
  t.deepEqual(
    changes.map(({ path, before, after }) => [path, before, after]),
    [['accounts.1.forward.busy', '2', null]],
  )
  await applySite(database, named)
  const { phoneBook } = await readCoreData(database)
  t.deepEqual(phoneBook[0]?.profile?.settings, {
    ...defaultProfile('telephone').settings,
    doNotDisturb: true,
  })
})

test('an export brings back what was set when it was made', async (t) => {
  const database = await applied(t, account)
  const backup = await exportSite(database)
  if (!backup.ok) return t.fail()
  await database.run("UPDATE accounts SET do_not_disturb = 'yes', forward_always = '9'")
  const current = await readSite(database)
  if (!current.ok) return t.fail()
  const changes = await diffSite(current.value, parsed(backup.value))
  t.deepEqual(
    changes.map(({ path }) => path),
    ['accounts.1.doNotDisturb', 'accounts.1.forward.always'],
  )
})

test('hashes of passwords and PINs are in the export only', async (t) => {
  const database = await applied(t, example)
  const site = await readSite(database)
  const exported = await exportSite(database)
  if (!site.ok || !exported.ok) return t.fail()
  t.notRegex(exported.value, /change-me|4711/)
  t.regex(exported.value, /pinHash: [0-9a-f]{64}/)
  const hash = /[0-9a-f]{32}/
  for (const path of ['accounts', 'accounts.1001', 'accounts.1001.ha1', 'conferences.room-1']) {
    const value = getSite(site.value, path)
    t.notRegex(JSON.stringify(value), hash, path)
  }
  t.notRegex(JSON.stringify(getSite(site.value, 'trunks.centre-b-2.login.peerHa1.md5')), hash)
  t.notRegex(JSON.stringify(await diffSite(parsed(''), site.value)), hash)
})

test('passwords of trunks and PINs are set by their path', (t) => {
  const site = parsed(example)
  const pin = setSite(site, { path: 'conferences.room-1.pin', value: 815 }, realm)
  t.true(pin.ok && pin.value.conferences['room-1']?.pinHash !== site.conferences['room-1']?.pinHash)
  const same = setSite(site, { path: 'conferences.room-1.pin', value: '4711' }, realm)
  t.deepEqual(same.ok && same.value, site)
  const path = 'trunks.centre-b-2.login.password'
  const password = setSite(site, { path, value: 'other' }, realm)
  const before = site.trunks['centre-b-2']?.login
  const after = password.ok ? password.value.trunks['centre-b-2']?.login : null
  t.not(after?.ha1.md5, before?.ha1.md5)
  t.not(after?.peerHa1.sha256, before?.peerHa1.sha256)
  const again = setSite(site, { path, value: 'change-me-trunk' }, realm)
  t.deepEqual(again.ok && again.value, site)
  const open = setSite(site, { path: 'conferences.room-1.pinHash', value: null }, realm)
  t.is(open.ok && open.value.conferences['room-1']?.pinHash, null)
})
