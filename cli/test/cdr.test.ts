//! Call records as a person, a spreadsheet and a script get them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { failure, success } from '../../daemon/src/result.ts'
import { readRecords } from '../../daemon/src/wire/record-xml.ts'
import { csvLine } from '../src/csv.ts'
import { momentOf } from '../src/moments.ts'
import { callRecord, startFakeDaemon, vccs } from './fake-daemon.ts'

/** A daemon with so many records, which gives a few a page. */
async function many(count: number, pageMax = 3) {
  const asked: unknown[] = []
  const daemon = await startFakeDaemon({
    cdr: async (params) => {
      asked.push(params)
      const from = params.after === undefined ? 0 : Number(params.after.sessionId) + 1
      const to = Math.min(count, from + Math.min(pageMax, params.limit))
      const records = Array.from({ length: to - from }, (_one, index) => ({
        ...callRecord,
        sessionId: String(from + index),
      }))
      const next = to < count ? { endedAtMs: 1, sessionId: String(to - 1) } : null
      return success({ records, next, kept: count, waiting: 0 })
    },
  })
  return { daemon, asked }
}

test('the filters reach the daemon as moments and words', async (t) => {
  const { daemon, asked } = await many(1)
  const line = 'cdr --since 2h --until 2026-03-14 --party 1001 --kind urgent --cause 486 --answered'
  const result = await vccs([...line.split(' '), '--socket', daemon.socket])
  await daemon.close()
  t.is(result.code, 0)
  t.like(asked[0], {
    since: '2026-03-14T10:31:02.118Z',
    until: '2026-03-14T00:00:00.000Z',
    party: '1001',
    kind: 'urgent',
    cause: '486',
    answered: true,
    oldestFirst: false,
  })
})

test('a list longer than a page is asked for page by page, and cut at its limit', async (t) => {
  const { daemon, asked } = await many(10)
  const result = await vccs(['cdr', '--limit', '7', '--json', '--socket', daemon.socket])
  await daemon.close()
  t.is(JSON.parse(result.out).records.length, 7)
  t.is(asked.length, 3)
})

test('an export gives every record, the oldest first, and holds a page only', async (t) => {
  const { daemon, asked } = await many(10)
  const pieces: number[] = []
  const onOut = (text: string) => pieces.push(text.length)
  const argv = ['cdr', 'export', '--socket', daemon.socket]
  const csv = await vccs(argv, { onOut })
  const json = await vccs([...argv, '--json'])
  await daemon.close()
  const lines = csv.out.split('\r\n')
  t.is(lines.length, 12, 'a head, ten records, and the end of the last line')
  t.regex(lines[1] ?? '', /^0,2026-03-14T12:30:00\.000Z,/)
  t.regex(lines[0] ?? '', /,packets_sent,packets_received,packets_lost,jitter_ms_max,trunks$/)
  t.regex(lines[1] ?? '', /,a: b:3006,a: b:3005,a: b:1,a: b:4\.2,$/)
  t.true(pieces.every((length) => length < 1_000))
  t.like(asked[0], { oldestFirst: true })
  const { schema, records } = JSON.parse(json.out)
  t.is(schema, 'vccs/cdr.export/1')
  t.deepEqual(
    records.map((record: { sessionId: string }) => record.sessionId),
    Array.from({ length: 10 }, (_one, index) => String(index)),
  )
})

