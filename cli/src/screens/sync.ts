//! Screens of `sync-db` and of `sync status`, `verify` and `failures`.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import type { Screen } from './screen.ts'
import { duration, plural } from './words.ts'

type Differences = ResultOf<'sync-db'>['tables']

const foundWords = {
  'only-here': 'only here',
  'only-peer': 'only at the peer',
  different: 'different',
} as const

/** Differences by table, then each row. */
export function drawDifferences(screen: Screen, result: ResultOf<'sync-db'>): string[] {
  const { tables, differences, from, to } = result
  if (differences === 0) return screen.text(`The databases of ${from} and ${to} are equal.`)
  const head = `${plural(differences, 'row')} differ. The repair writes ${from} to ${to}.`
  return [...screen.text(head), ...drawRows(screen, tables)]
}

function drawRows(screen: Screen, tables: Differences): string[] {
  const counts = tables.map((one) => [
    one.table,
    String(one.rowsHere),
    String(one.rowsPeer),
    String(one.onlyHere),
    String(one.onlyPeer),
    String(one.different),
  ])
  const rows = tables.flatMap((one) =>
    one.rows.map(({ key, found }) => [one.table, key, foundWords[found]]),
  )
  const all = tables.reduce((sum, one) => sum + one.onlyHere + one.onlyPeer + one.different, 0)
  const more = all - rows.length
  return [
    ...screen.table(['TABLE', 'HERE', 'PEER', 'ONLY HERE', 'ONLY PEER', 'DIFFER'], counts),
    '',
    ...screen.table(['TABLE', 'ROW', 'IS'], rows),
    ...(more > 0 ? screen.text(`and ${plural(more, 'row')} more`) : []),
  ]
}

/** What the repair did, row by row. */
export function drawRepair(screen: Screen, { repair, to }: ResultOf<'sync-db'>): string[] {
  if (repair === null) return ['Nothing to repair.']
  const { repaired, failed, rows, tookMs } = repair
  const head = `${plural(repaired, 'row')} repaired, ${failed} failed, in ${duration(tookMs)}`
  const done = rows.map(({ table, key, action, failure }) => [
    table,
    key,
    failure === null ? `${action} at ${to}` : `not ${action}: ${failure}`,
  ])
  const more = repaired + failed - rows.length
  return [
    screen.paint(screen.mark(failed === 0 ? 'good' : 'bad', head)),
    ...screen.table(['TABLE', 'ROW', 'DONE'], done),
    ...(more > 0 ? screen.text(`and ${plural(more, 'row')} more`) : []),
  ]
}

export function drawSyncStatus(screen: Screen, result: ResultOf<'sync.status'>): string[] {
  const { node, role, realTime, staticData } = result
  const { inStep, peer, pending, compared, comparedMsAgo, differing, damaged } = realTime
  const ago = comparedMsAgo === null ? 'never' : `${duration(comparedMsAgo)} ago`
  const refused = Object.entries(realTime.refused).map(([why, count]) => `${why} ${count}`)
  const isStandby = role === 'standby'
  const rows = `${staticData.state}${staticData.needsPeer ? ', waits for the rows of the peer' : ''}`
  return [
    ...screen.line('Node', [`${node}, ${role}`]),
    ...screen.line('Tables', [
      screen.mark(inStep ? 'good' : 'bad', inStep ? 'in step' : `peer: ${peer}`),
      `${pending} under way`,
    ]),
    ...(isStandby
      ? screen.line('Compared', [
          `${compared} times, last ${ago}`,
          screen.mark(differing === 0 ? 'good' : 'warning', `${differing} differed`),
          `${realTime.repaired} fetched anew`,
        ])
      : []),
    ...screen.line('Memory', [
      screen.mark(damaged === 0 ? 'good' : 'bad', `${plural(damaged, 'record')} damaged`),
    ]),
    ...(refused.length > 0 ? screen.line('Refused', refused) : []),
    ...screen.line('Rows', [rows, `r${staticData.revision}`, staticData.hash.slice(0, 12)]),
    ...screen.line('Log', [
      `${plural(staticData.operations, 'operation')} of the peer`,
      screen.mark(staticData.failures === 0 ? 'good' : 'warning', `${staticData.failures} failed`),
    ]),
    '',
    ...screen.table(
      ['TABLE', 'RECORDS', 'UNDER WAY', 'HASH'],
      realTime.tables.map((one) => [one.table, String(one.records), String(one.pending), one.hash]),
    ),
  ]
}

export function drawVerify(screen: Screen, result: ResultOf<'sync.verify'>): string[] {
  const { equal, realTime, staticData } = result
  const head = equal ? 'Both nodes hold the same.' : 'The nodes differ.'
  const tables = realTime.map((one) => [
    one.table,
    String(one.here),
    String(one.peer),
    one.equal ? 'equal' : 'DIFFERENT',
  ])
  return [
    screen.paint(screen.mark(equal ? 'good' : 'bad', head)),
    ...screen.table(['TABLE', 'HERE', 'PEER', ''], tables),
    '',
    ...(staticData.length === 0
      ? screen.text('The rows of the databases are equal.')
      : [...drawRows(screen, staticData), ...screen.text('Repair them with `vccs sync-db`.')]),
  ]
}

export function drawFailures(screen: Screen, result: ResultOf<'sync.failures'>): string[] {
  const { node, total, failures } = result
  if (total === 0) return screen.text(`No database operation has failed on ${node}.`)
  const rows = failures.map((one) => [
    one.at.slice(0, 19).replace('T', ' '),
    one.seq === 0 ? one.source : String(one.seq),
    `${one.op} ${one.table} ${one.key}`,
    one.reason,
  ])
  return [
    ...screen.text(`${plural(total, 'database operation')} failed on ${node}, newest first:`),
    ...screen.table(['AT (UTC)', 'NUMBER', 'OPERATION', 'REASON'], rows),
  ]
}
