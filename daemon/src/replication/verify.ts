//! Anti-entropy (S2.47): the primary names one digest a table, the standby asks for a table that
//! differs twice running. Once may be a record that is under way.
import { type TableName, tableNames } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'

type TableHashes = Readonly<Record<TableName, string>>

export function hashTables(tables: Tables): TableHashes {
  const hashes = {} as Record<TableName, string>
  for (const name of tableNames) hashes[name] = tables.hash(name)
  return hashes
}

export class Comparison {
  readonly #differed = new Set<TableName>()

  /** @returns the tables to repair. */
  compare(own: TableHashes, theirs: TableHashes): TableName[] {
    const repair: TableName[] = []
    for (const name of tableNames) {
      if (own[name] === theirs[name]) this.#differed.delete(name)
      else if (this.#differed.delete(name)) repair.push(name)
      else this.#differed.add(name)
    }
    return repair
  }

  reset(): void {
    this.#differed.clear()
  }
}
