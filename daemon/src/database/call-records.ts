//! Call records of the first version, which were rows beside the configuration. A peer of that version may
//! still send some; they are carried over to the file of call records (`call-store.ts`).
import { z } from 'zod'
import type { Database, Sql } from '../platform/sqlite.ts'
import type { CallRecord } from '../tables/call-record.ts'

/** Times in Unix milliseconds. */
export const callRecordRowSchema = z.strictObject({
  sessionId: z.string().max(64),
  caller: z.string().max(256),
  callee: z.string().max(256),
  startedAtMs: z.number(),
  answeredAtMs: z.number().nullable(),
  endedAtMs: z.number(),
  status: z.int(),
  endedBy: z.string().max(32),
})
type CallRecordRow = Readonly<z.infer<typeof callRecordRowSchema>>

const rowsPerStep = 500

/** A session that is there already stays as it is. */
export function addCallRecordRow(sql: Sql, row: CallRecordRow): Promise<number> {
  const { sessionId, caller, callee, answeredAtMs, status, endedBy } = row
  const answered = answeredAtMs === null ? null : Math.round(answeredAtMs)
  const times = [Math.round(row.startedAtMs), answered, Math.round(row.endedAtMs)]
  const values = [sessionId, caller, callee, ...times, status, endedBy]
  return sql.run('INSERT OR IGNORE INTO call_records VALUES (?, ?, ?, ?, ?, ?, ?, ?)', values)
}

/** Takes the rows out of the configuration. @param adopt keeps them; only then they are removed.
 * @returns how many. Rejects with `SqlError`. */
export async function carryOver(
  database: Database,
  adopt: (records: readonly CallRecord[]) => Promise<unknown>,
): Promise<number> {
  for (let carried = 0; ; ) {
    const rows = await database.all<CallRecordRow>(
      `SELECT session_id AS sessionId, caller, callee, started_at_ms AS startedAtMs,
         answered_at_ms AS answeredAtMs, ended_at_ms AS endedAtMs, status, ended_by AS endedBy
       FROM call_records ORDER BY session_id LIMIT ?`,
      [rowsPerStep],
    )
    const last = rows.at(-1)?.sessionId
    if (last === undefined) return carried
    await adopt(rows.map(recordOf))
    await database.run('DELETE FROM call_records WHERE session_id <= ?', [last])
    carried += rows.length
  }
}

function recordOf({ callee, endedBy, ...row }: CallRecordRow): CallRecord {
  const by = endedBy === 'caller' || endedBy === 'callee' ? endedBy : 'switch'
  const kind = { type: 'ordinary', callType: '', subject: '', priority: '', reason: '' }
  return { ...kind, ...row, called: callee, endedBy: by, parties: [], services: [], roles: [] }
}
