//! The documents say what is true: rows name tests that exist, registries are documented.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { alarms } from '../../daemon/src/alarms.ts'
import { errors } from '../../daemon/src/errors.ts'
import { readSources } from '../../scripts/check/source.ts'
import { checkDocs } from '../../scripts/docs.ts'

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
    if (row.state === 'open') continue
    t.true(existsSync(join(root, row.where.replaceAll('`', ''))), `${row.id}: where ${row.where}`)
    const named = proofs(row.test)
    t.true(named.length > 0, `${row.id}: names no test`)
    for (const { file, title } of named) {
      t.true(existsSync(join(root, file)), `${row.id}: ${file} does not exist`)
      t.true(existsSync(join(root, file)) && read(file).includes(title), `${row.id}: no "${title}"`)
    }
  }
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
