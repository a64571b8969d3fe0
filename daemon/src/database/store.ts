//! The storage module (数据存储模块, S1.150): one transaction an apply, failures as values.
import type { Database, Sql } from '../platform/sqlite.ts'
import { sliced } from '../platform/turns.ts'
import { type Failure, failure, type Result, success } from '../result.ts'
import {
  type ConfigRow,
  type ConfigRows,
  deleteRow,
  readRow,
  readRows,
  rowHash,
  writeRow,
} from './rows.ts'
import { type ConfigTable, configTables, definitionOf } from './schema.ts'

/** Makes the tables equal to `wanted`. Writes parents before children, then removes children before
 * parents, so that each prefix of the outbox is a sound state for the standby.
 * @param refusal why not, as it is when nothing else can change the tables any more.
 * @returns how many rows changed. `database-failed`, or a refusal: nothing changed. */
export async function storeRows(
  database: Database,
  wanted: ConfigRows,
  refusal: (sql: Sql) => Promise<Failure | null> = async () => null,
): Promise<Result<number>> {
  const stored = await attempt(() =>
    database.transaction(async (sql) => {
      const refused = await refusal(sql)
      if (refused !== null) return refused
      let changed = 0
      const turn = sliced()
      const present = await readRows(sql)
      for (const table of configTables) {
        for (const [key, given] of wanted[table]) {
          await turn()
          const before = present[table].get(key)
          const row = filled(table, given, before)
          if (before !== undefined && rowHash(table, before) === rowHash(table, row)) continue
          changed += await writeRow(sql, table, row)
        }
      }
      for (const table of configTables.toReversed()) {
        for (const key of present[table].keys()) {
          if (!wanted[table].has(key)) changed += await deleteRow(sql, table, key)
        }
      }
      if (changed > 0) await sql.run('UPDATE sync_state SET revision = revision + 1')
      return changed
    }),
  )
  if (!stored.ok) return stored
  const { value } = stored
  return typeof value === 'number' ? success(value) : { ok: false, failure: value }
}

/** Writes some columns of one row, e.g. what a user has set. @returns false: there is no such row, or it
 * has these values. `database-failed`: nothing changed. */
export function storeColumns(
  database: Database,
  { table, key }: { table: ConfigTable; key: string },
  values: ConfigRow,
): Promise<Result<boolean>> {
  return attempt(() =>
    database.transaction(async (sql) => {
      const before = await readRow(sql, table, key)
      if (before === undefined) return false
      return (await writeRow(sql, table, { ...before, ...values })) > 0
    }),
  )
}

/** A column that is not given keeps its value. */
function filled(table: ConfigTable, given: ConfigRow, before: ConfigRow | undefined): ConfigRow {
  const row: Record<string, string | number> = {}
  for (const { name, type } of definitionOf(table).columns) {
    row[name] = given[name] ?? before?.[name] ?? (type === 'TEXT' ? '' : 0)
  }
  return row
}

/** How often the configuration was changed on this node. */
export async function revisionOf(sql: Sql): Promise<number> {
  const row = await sql.get<{ revision: number }>('SELECT revision FROM sync_state')
  return row?.revision ?? 0
}

/** The rows here are lost, and the peer has not given its own yet. */
export async function needsPeerOf(sql: Sql): Promise<boolean> {
  const row = await sql.get<{ needs: number }>('SELECT needs_peer AS needs FROM sync_state')
  return row?.needs === 1
}

export async function setNeedsPeer(sql: Sql, needs: boolean): Promise<void> {
  await sql.run('UPDATE sync_state SET needs_peer = ?', [needs ? 1 : 0])
}

/** The peer has made changes that are here now: the number follows them, and never goes back. */
export async function raiseRevision(sql: Sql, revision: number): Promise<void> {
  await sql.run('UPDATE sync_state SET revision = max(revision, ?)', [revision])
}

/** Turns a rejection of the database into a value. */
export async function attempt<T>(action: () => Promise<T>): Promise<Result<T>> {
  try {
    return success(await action())
  } catch (error) {
    return failure('database-failed', error instanceof Error ? error.message : String(error))
  }
}
