//! The site file.
import test from 'ava'
import { openDatabase } from '../../src/database/open.ts'
import { readCoreData } from '../../src/database/read.ts'
import { diffSite } from '../../src/oam/site/diff.ts'
import {
  applySite,
  checkSite,
  exportSite,
  getSite,
  parseSite,
  readSite,
  setSite,
} from '../../src/oam/site-config.ts'
import { example, parsed, realm } from './site-text.ts'

test('the example is applied, read by the core, exported and applied again without a change', async (t) => {
  const { database } = await openDatabase(':memory:', 0)
  t.teardown(() => database.close())
  const site = parsed(example)
  t.true((await applySite(database, site)).ok)
  const core = await readCoreData(database)
  t.is(core.phoneBook.length, 5)
  t.deepEqual(core.positions, ['TWR-1', 'TWR-2'])
  const exported = await exportSite(database)
  if (!exported.ok) return t.fail()
  t.false(exported.value.includes('change-me'))
  t.deepEqual(await diffSite(parsed(exported.value), site), [])
  t.deepEqual(await diffSite(site, parsed(exported.value)), [])
  t.deepEqual(await applySite(database, parsed(exported.value)), { ok: true, value: 0 })
  const read = await readSite(database)
  t.deepEqual(read.ok && (await diffSite(read.value, site)), [])
})

test('passwords become HA1 (RFC 7616 3.9.1)', (t) => {
  const text = 'accounts: { Mufasa: { password: Circle of Life } }'
  const site = parseSite(text, 'http-auth@example.org')
  t.deepEqual(site.ok && site.value.accounts.Mufasa?.ha1, {
    md5: '3d78807defe7de2157e2b0b6573a855f',
    sha256: '7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232',
  })
})

test('numbers are kept as they were written', (t) => {
  const site = parsed(`accounts: { 0012: { password: 0034 }, 12: { password: x, name: 7 } }
radios: { R: { account: 0012, frequency: 121.500 } }`)
  t.deepEqual(Object.keys(site.accounts).sort(), ['0012', '12'])
  t.is(site.radios.R?.frequency, '121.500')
  t.is(site.accounts['12']?.name, '7')
  t.is(
    site.accounts['0012']?.ha1.md5,
    parsed('accounts: { "0012": { password: "0034" } }').accounts['0012']?.ha1.md5,
  )
})

const wrong: [string, string][] = [
  ['accounts: [', '1:12: '],
  ['acounts: {}', '1:1: acounts: is not a known key'],
  ['accounts:\n  "1": { password: x, colour: red }', '2:23: accounts.1.colour: is not a known key'],
  ['accounts:\n  "1": { password: x, priority: 9 }', '2:33: accounts.1.priority: '],
  ['accounts:\n  "1": {}', '2:8: accounts.1: needs either password or ha1'],
  ['accounts:\n  "1 2": { password: x }', '2:3: accounts.1 2: must be one word'],
  ['positions:\n  P:\n    account: "5"', '3:14: positions.P.account: 5 is not in accounts'],
  [
    'accounts: { 1: { password: x } }\ngroups: { g: { members: [1, 1] } }',
    '2:29: groups.g.members.1: 1 is named twice',
  ],
  ['servers: { a: { address: nowhere } }', '1:26: servers.a.address: '],
  ['a: 1\na: 2', '2:1: '],
  ['accounts: 7', '1:11: accounts: '],
]

for (const [text, expected] of wrong) {
  test(`refused with line and column: ${JSON.stringify(text)}`, (t) => {
    const site = parseSite(text, realm)
    if (site.ok) return t.fail()
    t.true(site.failure.detail.startsWith(expected), site.failure.detail)
  })
}

test('all problems are told at once, in the order of the file', (t) => {
  const { problems } = checkSite(
    'accounts:\n  "1": { password: x, priority: 9 }\nfoo: 1\nbar: 2',
    realm,
  )
  t.deepEqual(
    problems.map(({ line, path }) => [line, path]),
    [
      [2, 'accounts.1.priority'],
      [3, 'foo'],
      [4, 'bar'],
    ],
  )
})

test('an empty file is an empty site', (t) => {
  t.deepEqual(Object.keys(parsed('').accounts), [])
})

test('differences have a path, the value before and the value after', async (t) => {
  const before = parsed('accounts: { 1: { password: x }, 2: { password: y } }')
  const after = parsed(
    'accounts: { 1: { password: x, priority: 1 } }\nphoneBook: { 9: { name: N } }',
  )
  t.deepEqual(
    (await diffSite(before, after)).map(({ kind, path, before, after }) => {
      return [kind, path, typeof before === 'object' ? before !== null : before, after]
    }),
    [
      ['changed', 'accounts.1.priority', 4, 1],
      ['removed', 'accounts.2', true, null],
      ['added', 'phoneBook.9', false, { name: 'N' }],
    ],
  )
})

test('a difference never shows an HA1', async (t) => {
  const before = parsed('accounts: { 1: { password: x }, 2: { password: y } }')
  const after = parsed('accounts: { 1: { password: z }, 3: { password: w } }')
  const changes = await diffSite(before, after)
  t.deepEqual(
    changes.map(({ path }) => path),
    ['accounts.1.ha1.md5', 'accounts.1.ha1.sha256', 'accounts.2', 'accounts.3'],
  )
  t.notRegex(JSON.stringify(changes), /[0-9a-f]{32}/)
  t.notRegex(JSON.stringify(await diffSite(parsed(''), after)), /[0-9a-f]{32}/)
})

test('single values are read and set by their path', (t) => {
  const site = parsed('accounts: { 1001: { password: x, name: N } }')
  t.deepEqual(getSite(site, 'accounts.1001.name'), { ok: true, value: 'N' })
  t.false(getSite(site, 'accounts.1001.nothing').ok)
  t.false(getSite(site, 'accounts.__proto__').ok)
  const set = setSite(site, { path: 'accounts.1001.priority', value: 2 }, realm)
  t.is(set.ok && set.value.accounts['1001']?.priority, 2)
  t.is(site.accounts['1001']?.priority, 4)
  const same = setSite(site, { path: 'accounts.1001.password', value: 'x' }, realm)
  t.deepEqual(same.ok && same.value, site)
  const added = setSite(site, { path: 'accounts.1002', value: { password: 'y' } }, realm)
  t.is(added.ok && Object.keys(added.value.accounts).length, 2)
  const removed = setSite(site, { path: 'accounts.1001', value: null }, realm)
  t.deepEqual(removed.ok && removed.value.accounts, {})
  for (const [path, value] of [
    ['accounts.1001.priority', 7],
    ['accounts.9999.priority', 1],
    ['accounts.1001.colour', 'red'],
    ['__proto__.polluted', 1],
    ['accounts.1001.ha1', null],
  ] as const) {
    t.false(setSite(site, { path, value }, realm).ok, path)
  }
})
