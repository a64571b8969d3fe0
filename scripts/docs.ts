//! `npm run docs`: writes the documents that are made from the code. `npm run check` compares them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AlarmEntry, alarms } from '../daemon/src/alarms.ts'
import { type ErrorEntry, errors } from '../daemon/src/errors.ts'
import { beaconSchemaDocument } from '../daemon/src/wire/beacon-grammar.ts'
import { matrixDocument } from './matrix/document.ts'
import { keptRun } from './matrix/results.ts'
import { readResults } from './soak/results.ts'
import { scoreboard } from './soak/scoreboard.ts'

const exitMeanings = [
  'done',
  'the command failed',
  'usage',
  'refused by a safety check',
  'the daemon does not answer: its state is unknown',
  'no permission',
  'timed out, the outcome is unknown',
  'configuration invalid',
  'differences found',
]

function errorsDocument(): string {
  const rows = Object.entries<ErrorEntry>(errors).map(
    ([code, entry]) => `| \`${code}\` | ${entry.exit} | ${entry.text} | ${entry.next} |`,
  )
  const exits = exitMeanings.map((meaning, code) => `| ${code} | ${meaning} |`)
  return [
    '# Errors',
    '',
    'Made from `daemon/src/errors.ts` by `npm run docs`; do not edit. A code never changes its meaning.',
    '',
    '| exit code of `vccs` | meaning |',
    '|---|---|',
    ...exits,
    '',
    '| code | exit | what happened | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function alarmsDocument(): string {
  const rows = Object.entries<AlarmEntry>(alarms).map(
    ([code, entry]) =>
      `| \`${code}\` | ${entry.severity} | ${entry.text} | ${entry.effect} | ${entry.next} |`,
  )
  return [
    '# Alarms',
    '',
    'Made from `daemon/src/alarms.ts` by `npm run docs`; do not edit. A code never changes its meaning.',
    '',
    '| code | severity | what is wrong | effect on operations | what to do |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

const documents: Record<string, () => string> = {
  'docs/errors.md': errorsDocument,
  'docs/alarms.md': alarmsDocument,
  'etc/vccs-beacon.xsd': beaconSchemaDocument,
  'docs/failover-matrix.md': () => matrixDocument(keptRun()),
  'SCOREBOARD.md': () => scoreboard(readResults()),
}

/** @returns one line a document that is not what the code says. */
export function checkDocs(root: string): string[] {
  const problems: string[] = []
  for (const [path, make] of Object.entries(documents)) {
    let current = ''
    try {
      current = readFileSync(join(root, path), 'utf8')
    } catch {
      // A missing document differs like an old one.
    }
    if (current !== make()) problems.push(`${path} is not up to date: run npm run docs`)
  }
  return problems
}

export function writeDocuments(): void {
  const root = join(import.meta.dirname, '..')
  for (const [path, make] of Object.entries(documents)) writeFileSync(join(root, path), make())
}

if (import.meta.main) writeDocuments()
