//! The operations of the row synchronisation on one database (S2.48-S2.54): the outbox is read on the
//! primary, applied on the standby with a record of every result.
import { type Database, type Sql, SqlError } from '../platform/sqlite.ts'
import { addCallRecordRow, callRecordRowSchema } from './call-records.ts'
import type { RepairStep } from './compare.ts'
import { deleteRow, readRow } from './rows.ts'
import { isConfigTable } from './schema.ts'
import { writeShared } from './shared-rows.ts'
import { raiseRevision } from './store.ts'

export interface RowOperation {
  /** Number in the outbox of its source. */
  readonly seq: number
  readonly table: string
  readonly op: 'insert' | 'update' | 'delete'
  readonly key: string
  /** Changed columns and their new values. */
  readonly changed: Readonly<Record<string, unknown>>
}

export interface OperationFailure {
  readonly seq: number
  readonly table: string
  readonly key: string
  readonly reason: string
}

interface Applied {
  /** Newest number of this source that was done; null: nothing is known of this source. */
  readonly applied: number | null
  readonly failures: readonly OperationFailure[]
  /** Numbers are missing: rows must be compared. */
  readonly gap: boolean
}

/** Entries of the outbox and of the logs that are kept. */
const logEntriesMax = 20_000

/** Names the outbox of this database; a new file has a new one. */
export async function sourceOf(sql: Sql): Promise<string> {
  const row = await sql.get<{ source: string }>('SELECT source FROM sync_state')
  return row?.source ?? ''
}

/** Number of the newest entry there ever was in the outbox. */
export async function newestOf(sql: Sql): Promise<number> {
  const row = await sql.get<{ seq: number }>('SELECT seq FROM sqlite_sequence WHERE name = ?', [
    'sync_log',
  ])
  return row?.seq ?? 0
}

/** Beside its name now: how far this database has the outbox that it had before. */
const formerly = 'formerly '

/** For a copy that the peer may be ahead of: the old numbers would be given to other changes. */
export function renameOutbox(database: Database): Promise<void> {
  return database.transaction(async (sql) => {
    await setApplied(sql, formerly + (await sourceOf(sql)), await newestOf(sql))
    await sql.run('DELETE FROM sync_log')
    await sql.run("DELETE FROM sqlite_sequence WHERE name = 'sync_log'")
    await sql.run('UPDATE sync_state SET source = lower(hex(randomblob(8)))')
  })
}

/** The outboxes that this database had, and how far it has them. */
export async function formerOutboxes(sql: Sql): Promise<{ source: string; seq: number }[]> {
  const rows = await sql.all<{ source: string; seq: number }>(
    'SELECT substr(source, ?) AS source, applied AS seq FROM sync_positions WHERE source LIKE ?',
    [formerly.length + 1, `${formerly}%`],
  )
  return rows
}

/** Outbox entries after `seq` up to `until`, oldest first, until their text is `lengthMax` characters
 * long. */
export async function outboxAfter(
  sql: Sql,
  seq: number,
  { until, lengthMax }: { until: number; lengthMax: number },
): Promise<RowOperation[]> {
  const rows = await sql.all<{
    seq: number
    table: string
    op: string
    key: string
    changed: string
  }>(
    `SELECT seq, table_name AS "table", op, row_key AS key, changed FROM sync_log
     WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 500`,
    [seq, until],
  )
  const operations: RowOperation[] = []
  let length = 0
  for (const row of rows) {
    length += row.changed.length + row.key.length + row.table.length + 60
    if (length > lengthMax && operations.length > 0) break
    const changed = JSON.parse(row.changed) as Record<string, unknown>
    operations.push({ ...row, op: row.op as RowOperation['op'], changed })
  }
  return operations
}

/** Rows that an outbox names, as `changedKey`; all: it does not reach back so far. */
export type ChangedKeys = ReadonlySet<string> | 'all'

export function changedKey(table: string, key: string): string {
  return `${table} ${key}`
}

/** The rows that were changed here, or the first of them. */
interface ChangedPart {
  readonly keys: string[]
  /** Number of the last entry that this part counts. */
  readonly until: number
  readonly done: boolean
  readonly gap: boolean
}

const entriesPerPart = 500

