//! What the journal has of each record, so that it is told what is different only. Pure.
import type { RecordAddress, TableName } from '../tables/address.ts'
import type { SlotView } from '../tables/table.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import type { JournalRow } from './journal-turn.ts'

export class WrittenRecords {
  readonly #tables: Tables
  /** By table and slot. Records are frozen, and the tables hold the same ones. */
  readonly #views = new Map<TableName, Map<number, SlotView<AnyRecord>>>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** The journal has nothing, or it is not known what it has. */
  clear(): void {
    this.#views.clear()
  }

  /** What to write of these records, as they are now, each once. The journal has them then. */
  rows(of: readonly { readonly address: RecordAddress }[], how: 'whole' | 'differences') {
    const rows: JournalRow[] = []
    const written = new Set<SlotView<AnyRecord>>()
    for (const { address } of of) {
      const now = this.#tables.resolve(address)
      const views = this.#viewsOf(address.table)
      const known = views.get(address.slot) ?? null
      if (now === null || (known !== null && written.has(known))) continue
      views.set(address.slot, now)
      written.add(now)
      rows.push({ now, known: how === 'whole' ? null : known })
    }
    return rows
  }

  #viewsOf(table: TableName): Map<number, SlotView<AnyRecord>> {
    const views = this.#views.get(table) ?? new Map<number, SlotView<AnyRecord>>()
    this.#views.set(table, views)
    return views
  }
}
