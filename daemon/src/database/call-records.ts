//! Ended calls (呼叫记录, S1.138). They reach the standby through the outbox, like the configuration.
import { z } from 'zod'
import type { Database, Sql } from '../platform/sqlite.ts'
import type { Result } from '../result.ts'
import { attempt } from './store.ts'

/** Times in Unix milliseconds. */
export const callRecordSchema = z.strictObject({
  sessionId: z.string().max(64),
  caller: z.string().max(256),
  callee: z.string().max(256),
  startedAtMs: z.number(),
  answeredAtMs: z.number().nullable(),
  endedAtMs: z.number(),
  status: z.int(),
  endedBy: z.string().max(32),
})
export type StoredCallRecord = Readonly<z.infer<typeof callRecordSchema>>

/** A session that is there already stays as it is, so that a call record that is written again after a
 * take-over is not doubled.
 * @returns how many were new. `database-failed`: none was kept. */
export function storeCallRecords(
  database: Database,
  records: readonly StoredCallRecord[],
): Promise<Result<number>> {
  return attempt(() =>
    database.transaction(async (sql) => {
      let added = 0
      for (const record of records) added += await addCallRecord(sql, record)
      return added
    }),
  )
}

export function addCallRecord(sql: Sql, record: StoredCallRecord): Promise<number> {
  const { sessionId, caller, callee, answeredAtMs, status, endedBy } = record
  const answered = answeredAtMs === null ? null : Math.round(answeredAtMs)
  const times = [Math.round(record.startedAtMs), answered, Math.round(record.endedAtMs)]
  return sql.run('INSERT OR IGNORE INTO call_records VALUES (?, ?, ?, ?, ?, ?, ?, ?)', [
    sessionId,
    caller,
    callee,
    ...times,
    status,
    endedBy,
  ])
}

/** The newest ended calls first. */
export function readCallRecords(sql: Sql, count: number): Promise<StoredCallRecord[]> {
  return sql.all<StoredCallRecord>(
    `SELECT session_id AS sessionId, caller, callee, started_at_ms AS startedAtMs,
       answered_at_ms AS answeredAtMs, ended_at_ms AS endedAtMs, status, ended_by AS endedBy
     FROM call_records ORDER BY ended_at_ms DESC, session_id LIMIT ?`,
    [count],
  )
}
