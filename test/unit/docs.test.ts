//! The documents say what is true: rows name tests that exist, registries are documented.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { alarms } from '../../daemon/src/alarms.ts'
import { errors } from '../../daemon/src/errors.ts'
import { heartbeatBytes } from '../../daemon/src/wire/heartbeat.ts'
import { readSources } from '../../scripts/check/source.ts'
import { checkDocs } from '../../scripts/docs.ts'
import { keptRun, matrixFaults } from '../../scripts/matrix/results.ts'
import { claims } from '../e2e/claims/claims.ts'
import { rows, titleOf } from '../e2e/matrix/rows.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Row {
  readonly id: string
  readonly state: string
  readonly where: string
  readonly test: string
}

function featureRows(): Row[] {
  const rows: Row[] = []
  for (const line of read('docs/features.md').split('\n')) {
    if (!/^\| S[12]\.\d+ \|/.test(line)) continue
    const cells = line.split(' | ').map((cell) => cell.replace(/^\| |\s*\|$/g, '').trim())
    const [id = '', , state = '', where = '', proof = ''] = cells
    rows.push({ id, state, where, test: proof })
  }
  return rows
}

/** Folders of stories: each file is a test, named after it. */
const stories: Readonly<Record<string, { folder: string; before: string }>> = {
  'daemon/test/pair/transcripts.test.ts': {
    folder: 'daemon/test/data/pair',
    before: 'the story of ',
  },
  'daemon/test/switching/transaction.test.ts': {
    folder: 'daemon/test/data/transaction',
    before: 'transcript ',
  },
}

/** Each row of the fail-over matrix is a test for each fault. */
const matrixTests = 'test/e2e/failover-matrix.test.ts'
const matrixTitles = matrixFaults.flatMap((fault) => rows.map((row) => titleOf(row, fault)))

/** Each claim of calls of two is a test. */
const claimTests = 'test/e2e/calls.test.ts'
const claimTitles = claims.map(({ title }) => title)

/** The title is in the file as it is, or is that of a story, of a row or of a claim. */
function hasTest(file: string, title: string): boolean {
  if (file === claimTests && claimTitles.includes(title)) return true
  if (file === matrixTests && matrixTitles.includes(title)) return true
  const kind = stories[file]
  if (kind === undefined) return read(file).includes(title)
  const name = title.slice(kind.before.length).replaceAll(' ', '-')
  return title.startsWith(kind.before) && existsSync(join(root, kind.folder, `${name}.txt`))
}

/** `path/to/file.test.ts: title of the test` in back quotes, several separated by `;`. */
function proofs(cell: string): { file: string; title: string }[] {
  return [...cell.matchAll(/`([^`:]+): ([^`]+)`/g)].map((match) => ({
    file: match[1] ?? '',
    title: match[2] ?? '',
  }))
}

test('docs/features.md has one row for each of the 210 numbered features', (t) => {
  const expected = [
    ...Array.from({ length: 155 }, (_, index) => `S1.${index + 1}`),
    ...Array.from({ length: 55 }, (_, index) => `S2.${index + 1}`),
  ]
  t.deepEqual(
    featureRows().map((row) => row.id),
    expected,
  )
})

test('each feature that is not open names files and tests that exist', (t) => {
  for (const row of featureRows()) {
    t.true(['proven', 'partly', 'open'].includes(row.state), `${row.id}: state ${row.state}`)
    if (row.state === 'open') {
      t.is(row.where + row.test, '', `${row.id} is open and names something`)
      continue
    }
    const where = /^`([^`]+)`$/.exec(row.where)?.[1]
    t.true(where !== undefined && existsSync(join(root, where)), `${row.id}: where ${row.where}`)
    const named = proofs(row.test)
    t.true(named.length > 0, `${row.id}: names no test`)
    t.is(named.length, row.test.split('; `').length, `${row.id}: a proof is not readable`)
    for (const { file, title } of named) {
      t.true(existsSync(join(root, file)), `${row.id}: ${file} does not exist`)
      t.true(existsSync(join(root, file)) && hasTest(file, title), `${row.id}: no "${title}"`)
    }
  }
})

