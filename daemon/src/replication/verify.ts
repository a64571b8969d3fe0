//! Anti-entropy (S2.47): the primary names one digest a table, over all records that the standby has
//! confirmed. Both mean the same moment, so that a difference is one at the first sight: a record under
//! way is left out, and a digest that a later record has overtaken is not compared.
import { type TableName, tableNames } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'
import type { SyncBody } from '../wire/sync-frame-types.ts'

export type TableHashes = Extract<SyncBody, { kind: 'table-hashes' }>

/** A table with more records under way is compared another time: naming them takes a large frame. */
const openSlotsMax = 512

/** What the primary says now. */
export function nameHashes(tables: Tables): TableHashes {
  const hashes: Partial<Record<TableName, string>> = {}
  const open: Partial<Record<TableName, readonly number[]>> = {}
  for (const name of tableNames) {
    const table = tables.any(name)
    if (table.pending > openSlotsMax) continue
    const slots = table.pendingSlots()
    hashes[name] = table.hashWithout(slots)
    if (slots.length > 0) open[name] = slots
  }
  return { kind: 'table-hashes', hashes, open }
}

/** The tables that differ here.
 * @param isOvertaken a record was applied to this table that is newer than what the primary said. */
export function differingTables(
  tables: Tables,
  { hashes, open }: TableHashes,
  isOvertaken: (name: TableName) => boolean,
): TableName[] {
  return tableNames.filter((name) => {
    const theirs = hashes[name]
    if (theirs === undefined || isOvertaken(name)) return false
    return tables.any(name).hashWithout(open[name] ?? []) !== theirs
  })
}
