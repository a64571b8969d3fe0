//! Call records as XML: nothing of a record is lost on the way, the grammar and its schema judge alike, and no
//! document makes the reader throw.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import type { CallRecord } from '../../src/tables/call-record.ts'
import { readRecords, recordsDocument } from '../../src/wire/record-xml.ts'

const bounds = { bytesMax: 1_000_000, elementsMax: 10_000 }

const odd = ['', 'Tower <1> & "Süd"', '\\u0007', '\u0007\\', ' \t\r\n', '\ud800', ']]>']
const anyText = (maxLength: number) =>
  fc
    .oneof(fc.string({ maxLength, unit: 'binary' }), fc.constantFrom(...odd))
    .map((text) => text.slice(0, maxLength))
const anyTime = fc.oneof(
  fc.integer({ min: 0, max: 4_102_444_800_000 }),
  fc.integer({ min: 0, max: 4_102_444_800_000 }).map((ms) => ms + 0.140_625),
)
const anyNumber = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true }))
/** What a later version knows. */
const anyUnknown = fc.dictionary(
  anyText(20)
    .filter((name) => !['', '__proto__'].includes(name))
    .map((name) => `x${name}`),
  fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  { maxKeys: 2 },
)
const anyRtp = fc.record({
  packetsSent: anyNumber,
  packetsReceived: anyNumber,
  packetsLost: anyNumber,
  packetsLate: anyNumber,
  jitterMsMax: anyNumber,
  farPacketsLost: anyNumber,
})
const anyParty = fc.record(
  {
    leg: anyText(8),
    number: anyText(60),
    side: fc.constantFrom('caller' as const, 'callee' as const),
    trunk: anyText(32),
    invitedAtMs: anyTime,
    joinedAtMs: fc.option(anyTime),
    leftAtMs: fc.option(anyTime),
    rtp: fc.option(fc.tuple(anyUnknown, anyRtp).map(([more, rtp]) => ({ ...more, ...rtp }))),
  },
  { requiredKeys: ['leg', 'number', 'side', 'invitedAtMs', 'joinedAtMs', 'leftAtMs', 'rtp'] },
)
const anyRecord: fc.Arbitrary<CallRecord> = fc
  .tuple(
    anyUnknown,
    fc.record({
      sessionId: anyText(60),
      type: anyText(30),
      callType: anyText(60),
      subject: anyText(100),
      priority: anyText(60),
      caller: anyText(200),
      called: anyText(200),
      startedAtMs: anyTime,
      answeredAtMs: fc.option(anyTime),
      endedAtMs: anyTime,
      endedBy: fc.constantFrom('caller', 'callee', 'switch', 'node'),
      status: fc.integer({ min: 100, max: 699 }),
      reason: anyText(200),
      parties: fc.array(fc.tuple(anyUnknown, anyParty).map(([x, y]) => ({ ...x, ...y }))),
      services: fc.array(anyText(30), { maxLength: 5 }),
      roles: fc.array(fc.record({ atMs: anyTime, term: fc.nat() }), { maxLength: 5 }),
    }),
  )
  .map(([more, record]) => ({ ...more, ...record }) as CallRecord)

test('a record is the same behind an XML document, also what only a later version knows of it', (t) => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 3 }), (records) => {
      const read = readRecords(recordsDocument(records), bounds)
      t.deepEqual(read, records)
    }),
    { numRuns: 300 },
  )
})

const party = {
  ...({ leg: 'a', number: '101', side: 'caller', rtp: null } as const),
  ...{ invitedAtMs: 1, joinedAtMs: 2, leftAtMs: null },
}
const record: CallRecord = {
  ...{ sessionId: 's1', type: 'ordinary', callType: '', subject: '', priority: '' },
  ...{ caller: '101', called: '102', endedBy: 'caller', status: 200, reason: '' },
  ...{ startedAtMs: 1, answeredAtMs: 2, endedAtMs: 3 },
  parties: [party],
  services: ['hold'],
  roles: [{ atMs: 2, term: 7 }],
}

