//! Rows as both nodes have them. During an upgrade one of them may know more columns: what this node
//! has no column for is kept beside the row, counted in its hash, and goes back unchanged (ADR 0019).
import { createHash } from 'node:crypto'
import type { Sql } from '../platform/sqlite.ts'
import { type ConfigRow, checkedRow, keyOf, readTable, writeRow } from './rows.ts'
import { type ConfigTable, definitionOf } from './schema.ts'

type Values = Readonly<Record<string, unknown>>

/** Of this node only, made anew by each. */
const ownColumn = 'row_hash'
/** Beside one row. */
const unknownColumnsMax = 32
const unknownLengthMax = 4_096

/** The rows with what is kept beside them, by key. */
export async function readShared(sql: Sql, table: ConfigTable): Promise<Map<string, ConfigRow>> {
  const rows = await readTable(sql, table)
  const unknown = await sql.all<{ key: string; name: string; value: string }>(
    `SELECT row_key AS key, column_name AS name, value FROM unknown_columns
     WHERE table_name = ? ORDER BY row_key, column_name`,
    [table],
  )
  for (const { key, name, value } of unknown) {
    const row = rows.get(key)
    if (row !== undefined) rows.set(key, { ...row, [name]: JSON.parse(value) as string | number })
  }
  return rows
}

/** The row as it is sent: an empty value says what a missing column says. */
export function saidOf(row: ConfigRow): ConfigRow {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '' && value !== 0))
}

/** Hash of one row on both nodes. */
export function sharedHash(table: ConfigTable, row: ConfigRow): string {
  const values = Object.entries(saidOf(row)).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([table, values]))
    .digest('hex')
    .slice(0, 32)
}

/** Adds the row or replaces the one with its key.
 * @param values of the peer; a column that is missing is empty.
 * @returns null when done, else the reason. */
export async function writeShared(
  sql: Sql,
  table: ConfigTable,
  values: Values,
): Promise<string | null> {
  const known = new Set([ownColumn])
  const filled: Record<string, unknown> = {}
  for (const { name, type } of definitionOf(table).columns) {
    known.add(name)
    filled[name] = values[name] ?? (type === 'TEXT' ? '' : 0)
  }
  const row = checkedRow(table, filled)
  const unknown = Object.entries(values).filter(([name]) => !known.has(name))
  if (row === null || keyOf(table, row) === '' || !unknown.every(isKeepable)) {
    return 'the values do not fit the table'
  }
  if (unknown.length > unknownColumnsMax) return 'too many unknown columns'
  await writeRow(sql, table, row)
  for (const [name, value] of unknown) {
    await sql.run(
      `INSERT INTO unknown_columns VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value`,
      [table, keyOf(table, row), name, JSON.stringify(value)],
    )
  }
  return null
}

function isKeepable([name, value]: [string, unknown]): boolean {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) return false
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' && value.length <= unknownLengthMax
}