/** Rows in the entries after `after` up to `until`. @param lengthMax characters of the keys. */
export async function changedIn(
  sql: Sql,
  { after, until }: { after: number; until: number },
  lengthMax: number,
): Promise<ChangedPart> {
  const entries = await sql.all<{ seq: number; table: string; key: string }>(
    `SELECT seq, table_name AS "table", row_key AS key FROM sync_log
     WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
    [after, until, entriesPerPart],
  )
  const last = Math.min(until, after + entriesPerPart)
  if (entries.length !== Math.max(0, last - after) || (entries.at(-1)?.seq ?? last) !== last) {
    return { keys: [], until: after, done: true, gap: true }
  }
  const keys = new Set<string>()
  let length = 0
  for (const { seq, table, key } of entries) {
    length += table.length + key.length * 2 + 4
    if (length > lengthMax) return { keys: [...keys], until: seq - 1, done: false, gap: false }
    keys.add(changedKey(table, key))
  }
  return { keys: [...keys], until: last, done: last === until, gap: false }
}

/** The rows that were changed here after this entry. */
export async function changedAfter(sql: Sql, after: number): Promise<ChangedKeys> {
  const until = await newestOf(sql)
  const changed = new Set<string>()
  for (let from = after; from < until; ) {
    const part = await changedIn(sql, { after: from, until }, Number.POSITIVE_INFINITY)
    if (part.gap) return 'all'
    for (const key of part.keys) changed.add(key)
    from = part.until
  }
  return changed
}

export async function appliedOf(sql: Sql, source: string): Promise<number | null> {
  const row = await sql.get<{ applied: number }>(
    'SELECT applied FROM sync_positions WHERE source = ?',
    [source],
  )
  return row?.applied ?? null
}

export async function setApplied(sql: Sql, source: string, seq: number): Promise<void> {
  await sql.run(
    `INSERT INTO sync_positions VALUES (?, ?)
     ON CONFLICT (source) DO UPDATE SET applied = excluded.applied`,
    [source, seq],
  )
}

/** Runs `body` in one transaction whose changes do not come into the own outbox. */
export function applying<T>(database: Database, body: (sql: Sql) => Promise<T>): Promise<T> {
  return database.transaction(async (sql) => {
    await sql.run('UPDATE sync_state SET applying = 1')
    const result = await body(sql)
    await sql.run('UPDATE sync_state SET applying = 0')
    return result
  })
}

/** Applies operations in the order of their numbers, all in one transaction. What was applied before is
 * passed over, so that a repeated frame changes nothing; after a gap nothing is applied.
 * @param change `revision`: of the configuration after the last operation.
 * @param log wall-clock time for the logs, Unix milliseconds. */
export function applyOperations(
  database: Database,
  change: { source: string; operations: readonly RowOperation[]; revision: number },
  log: { wallMs: number },
): Promise<Applied> {
  const { source, operations, revision } = change
  return applying(database, async (sql) => {
    const begun = await appliedOf(sql, source)
    const first = operations[0]?.seq ?? 0
    const whole = operations.every(({ seq }, index) => seq === first + index)
    if (begun === null || first > begun + 1 || !whole) {
      return { applied: begun, failures: [], gap: true }
    }
    let applied = begun
    const failures: OperationFailure[] = []
    for (const operation of operations) {
      if (operation.seq <= applied) continue
      const reason = await perform(sql, operation)
      await recordOperation(sql, { source, operation, reason, wallMs: log.wallMs })
      const { seq, table, key } = operation
      if (reason !== null) failures.push({ seq, table, key, reason })
      applied = operation.seq
    }
    await setApplied(sql, source, applied)
    await raiseRevision(sql, revision)
    return { applied, failures, gap: false }
  })
}

/** Old entries of the outbox and the logs go; a standby that needs them compares rows instead. */
export function prune(database: Database): Promise<void> {
  return database.transaction(async (sql) => {
    for (const [table, column] of [
      ['sync_log', 'seq'],
      ['operation_log', 'id'],
      ['failure_log', 'id'],
    ]) {
      await sql.run(
        `DELETE FROM ${table} WHERE ${column} <= (SELECT max(${column}) FROM ${table}) - ?`,
        [logEntriesMax],
      )
    }
  })
}

/** @returns null when done, else the reason (S2.51: what is to be removed or changed must be there). */
async function perform(sql: Sql, operation: RowOperation): Promise<string | null> {
  const { table, op, key, changed } = operation
  try {
    if (table === 'call_records') {
      const call = callRecordRowSchema.safeParse(changed)
      if (call.success) await addCallRecordRow(sql, call.data)
      return call.success ? null : 'the values do not fit the table'
    }
    if (!isConfigTable(table)) return 'there is no such table'
    if (op === 'delete') {
      return (await deleteRow(sql, table, key)) === 1 ? null : 'there is no such row'
    }
    const before = op === 'insert' ? {} : await readRow(sql, table, key)
    if (before === undefined) return 'there is no such row'
    return await writeShared(sql, table, { ...before, ...changed })
  } catch (error) {
    if (isRefusal(error)) return error.message
    throw error
  }
}

/** @returns null when done, else the reason. */
export async function performStep(
  sql: Sql,
  { table, key, row }: RepairStep,
): Promise<string | null> {
  try {
    if (row !== null) return await writeShared(sql, table, row)
    await deleteRow(sql, table, key)
    return null
  } catch (error) {
    if (isRefusal(error)) return error.message
    throw error
  }
}

/** The row was refused, and only it. After any other failure, e.g. a full disk, the transaction is over,
 * and what came after it would be kept alone. */
function isRefusal(error: unknown): error is SqlError {
  return error instanceof SqlError && (error.code === 'SQLITE_CONSTRAINT' || error.code === 'BIND')
}

/** S2.54: the result of every operation is kept; that of a failed one in the failure log too. */
export async function recordOperation(
  sql: Sql,
  done: { source: string; operation: RowOperation; reason: string | null; wallMs: number },
): Promise<void> {
  const { seq, table, op, key } = done.operation
  const values = [Math.round(done.wallMs), done.source, seq, table, op, key]
  await sql.run(
    `INSERT INTO operation_log (at_ms, source, seq, table_name, op, row_key, result)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [...values, done.reason === null ? 'done' : 'failed'],
  )
  if (done.reason === null) return
  await sql.run(
    `INSERT INTO failure_log (at_ms, source, seq, table_name, op, row_key, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [...values, done.reason],
  )
}