test('an export as XML is one document with all fields, and is imported again', async (t) => {
  const odd = { ...callRecord, sessionId: 'Tower <1> & "Süd" \u0007', answeredAt: null }
  const imported: string[] = []
  const daemon = await startFakeDaemon({
    cdr: async () => success({ records: [callRecord, odd], next: null, kept: 2, waiting: 0 }),
    'cdr.import': async ({ document, dryRun, operator }) => {
      imported.push(document)
      t.true(operator.startsWith('anna'))
      return success({ dryRun, records: 2, added: 1 })
    },
  })
  const file = join(daemon.directory, 'calls.xml')
  const more = ['--socket', daemon.socket]
  const { code, out } = await vccs(['cdr', 'export', '--format', 'xml', ...more])
  t.is(code, 0)
  const read = readRecords(out, { bytesMax: 100_000, elementsMax: 100 })
  if (typeof read === 'string') return t.fail(read)
  const {
    talkedMs: _talkedMs,
    startedAt,
    answeredAt,
    endedAt,
    parties,
    roles,
    ...rest
  } = callRecord
  t.like(read[0], rest)
  t.is(read[0]?.startedAtMs, Date.parse(startedAt))
  t.is(read[0]?.answeredAtMs, Date.parse(answeredAt ?? ''))
  t.is(read[0]?.endedAtMs, Date.parse(endedAt))
  t.deepEqual(read[0]?.roles, [{ atMs: Date.parse(roles[0]?.at ?? ''), term: 18 }])
  t.deepEqual(read[0]?.parties[1]?.rtp, parties[1]?.rtp)
  t.like(read[1], { sessionId: odd.sessionId, answeredAtMs: null })
  writeFileSync(file, out)
  const dry = await vccs(['cdr', 'import', file, '--dry-run', '--operator', 'anna', ...more])
  t.is(dry.out, '1 of 2 call records would be added, nothing was changed; 1 are known\n')
  const done = await vccs(['cdr', 'import', file, '--json', '--operator', 'anna', ...more])
  await daemon.close()
  t.deepEqual(JSON.parse(done.out), {
    ...{ schema: 'vccs/cdr.import/1', dryRun: false, records: 2, added: 1 },
  })
  t.deepEqual(imported, [out, out])
})

test('the trunks of a call are shown, and stand in every form of an export', async (t) => {
  const [first, second] = callRecord.parties
  if (first === undefined || second === undefined) return t.fail()
  const over = { ...callRecord, parties: [first, { ...second, trunk: 'north' }] }
  const daemon = await startFakeDaemon({
    cdr: async () => success({ records: [over], next: null, kept: 1, waiting: 0 }),
    'cdr.show': async () => success({ record: over }),
  })
  const more = ['--socket', daemon.socket]
  const shown = await vccs(['cdr', 'show', over.sessionId, ...more])
  const [csv, json, xml] = await Promise.all(
    ['csv', 'json', 'xml'].map((format) => vccs(['cdr', 'export', '--format', format, ...more])),
  )
  await daemon.close()
  t.regex(shown.out, /trunks +b:north/)
  t.regex(csv?.out ?? '', /,b:north\r\n$/)
  t.is(JSON.parse(json?.out ?? '').records[0].parties[1].trunk, 'north')
  const read = readRecords(xml?.out ?? '', { bytesMax: 100_000, elementsMax: 100 })
  if (typeof read === 'string') return t.fail(read)
  t.deepEqual(
    read[0]?.parties.map(({ trunk }) => trunk),
    [undefined, 'north'],
  )
})