test('each figure of the source has its equivalent in the documents (S1.155)', (t) => {
  const documents = `${read('ARCHITECTURE.md')}\n${read('docs/protocols.md')}`
  for (const figure of [1, 2, 3, 4, 5]) {
    // The heading, a drawing under it, and no other heading in between.
    t.regex(documents, new RegExp(`^## Figure ${figure}: [^#]+?\\n\`\`\`\\n`, 'm'), `${figure}`)
  }
})

/** Words in back quotes. */
function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

test('the table of rooms says what the check allows', (t) => {
  const told: Record<string, string[]> = {}
  for (const line of read('ARCHITECTURE.md').split('\n')) {
    const row = /^\| `([a-z]+)\/` \|.*\| ([^|]*) \|$/.exec(line)
    if (row !== null) told[row[1] ?? ''] = quoted(row[2] ?? '')
  }
  const held: Record<string, string[]> = {}
  const [, text = ''] =
    /const directions[^{]*\{\n([\s\S]*?)\n\}/.exec(read('scripts/check/house.ts')) ?? []
  for (const [, room = '', list = ''] of text.matchAll(/^ {2}(\w+): \[([^\]]*)\]/gm)) {
    held[room] = [...list.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '')
  }
  t.true(Object.keys(held).length > 10)
  t.deepEqual(told, held)
})

test('ARCHITECTURE.md explains each file of compose/ and is not longer than 250 lines', (t) => {
  const text = read('ARCHITECTURE.md')
  const files = readSources(root).filter(({ path }) => path.startsWith('daemon/src/compose/'))
  for (const { path } of files) {
    t.regex(text, new RegExp(`^\\| \`${path.split('/').at(-1)}\` \\|`, 'm'), path)
  }
  t.true(text.split('\n').length <= 250)
})

test('docs/protocols.md names each message of the bus and each byte of the datagrams', (t) => {
  const text = read('docs/protocols.md')
  for (const kind of read('daemon/src/bus/messages.ts').matchAll(/= message\('([a-z-]+)'/g)) {
    t.true(text.includes(`\`${kind[1]}\``), kind[1])
  }
  const heading = (name: string) =>
    text.slice(text.indexOf(`\n## ${name}\n`)).split('\n## ')[1] ?? ''
  const bytes = [...heading('Heartbeat').matchAll(/^\| (\d+) \| (\d+) \|/gm)]
  let at = 0
  for (const [, place, length] of bytes) {
    t.is(Number(place), at)
    at += Number(length)
  }
  t.is(at, heartbeatBytes)
})

test('docs/errors.md and docs/alarms.md are what the registries say', (t) => {
  t.deepEqual(checkDocs(root), [])
  for (const code of Object.keys(errors)) t.true(read('docs/errors.md').includes(`\`${code}\``))
  for (const code of Object.keys(alarms)) t.true(read('docs/alarms.md').includes(`\`${code}\``))
})

test('each code of the registries is used by the product', (t) => {
  const sources = sourceText()
  for (const code of [...Object.keys(errors), ...Object.keys(alarms)]) {
    t.true(sources.includes(`'${code}'`), `${code} is in a registry and nowhere else`)
  }
})

function sourceText(): string {
  const seen: string[] = []
  const skipped = ['daemon/src/errors.ts', 'daemon/src/alarms.ts']
  for (const file of readSources(root)) {
    const product = file.path.startsWith('daemon/src/') || file.path.startsWith('cli/src/')
    if (product && !skipped.includes(file.path)) seen.push(file.text)
  }
  return seen.join('\n')
}

test('the kept run of the fail-over matrix has every row, and nothing was lost in it', (t) => {
  const run = keptRun()
  const title = ({ service, state }: { service: string; state: string }) => `${service}, ${state}`
  for (const fault of matrixFaults) {
    const cells = (run?.cells ?? []).filter((cell) => cell.fault === fault)
    t.deepEqual(cells.map(title), rows.map(title))
    t.deepEqual(run?.leftovers[fault], [])
    for (const cell of cells) {
      t.like(cell, { stood: true, completed: true, ended: true, audible: true, packetsLost: 0 })
      t.is(cell.records, cell.recordsDue)
    }
  }
})
