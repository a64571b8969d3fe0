//! Rows of the configuration tables: read, write, hash. The hash is stored with the row, so that
//! silent damage of the file shows.
import { createHash } from 'node:crypto'
import type { Sql, SqlRow } from '../platform/sqlite.ts'
import {
  type ConfigTable,
  type ConfigTableDefinition,
  configDefinitions,
  definitionOf,
  keyColumn,
} from './schema.ts'

/** Values by column, without the hash. */
export type ConfigRow = Readonly<Record<string, string | number>>
/** All rows of all tables, by key. */
export type ConfigRows = Readonly<Record<ConfigTable, ReadonlyMap<string, ConfigRow>>>

const rowsPerPart = 250

/** 128 bits over the columns in their order. Of columns that came later to their table only those count
 * that say something, so that hashes of before stay right. */
export function rowHash(table: ConfigTable, row: ConfigRow): string {
  const { columns } = definitionOf(table)
  const first = columns.filter(({ since }) => since === undefined)
  const later = columns.filter(({ since, name }) => since !== undefined && Boolean(row[name]))
  const values = [
    ...first.map(({ name }) => row[name] ?? null),
    ...later.map(({ name }) => [name, row[name]]),
  ]
  return createHash('sha256')
    .update(JSON.stringify([table, values]))
    .digest('hex')
    .slice(0, 32)
}

export function keyOf(table: ConfigTable, row: ConfigRow): string {
  return String(row[keyColumn(definitionOf(table))])
}

/** The row of untrusted values, or null when a column is missing, unknown or of another type. */
export function checkedRow(table: ConfigTable, values: unknown): ConfigRow | null {
  if (typeof values !== 'object' || values === null) return null
  const row: Record<string, string | number> = {}
  for (const { name, type } of definitionOf(table).columns) {
    const value = (values as Record<string, unknown>)[name]
    if (type === 'TEXT' && typeof value === 'string') row[name] = value
    else if (type === 'INTEGER' && Number.isSafeInteger(value)) row[name] = value as number
    else return null
  }
  return row
}

/** All rows in the order of their keys. They come in parts: SQLite gives what it has read as one piece of
 * work on the loop, which for 10,000 rows is too long for a call that waits. */
export async function readTable(sql: Sql, table: ConfigTable): Promise<Map<string, ConfigRow>> {
  const definition = definitionOf(table)
  const names = definition.columns.map(({ name }) => name).join(', ')
  const key = keyColumn(definition)
  const rows = new Map<string, ConfigRow>()
  for (let after: string | null = null; ; ) {
    const where = after === null ? '' : `WHERE ${key} > ?`
    const part: ConfigRow[] = await sql.all<ConfigRow>(
      `SELECT ${names} FROM ${table} ${where} ORDER BY ${key} LIMIT ${rowsPerPart}`,
      after === null ? [] : [after],
    )
    for (const row of part) rows.set(String(row[key]), row)
    const last = part.at(-1)
    if (last === undefined || part.length < rowsPerPart) return rows
    after = String(last[key])
  }
}

export async function readRow(
  sql: Sql,
  table: ConfigTable,
  key: string,
): Promise<ConfigRow | undefined> {
  const definition = definitionOf(table)
  const names = definition.columns.map(({ name }) => name).join(', ')
  return sql.get<ConfigRow>(`SELECT ${names} FROM ${table} WHERE ${keyColumn(definition)} = ?`, [
    key,
  ])
}

export async function readRows(sql: Sql): Promise<ConfigRows> {
  const rows = {} as Record<ConfigTable, ReadonlyMap<string, ConfigRow>>
  for (const { name } of configDefinitions) rows[name] = await readTable(sql, name)
  return rows
}

/** Adds the row or replaces the one with its key, with its hash. An equal row stays untouched. */
export async function writeRow(sql: Sql, table: ConfigTable, row: ConfigRow): Promise<number> {
  const definition = definitionOf(table)
  const names = [...definition.columns.map(({ name }) => name), 'row_hash']
  const rest = names.slice(1)
  const values = names.map((name) =>
    name === 'row_hash' ? rowHash(table, row) : (row[name] ?? null),
  )
  return sql.run(
    `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
     ON CONFLICT (${keyColumn(definition)}) DO UPDATE SET
       ${rest.map((name) => `${name} = excluded.${name}`).join(', ')}
     WHERE ${rest.map((name) => `${name} IS NOT excluded.${name}`).join(' OR ')}`,
    values,
  )
}

/** @returns how many rows there were: 0 or 1. */
export function deleteRow(sql: Sql, table: ConfigTable, key: string): Promise<number> {
  return sql.run(`DELETE FROM ${table} WHERE ${keyColumn(definitionOf(table))} = ?`, [key])
}

interface DamagedRow {
  readonly table: ConfigTable
  readonly key: string
}

/** Rows whose values are not those that were written. */
export async function damagedRows(sql: Sql): Promise<DamagedRow[]> {
  const damaged: DamagedRow[] = []
  for (const definition of configDefinitions) {
    for (const row of await sql.all<SqlRow>(`SELECT * FROM ${definition.name}`)) {
      if (isSound(definition, row)) continue
      damaged.push({ table: definition.name, key: String(row[keyColumn(definition)]) })
    }
  }
  return damaged
}

function isSound(definition: ConfigTableDefinition, row: SqlRow): boolean {
  const checked = checkedRow(definition.name, row)
  return checked !== null && rowHash(definition.name, checked) === row.row_hash
}
