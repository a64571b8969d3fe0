//! Row-by-row comparison of two databases and its repair: after a gap in the numbers, and for
//! `vccs sync-db`. Hashes are made from the rows as they are, so that silent damage is a difference.
import { createHash } from 'node:crypto'
import type { Sql } from '../platform/sqlite.ts'
import { sliced } from '../platform/turns.ts'
import type { ConfigRow } from './rows.ts'
import { type ConfigTable, configTables } from './schema.ts'
import { readShared, saidOf, sharedHash } from './shared-rows.ts'

/** Key and hash of each row. */
type RowHashes = ReadonlyMap<string, string>
export type DatabaseHashes = Readonly<Record<ConfigTable, RowHashes>>

export interface TableDifferences {
  readonly table: ConfigTable
  readonly rowsHere: number
  readonly rowsPeer: number
  readonly onlyHere: readonly string[]
  readonly onlyPeer: readonly string[]
  readonly different: readonly string[]
}

/** What makes the peer's rows equal to the ones here. */
export interface RepairStep {
  readonly table: ConfigTable
  readonly key: string
  /** Null: remove. */
  readonly row: ConfigRow | null
}

export async function rowHashes(sql: Sql, table: ConfigTable): Promise<Map<string, string>> {
  const rows = await readShared(sql, table)
  const hashes = new Map<string, string>()
  const turn = sliced()
  for (const [key, row] of rows) {
    await turn()
    hashes.set(key, sharedHash(table, row))
  }
  return hashes
}

export async function databaseHashes(sql: Sql): Promise<DatabaseHashes> {
  const hashes = {} as Record<ConfigTable, RowHashes>
  for (const table of configTables) hashes[table] = await rowHashes(sql, table)
  return hashes
}

/** One digest over all rows, to see quickly whether two databases are equal. */
export function digestOf(hashes: DatabaseHashes): string {
  const digest = createHash('sha256')
  for (const table of configTables) {
    for (const [key, hash] of hashes[table]) digest.update(JSON.stringify([table, key, hash]))
  }
  return digest.digest('hex')
}

/** @returns the tables that differ. */
export function compare(own: DatabaseHashes, peer: DatabaseHashes): TableDifferences[] {
  return configTables
    .map((table) => compareTable(table, own[table], peer[table]))
    .filter(isDifferent)
}

/** The steps in an order in which no row misses its parent: writes, parents first; then removals,
 * children first. */
export async function repair(
  sql: Sql,
  differences: readonly TableDifferences[],
): Promise<RepairStep[]> {
  const steps: RepairStep[] = []
  for (const { table, onlyHere, different } of differences) {
    const rows = await readShared(sql, table)
    for (const key of [...onlyHere, ...different]) {
      const row = rows.get(key)
      if (row !== undefined) steps.push({ table, key, row: saidOf(row) })
    }
  }
  for (const { table, onlyPeer } of differences.toReversed()) {
    for (const key of onlyPeer) steps.push({ table, key, row: null })
  }
  return steps
}

function compareTable(table: ConfigTable, own: RowHashes, peer: RowHashes): TableDifferences {
  const keys = [...own.keys()]
  return {
    table,
    rowsHere: own.size,
    rowsPeer: peer.size,
    onlyHere: keys.filter((key) => !peer.has(key)),
    onlyPeer: [...peer.keys()].filter((key) => !own.has(key)),
    different: keys.filter((key) => peer.has(key) && peer.get(key) !== own.get(key)),
  }
}

function isDifferent({ onlyHere, onlyPeer, different }: TableDifferences): boolean {
  return onlyHere.length + onlyPeer.length + different.length > 0
}
