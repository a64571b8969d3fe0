//! Each record is read again once a period and compared with its digest, which is made within a period of its
//! writing: memory that changed under it later is found although nobody used it. A few records at a time, so that
//! no call waits.
import { limits } from '../limits.ts'
import { type RecordAddress, tableNames } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'

/** Parts in which a period reads all records: few for few records, so that an idle node may sleep. */
const turnsMin = 20
const turnsMax = 100
const recordsPerTurn = 20
/** Of the digests that are missing, so that few are when both nodes compare them. */
const digestShare = 0.1

export class Scrub {
  readonly #tables: Tables
  #at = { table: 0, slot: 0 }
  #dueMs = 0

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** Begins at the first record. */
  start(nowMs: number): void {
    this.#at = { table: 0, slot: 0 }
    this.#dueMs = nowMs + limits.tableHashMs / turnsMax
  }

  /** Reads the next records when their time has come.
   * @returns the addresses of those that are not what was written. */
  advance(nowMs: number): RecordAddress[] {
    if (nowMs < this.#dueMs) return []
    for (const name of tableNames) this.#tables.any(name).digestSome(digestShare)
    const slots = tableNames.reduce((sum, name) => sum + this.#tables.any(name).slotCount, 0)
    const turns = Math.min(Math.max(Math.ceil(slots / recordsPerTurn), turnsMin), turnsMax)
    const turnMs = limits.tableHashMs / turns
    const late = Math.min(Math.floor((nowMs - this.#dueMs) / turnMs) + 1, turns)
    // From when it was due, so that a loop that looks late still reads everything within the period.
    this.#dueMs = late < turns ? this.#dueMs + late * turnMs : nowMs + turnMs
    const count = Math.min(Math.ceil(slots / turns) * late, slots)
    const damaged: RecordAddress[] = []
    for (let done = 0; done < count; done++) {
      const address = this.#next()
      if (this.#tables.any(address.table).isDamaged(address.slot)) damaged.push(address)
    }
    return damaged
  }

  nextTimerMs(): number {
    return this.#dueMs
  }

  /** There is at least one slot. */
  #next(): RecordAddress {
    for (;;) {
      const { table, slot } = this.#at
      const name = tableNames[table]
      if (name !== undefined && slot < this.#tables.any(name).slotCount) {
        this.#at = { table, slot: slot + 1 }
        return { table: name, slot }
      }
      this.#at = { table: (table + 1) % tableNames.length, slot: 0 }
    }
  }
}
