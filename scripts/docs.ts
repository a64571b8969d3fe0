//! `npm run docs`: writes the documents that are made from the code. `npm run check` compares them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AlarmEntry, alarms } from '../daemon/src/alarms.ts'
import { type ErrorEntry, errors } from '../daemon/src/errors.ts'
import type { CallRecord } from '../daemon/src/tables/call-record.ts'
import { beaconGrammar } from '../daemon/src/wire/beacon-grammar.ts'
import { recordFields, recordsGrammar } from '../daemon/src/wire/record-grammar.ts'
import { recordsDocument } from '../daemon/src/wire/record-xml.ts'
import { schemaDocument } from '../daemon/src/wire/xml-grammar.ts'
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

const callOfTheExample: CallRecord = {
  sessionId: '7f3a12ab90cd7f3a12ab90cd',
  type: 'ordinary',
  callType: 'da-ida',
  subject: '',
  priority: 'urgent',
  caller: '1001',
  called: '1002',
  startedAtMs: Date.UTC(2026, 2, 14, 12, 30),
  answeredAtMs: Date.UTC(2026, 2, 14, 12, 30, 2),
  endedAtMs: Date.UTC(2026, 2, 14, 12, 31, 2, 118),
  endedBy: 'callee',
  status: 200,
  reason: 'Q.850;cause=16',
  parties: [
    {
      ...{ leg: 'a', number: '1001', side: 'caller', leftAtMs: null },
      invitedAtMs: Date.UTC(2026, 2, 14, 12, 30),
      joinedAtMs: Date.UTC(2026, 2, 14, 12, 30, 2),
      rtp: {
        ...{ packetsSent: 3005, packetsReceived: 3004, packetsLost: 1, packetsLate: 0 },
        ...{ jitterMsMax: 2.5, farPacketsLost: 0 },
      },
    },
  ],
  services: ['hold'],
  roles: [{ atMs: Date.UTC(2026, 2, 14, 12, 30, 30), term: 18 }],
}

function recordsFieldDocument(): string {
  const tables = recordFields.flatMap(({ element, what, rule, notes, later = {} }) => [
    `## \`${element}\``,
    '',
    what,
    '',
    '| field | type | must be there | meaning |',
    '|---|---|---|---|',
    ...Object.entries(rule.attributes).map(([name, type]) => {
      const must = type.endsWith('?') ? 'no' : 'yes'
      return `| \`${name}\` | ${type.replace('?', '')} | ${must} | ${notes[name] ?? ''} |`
    }),
    ...Object.entries(later).map(([name, note]) => {
      return `| \`${name}\` | JSON, in \`extension\` | no | ${note} |`
    }),
    '',
  ])
  return [
    '# Call records as XML',
    '',
    'Made from `daemon/src/wire/record-grammar.ts` by `npm run docs`; do not edit.',
    '',
    'The form in which `vccs cdr export --format xml` writes records, `vccs cdr import` reads them, and the',
    'nodes give them to each other (S2.40, S2.45). Table 1 and the example of the paper are lost; these are',
    'fields of our own (S2.44). `etc/vccs-records.xsd` is the grammar by which both are judged (S2.43); what',
    'does not fit is refused whole, and the log says why.',
    '',
    'Times are ISO 8601 UTC. An element `extension` at the end of a record, party, rtp or role holds what a',
    'later version adds: a `field` with a name and JSON is kept as a field of the record and goes on with',
    'it; other elements may stand there, and are passed over. A character that XML cannot hold is written',
    'as `\\u` and four hexadecimal digits, a backslash as two.',
    '',
    ...tables,
    '## Example',
    '',
    '```xml',
    recordsDocument([callOfTheExample]).trimEnd(),
    '```',
    '',
  ].join('\n')
}

const documents: Record<string, () => string> = {
  'docs/errors.md': errorsDocument,
  'docs/alarms.md': alarmsDocument,
  'etc/vccs-beacon.xsd': () => schemaDocument(beaconGrammar),
  'etc/vccs-records.xsd': () => schemaDocument(recordsGrammar),
  'docs/records.md': recordsFieldDocument,
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