test('a file that is no document of records is refused before anybody is asked', async (t) => {
  const daemon = await startFakeDaemon({ 'cdr.import': async () => t.fail() as never })
  const file = join(daemon.directory, 'calls.xml')
  for (const text of ['', '<records/>', '<records xmlns="urn:vccs:records:1"><x/></records>']) {
    writeFileSync(file, text)
    const { code, err } = await vccs(['cdr', 'import', file, '--socket', daemon.socket])
    t.is(code, 7)
    t.regex(err, /^Error: .*calls\.xml: .*\nNext: {2}Correct what the message names; `xmllint/)
  }
  const none = await vccs(['cdr', 'import', `${file}.none`, '--socket', daemon.socket])
  t.regex(none.err, /ENOENT/)
  t.is(none.code, 1)
  await daemon.close()
})

test('an export of nothing has its head, or an empty list', async (t) => {
  const { daemon } = await many(0)
  const argv = ['cdr', 'export', '--socket', daemon.socket]
  const csv = await vccs(argv)
  const json = await vccs([...argv, '--format', 'json'])
  const xml = await vccs([...argv, '--format', 'xml'])
  const list = await vccs(['cdr', '--socket', daemon.socket])
  await daemon.close()
  t.regex(xml.out, /<records xmlns="[^"]+">\n<\/records>\n$/)
  t.regex(csv.out, /^session,started,[a-z_,]*\r\n$/)
  t.deepEqual(JSON.parse(json.out).records, [])
  t.is(list.out, 'No call records.\n')
})

test('a file that is exported to is there when it is whole, and not before', async (t) => {
  const { daemon } = await many(4)
  const file = join(daemon.directory, 'calls.csv')
  const done = await vccs(['cdr', 'export', '-o', file, '--json', '--socket', daemon.socket])
  t.like(JSON.parse(done.out), { schema: 'vccs/cdr.export/1', file, records: 4 })
  t.is(readFileSync(file, 'utf8').split('\r\n').length, 6)
  await daemon.close()
  let asked = 0
  const broken = await startFakeDaemon({
    cdr: async () => {
      asked += 1
      const next = { endedAtMs: 1, sessionId: 'x' }
      if (asked === 1) return success({ records: [callRecord], next, kept: 9, waiting: 0 })
      return failure('database-failed', 'the disk is gone')
    },
  })
  const half = join(broken.directory, 'half.csv')
  const failed = await vccs(['cdr', 'export', '-o', half, '--socket', broken.socket])
  t.is(failed.code, 1)
  t.regex(failed.err, /^Error: the disk is gone\.\nNext: /)
  t.false(existsSync(half) || existsSync(`${half}.part`))
  const nowhere = join(broken.directory, 'no', 'such', 'file.csv')
  const refused = await vccs(['cdr', 'export', '-o', nowhere, '--socket', broken.socket])
  await broken.close()
  t.is(refused.code, 1)
  t.regex(refused.err, /cannot be written: ENOENT/)
})

test('a cell can neither end its line nor become a formula', (t) => {
  t.is(csvLine(['a', 1, null, '']), 'a,1,,\r\n')
  t.is(csvLine(['say "no", she said', 'two\r\nlines']), '"say ""no"", she said","two\r\nlines"\r\n')
  for (const formula of ['=1+1', '+41', '-1', '@SUM(A1)', '\tx']) {
    t.is(csvLine([formula]), `'${formula}\r\n`)
  }
  t.is(csvLine(['\r=1']), '"\'\r=1"\r\n')
  t.is(csvLine(['=HYPERLINK("x")']), '"\'=HYPERLINK(""x"")"\r\n')
})

test('moments: ago, dates and times in UTC, and nothing else', (t) => {
  const nowMs = Date.parse('2026-03-14T12:00:00Z')
  const read = (text: string) => momentOf('since', text, nowMs)
  t.is(read('90s'), '2026-03-14T11:58:30.000Z')
  t.is(read('2d'), '2026-03-12T12:00:00.000Z')
  t.is(read('2026-03-01'), '2026-03-01T00:00:00.000Z')
  t.is(read('2026-03-01 08:30'), '2026-03-01T08:30:00.000Z')
  t.is(read('2026-03-01T08:30:15+01:00'), '2026-03-01T07:30:15.000Z')
  for (const nonsense of ['yesterday', '2026', '2026-13-01', '2h30', '', '-1h']) {
    t.throws(() => read(nonsense), { message: /not a moment/ }, nonsense)
  }
})

test('a record says of a call who left when, what was used and who served it', async (t) => {
  const daemon = await startFakeDaemon()
  const { out } = await vccs(['cdr', 'show', '7f3a', '--socket', daemon.socket])
  const unknown = await vccs(['cdr', 'show', 'ffff', '--socket', daemon.socket])
  await daemon.close()
  t.regex(out, /^1001 → 1002\n/)
  t.regex(out, /services {4}hold\n/)
  t.regex(out, /taken over {2}2026-03-14 12:30:30\.000Z in term 18\n/)
  t.regex(out, /b {4}1002 +callee {2}12:30:02 {2}12:31:02 {2}3005 \(1 lost\) {2}4\.2 ms/)
  t.is(unknown.code, 1)
  t.regex(unknown.err, /no call record ffff/)
})
