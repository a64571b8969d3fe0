//! The operation log and the failure log (S2.51-S2.54), as they are shown.
import type { Sql } from '../platform/sqlite.ts'
import { newestOf } from './operations.ts'

interface LoggedFailure {
  /** Unix milliseconds. */
  readonly atMs: number
  readonly source: string
  readonly seq: number
  readonly table: string
  readonly op: string
  readonly key: string
  readonly reason: string
}

/** Newest first. */
export async function readFailures(
  sql: Sql,
  max: number,
): Promise<{ total: number; failures: LoggedFailure[] }> {
  const failures = await sql.all<LoggedFailure>(
    `SELECT at_ms AS "atMs", source, seq, table_name AS "table", op, row_key AS key, reason
     FROM failure_log ORDER BY id DESC LIMIT ?`,
    [max],
  )
  return { total: await countOf(sql, 'failure_log'), failures }
}

export async function readLogCounts(
  sql: Sql,
): Promise<{ newest: number; operations: number; failures: number }> {
  return {
    newest: await newestOf(sql),
    operations: await countOf(sql, 'operation_log'),
    failures: await countOf(sql, 'failure_log'),
  }
}

async function countOf(sql: Sql, table: 'operation_log' | 'failure_log'): Promise<number> {
  const row = await sql.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)
  return row?.count ?? 0
}