/** Null: it fits. */
const changes: readonly (readonly [what: string, from: string, to: string, why: RegExp | null])[] =
  [
    ['all its fields', '', '', null],
    ['comments and instructions', '<service', '<!-- x --><?y z?><service', null],
    [
      'elements of the site in an extension',
      '</record>',
      '<extension><squawk xmlns="urn:site">7700</squawk></extension></record>',
      null,
    ],
    ['a field that does not exist', ' caller=', ' squawk="7700" caller=', /unknown squawk/],
    ['a field that is missing', ' reason=""', '', /reason is missing/],
    ['a time that is none', 'startedAt="1970', 'startedAt="x1970', /startedAt is not a time/],
    ['an end by nobody', 'endedBy="caller"', 'endedBy="nobody"', /endedBy is not a end/],
    ['its parts in another order', '<service name="hold"/>', '', null],
    ['an element that does not exist', '<service', '<squawk/><service', /<squawk> is not expected/],
    ['text between', '<service', 'x<service', /holds text/],
    ['another namespace', 'urn:vccs:records:1', 'urn:x', /not in urn:vccs:records:1/],
    ['another root', 'records', 'beacon', /the root is <beacon>/],
  ]

for (const [what, from, to, why] of changes) {
  test(`the grammar judges a document of records with ${what}`, (t) => {
    const read = readRecords(recordsDocument([record]).replaceAll(from, to), bounds)
    if (why === null) t.is(typeof read === 'string' ? read : read.length, 1)
    else t.regex(typeof read === 'string' ? read : 'fits', why)
  })
}

const xmllint = spawnSync('xmllint', ['--version']).status === 0

;(xmllint ? test : test.skip)(
  `etc/vccs-records.xsd and the reader judge records alike${xmllint ? '' : ' (xmllint of libxml2-utils is not installed)'}`,
  (t) => {
    const schema = join(import.meta.dirname, '../../../etc/vccs-records.xsd')
    const folder = mkdtempSync(join(tmpdir(), 'vccs-records-'))
    for (const [index, [what, from, to, why]] of changes.entries()) {
      const file = join(folder, `${index}.xml`)
      writeFileSync(file, recordsDocument([record]).replaceAll(from, to))
      const { status, stderr } = spawnSync('xmllint', ['--noout', '--schema', schema, file])
      t.is(status === 0, why === null, `${what}: ${stderr}`)
    }
    rmSync(folder, { recursive: true })
  },
)

test('a trunk stands in the extension of its party, which a version before it passes on', (t) => {
  const over = { ...record, parties: [{ ...party, trunk: 'north' }] }
  const document = recordsDocument([over])
  t.regex(
    document,
    /<extension>\s*<field name="trunk">"north"<\/field>\s*<\/extension>\s*<\/party>/,
  )
  t.deepEqual(readRecords(document, bounds), [over])
  t.false(recordsDocument([record]).includes('extension'))
  const wrong = document.replace('"north"', '7')
  t.regex(String(readRecords(wrong, bounds)), /parties\.0\.trunk/)
})

test('the example of docs/records.md fits the grammar', (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/records.md'), 'utf8')
  const example = /```xml\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
  const read = readRecords(example, bounds)
  if (typeof read === 'string') return t.fail(read)
  t.is(read.length, 1)
  t.like(read[0], { caller: '1001', status: 200, services: ['hold'] })
})

test('a document that is too long, or has too many elements, is not read', (t) => {
  const document = recordsDocument([record])
  t.regex(String(readRecords(document, { ...bounds, bytesMax: 100 })), /longer than 100 bytes/)
  t.regex(String(readRecords(document, { ...bounds, elementsMax: 2 })), /more than 2 elements/)
})

test('a value that no record may have is named, with the record', (t) => {
  const long = { ...record, sessionId: 's'.repeat(65) }
  const read = readRecords(recordsDocument([record, long]), bounds)
  t.regex(String(read), /^record 2: sessionId: /)
})

test('no change of its bytes makes the reader of records throw', (t) => {
  const bytes = new TextEncoder().encode(recordsDocument([record]))
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(40), (at, value, cut) => {
      const changed = new Uint8Array([...bytes.slice(0, at), value, ...bytes.slice(at + 1 + cut)])
      const read = readRecords(changed, bounds)
      if (typeof read !== 'string') for (const one of read) t.is(typeof one.sessionId, 'string')
    }),
    { numRuns: 2_000 },
  )
  t.pass()
})
