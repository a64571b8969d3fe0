//! The journal of this node: written while nobody else has the records, read by the switch unit that
//! follows one that died alone (DESIGN section 7).
import type { AlarmReport } from '../oam/alarm-list.ts'
import { Journal, type JournalFile, loadJournal } from '../replication/journal.ts'
import type { JournalRow } from '../replication/journal-turn.ts'
import type { RecordChange } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'

export class JournalKeeper {
  readonly #file: JournalFile
  readonly #tables: Tables
  readonly #journal: Journal
  #kept = false

  constructor(
    file: JournalFile,
    tables: Tables,
    turnOf: (rows: readonly JournalRow[]) => Uint8Array,
  ) {
    this.#file = file
    this.#tables = tables
    this.#journal = new Journal(file, tables, turnOf)
  }

  /** @returns what was found, for the log. */
  load(key: Uint8Array): Record<string, unknown> {
    return { ...loadJournal(this.#file, this.#tables, key) }
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

  advance(nowMs: number): void {
    this.#journal.advance(nowMs)
  }

  alarms(): AlarmReport[] {
    if (!this.#journal.failing) return []
    const detail = `${this.#journal.failures} writes failed since start`
    return [{ code: 'journal-failed', subject: 'journal', detail }]
  }

  nextTimerMs(): number {
    return this.#journal.nextTimerMs()
  }
}
