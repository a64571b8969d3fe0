//! The state beacon: encoded, read back, forged, mutated, and judged by its grammar and by its XSD.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { type Beacon, decodeBeacon, encodeBeacon, sealDocument } from '../../src/wire/beacon.ts'
import { beaconFault, plainNodes } from '../../src/wire/beacon-grammar.ts'
import { readXml } from '../../src/wire/xml-read.ts'

const key = new Uint8Array(32).fill(7)

const beacon: Beacon = {
  site: 'tower',
  node: 'vccs-a',
  boot: '0123456789abcdef',
  sequence: 12,
  sentAt: '2026-03-14T12:31:02.118Z',
  periodMs: 2_000,
  role: 'primary',
  alone: false,
  term: 17,
  peer: { node: 'vccs-b', role: 'standby', term: 17, heardMsAgo: 84.25 },
  links: [
    { name: 'net-a', state: 'up', heardMsAgo: 12, rttMs: 0.4 },
    { name: 'net-b', state: 'down', heardMsAgo: null, rttMs: null },
  ],
  sync: { inStep: true, pending: 0 },
  service: { calls: 12, usersOnline: 30, users: 31 },
  alarms: { critical: 0, urgent: 1, notUrgent: 0, informative: 0 },
  extension: [{ name: 'room', attributes: new Map(), children: ['Tower & <annex>'] }],
}

const documentOf = (one: Beacon) => {
  const text = new TextDecoder().decode(encodeBeacon(one, key))
  return text.slice(0, text.indexOf('<?vccs-hmac'))
}

test('a beacon is read back as it was sent', (t) => {
  t.deepEqual(decodeBeacon(encodeBeacon(beacon, key), key), { ...beacon, extension: extensionOf() })
  const alone: Beacon = { ...beacon, alone: true, peer: null, links: [], extension: [] }
  t.deepEqual(decodeBeacon(encodeBeacon(alone, key), key), alone)
})

/** With the blanks of the layout. */
function extensionOf() {
  const found = decodeBeacon(encodeBeacon(beacon, key), key)
  if (typeof found === 'string') throw new Error(found)
  return found.extension
}

test('elements of the site and of a later version are kept, as text and as plain values (S2.41)', (t) => {
  t.deepEqual(plainNodes(extensionOf()), [
    { name: 'room', attributes: {}, children: ['Tower & <annex>'] },
  ])
  const later = documentOf(beacon).replace('<room>', '<load cpu="3"><core/></load><room>')
  const read = decodeBeacon(sealDocument(new TextEncoder().encode(later), key), key)
  if (typeof read === 'string') return t.fail(read)
  t.deepEqual(plainNodes(read.extension)[0], {
    name: 'load',
    attributes: { cpu: '3' },
    children: [{ name: 'core', attributes: {}, children: [] }],
  })
})

test('the whole datagram is one XML document, tag included', (t) => {
  const root = readXml(encodeBeacon(beacon, key), 16_384)
  t.true(typeof root !== 'string' && root.name === 'beacon')
})

test('a beacon of another key, a changed byte and a missing tag are forged', (t) => {
  const bytes = encodeBeacon(beacon, key)
  t.is(decodeBeacon(bytes, new Uint8Array(32).fill(8)), 'forged')
  t.is(decodeBeacon(bytes.subarray(0, -1), key), 'forged')
  t.is(decodeBeacon(new Uint8Array(0), key), 'forged')
  t.is(decodeBeacon(new Uint8Array(20_000), key), 'forged')
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ flip
      t.is(decodeBeacon(changed, key), 'forged')
    }),
    { numRuns: 500 },
  )
})

/** Text, what replaces it, and what is said of the result; null: it still fits. */
const changes: readonly (readonly [what: string, from: string, to: string, why: RegExp | null])[] =
  [
    ['nothing changed', 'x', 'x', null],
    [
      'no extension',
      '<extension>\n    <room>Tower &amp; &lt;annex&gt;</room>\n  </extension>\n',
      '',
      null,
    ],
    ['an extension with text and attributes', '<extension>', '<extension by="x">text', null],
    ['a comment between elements', '  <sync', '<!-- c --><sync', null],
    ['another root', 'beacon', 'signal', /root is <signal>/],
    ['another namespace', 'urn:vccs:beacon:1', 'urn:vccs:beacon:2', /not in urn/],
    ['an unknown attribute', 'site="tower"', 'site="tower" colour="red"', /unknown colour/],
    ['a missing attribute', ' site="tower"', '', /site is missing/],
    ['an unknown role', 'role="primary"', 'role="king"', /role is not a role/],
    ['a number with a sign', 'term="17"', 'term="+17"', /term is not/],
    ['a number with an exponent', 'heardMsAgo="84.25"', 'heardMsAgo="1e3"', /heardMsAgo is not/],
    ['blanks in a value', 'alone="false"', 'alone=" false"', /alone is not/],
    ['a missing element', '<sync inStep="true" pending="0"/>', '', /<sync> is missing/],
    [
      'an element twice',
      '<sync inStep="true" pending="0"/>',
      '<sync inStep="true" pending="0"/><sync inStep="true" pending="0"/>',
      /<service> is missing/,
    ],
    ['an unknown element', '  <sync', '<load/><sync', /is missing|not expected/],
    ['text between elements', '  <sync', 'text<sync', /holds text/],
    [
      'text in an empty element',
      '<sync inStep="true" pending="0"/>',
      '<sync inStep="true" pending="0">x</sync>',
      /holds text/,
    ],
    ['a known element of another namespace', '<sync ', '<sync xmlns="urn:x" ', /is of urn:x/],
  ]

for (const [what, from, to, why] of changes) {
  test(`the grammar judges a beacon with ${what}`, (t) => {
    const text = documentOf(beacon).replaceAll(from, to)
    const root = readXml(new TextEncoder().encode(text), 16_384)
    if (typeof root === 'string') return t.fail(root)
    const fault = beaconFault(root)
    if (why === null) t.is(fault, null)
    else t.regex(fault ?? 'fits', why)
    const sealed = decodeBeacon(sealDocument(new TextEncoder().encode(text), key), key)
    t.is(typeof sealed === 'string', why !== null)
  })
}

const xmllint = spawnSync('xmllint', ['--version']).status === 0

;(xmllint ? test : test.skip)(
  `etc/vccs-beacon.xsd and the reader judge alike${xmllint ? '' : ' (xmllint of libxml2-utils is not installed)'}`,
  (t) => {
    const schema = join(import.meta.dirname, '../../../etc/vccs-beacon.xsd')
    const folder = mkdtempSync(join(tmpdir(), 'vccs-beacon-'))
    for (const [index, [what, from, to, why]] of changes.entries()) {
      const file = join(folder, `${index}.xml`)
      writeFileSync(file, documentOf(beacon).replaceAll(from, to))
      const { status, stderr } = spawnSync('xmllint', ['--noout', '--schema', schema, file])
      t.is(status === 0, why === null, `${what}: ${stderr}`)
    }
    rmSync(folder, { recursive: true })
  },
)
