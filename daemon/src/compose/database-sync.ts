//! `vccs sync-db` on the primary: the differences by table and row, then the repair of the standby.
import type { BodyOf } from '../control/api.ts'
import { rowsNamedMax } from '../control/sync-schema.ts'
import type { TableDifferences } from '../database/compare.ts'
import type { RowSync } from '../database/row-sync.ts'
import { monotonicMs } from '../platform/clock.ts'
import { type Result, success } from '../result.ts'

type SyncDbBody = BodyOf<'sync-db'>
type Repair = NonNullable<SyncDbBody['repair']>
type NamedDifferences = SyncDbBody['tables'][number]

/** @param names of this node and its peer. */
export async function syncDatabases(
  rows: RowSync,
  names: { readonly own: string; readonly peer: string },
  dryRun: boolean,
): Promise<Result<SyncDbBody>> {
  const startedMs = monotonicMs()
  const found = await rows.compare()
  if (!found.ok) return found
  const tables = found.value.map(namedDifferences)
  const differences = tables.reduce(
    (sum, { onlyHere, onlyPeer, different }) => sum + onlyHere + onlyPeer + different,
    0,
  )
  const body = { op: null, dryRun, from: names.own, to: names.peer, differences, tables }
  if (dryRun || differences === 0) return success({ ...body, repair: null })
  const repaired = await rows.repair(found.value)
  if (!repaired.ok) return repaired
  const reasons = new Map(
    repaired.value.failures.map(({ table, key, reason }) => [`${table} ${key}`, reason]),
  )
  const done = repaired.value.steps.map(({ table, key, row }): Repair['rows'][number] => ({
    table,
    key,
    action: row === null ? 'removed' : 'written',
    failure: reasons.get(`${table} ${key}`) ?? null,
  }))
  const failed = done.filter((one) => one.failure !== null)
  const all = [...failed, ...done.filter((one) => one.failure === null)]
  const tookMs = Math.round(monotonicMs() - startedMs)
  const counts = { repaired: done.length - failed.length, failed: failed.length }
  return success({ ...body, repair: { ...counts, rows: all.slice(0, rowsNamedMax), tookMs } })
}

export function namedDifferences(one: TableDifferences): NamedDifferences {
  const { table, rowsHere, rowsPeer, onlyHere, onlyPeer, different } = one
  const rows: NamedDifferences['rows'] = [
    ...onlyHere.map((key) => ({ key, found: 'only-here' as const })),
    ...onlyPeer.map((key) => ({ key, found: 'only-peer' as const })),
    ...different.map((key) => ({ key, found: 'different' as const })),
  ]
  return {
    table,
    rowsHere,
    rowsPeer,
    onlyHere: onlyHere.length,
    onlyPeer: onlyPeer.length,
    different: different.length,
    rows: rows.slice(0, rowsNamedMax),
  }
}
