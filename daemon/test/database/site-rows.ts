//! Rows for the tests of the database.
import { accountColumns, newerAccountColumns } from '../../src/database/account-columns.ts'
import { type ConfigRow, type ConfigRows, keyOf } from '../../src/database/rows.ts'
import { type ConfigTable, configTables } from '../../src/database/schema.ts'

export function account(number: string, priority = 4): ConfigRow {
  return {
    number,
    display_name: `name of ${number}`,
    type: 'telephone',
    ha1_md5: '0'.repeat(32),
    ha1_sha256: '0'.repeat(64),
    digest: 'md5',
    priority,
    twin: 1,
    ...Object.fromEntries([...accountColumns, ...newerAccountColumns].map((name) => [name, ''])),
  }
}

export function rowsOf(given: Partial<Record<ConfigTable, readonly ConfigRow[]>>): ConfigRows {
  const rows = {} as Record<ConfigTable, ReadonlyMap<string, ConfigRow>>
  for (const table of configTables) {
    rows[table] = new Map((given[table] ?? []).map((row) => [keyOf(table, row), row]))
  }
  return rows
}
