//! The journal of this node: written while nobody else has the records, read by the switch unit that
//! follows one that died alone (DESIGN section 7).
import type { NodeConfig } from '../oam/node-config.ts'
import { openJournalFile } from '../platform/journal-file.ts'
import { Journal, loadJournal } from '../replication/journal.ts'
import type { RecordChange } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'

export class JournalKeeper {
  readonly #path: string
  readonly #tables: Tables
  readonly #journal: Journal
  #kept = false

  constructor(
    config: NodeConfig,
    tables: Tables,
    frameOf: (change: RecordChange) => Uint8Array | null,
  ) {
    this.#path = `${config.runDirectory}/journal`
    this.#tables = tables
    this.#journal = new Journal(openJournalFile(this.#path), tables, frameOf)
  }

  /** @returns what was found, for the log. */
  load(key: Uint8Array): Record<string, unknown> {
    return { ...loadJournal(openJournalFile(this.#path), this.#tables, key) }
  }

  /** Removes what an earlier life has left. */
  discard(): void {
    this.#kept = false
    this.#journal.close()
  }

  keep(wanted: boolean): void {
    if (wanted === this.#kept) return
    this.#kept = wanted
    if (wanted) this.#journal.open()
    else this.#journal.close()
  }

  append(changes: readonly RecordChange[]): void {
    this.#journal.append(changes)
  }

  advance(): void {
    this.#journal.advance()
  }

  nextTimerMs(): number {
    return this.#journal.nextTimerMs()
  }
}
