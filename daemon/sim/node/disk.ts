//! What outlives the processes of a node: the kept term, the call records, and the journal on its memory
//! file system. Writes may fail or take long.
import type { CallBatch } from '../../src/compose/call-ledger.ts'
import type { JournalFile } from '../../src/replication/journal.ts'
import { compareRecords, completedBy } from '../../src/switching/call-record.ts'
import type { CallRecord } from '../../src/tables/call-record.ts'

/** The journal as a file that is renamed into its place. */
class MemoryJournal implements JournalFile {
  readonly #disk: NodeDisk
  #present: Uint8Array[] | null = null
  #next: Uint8Array[] | null = null

  constructor(disk: NodeDisk) {
    this.#disk = disk
  }

  read(): Uint8Array | null {
    return this.#present === null ? null : Buffer.concat(this.#present)
  }

  append(bytes: Uint8Array): boolean {
    if (this.#disk.failing) return false
    this.#present ??= []
    this.#present.push(bytes)
    return true
  }

  beginNext(): boolean {
    this.#next = null
    return !this.#disk.failing
  }

  appendNext(bytes: Uint8Array): boolean {
    if (this.#disk.failing) return false
    this.#next ??= []
    this.#next.push(bytes)
    return true
  }

  commitNext(): boolean {
    if (this.#disk.failing) return false
    this.#present = this.#next ?? []
    this.#next = null
    return true
  }

  remove(): void {
    this.#present = null
    this.#next = null
  }
}

export class NodeDisk {
  /** Every write fails. */
  failing = false
  /** A write of the pair unit stands still for so long. */
  slowMs = 0
  keptTerm: string | null = null
  /** Of the run directory. */
  pairClock: { readonly atMs: number; readonly offsetMs: number } | null = null
  readonly journal: JournalFile = new MemoryJournal(this)
  readonly calls = new Map<string, CallRecord>()
  readonly #live = new Map<string, CallRecord>()
  #seenAtMs = 0

  #termLost = false

  keepTerm(text: string): boolean {
    if (this.failing) this.#termLost = true
    else this.keptTerm = text
    return !this.failing
  }

  /** A term could not be kept since the last call of this. */
  takeTermLost(): boolean {
    const lost = this.#termLost
    this.#termLost = false
    return lost
  }

  /** As `database/call-store.ts` does. */
  storeCalls({ ended, live, seenAtMs }: CallBatch): boolean {
    if (this.failing) return false
    for (const record of ended) this.#putCall(record)
    for (const record of live) {
      if (!this.calls.has(record.sessionId)) this.#live.set(record.sessionId, record)
    }
    this.#seenAtMs = seenAtMs
    return true
  }

  settleCalls(isLive: (sessionId: string) => boolean): number | null {
    if (this.failing) return null
    const gone = [...this.#live.values()].filter(({ sessionId }) => !isLive(sessionId))
    for (const record of gone) {
      this.#putCall({ ...record, endedAtMs: Math.max(record.endedAtMs, this.#seenAtMs) })
    }
    return gone.length
  }

  adoptCalls(records: readonly CallRecord[]): number {
    return records.filter((record) => this.#putCall(record)).length
  }

  #putCall(given: CallRecord): boolean {
    const { sessionId } = given
    const alive = this.#live.get(sessionId)
    this.#live.delete(sessionId)
    const record = alive === undefined ? given : completedBy(given, alive)
    const present = this.calls.get(sessionId)
    if (present !== undefined && compareRecords(record, present) >= 0) return false
    this.calls.set(sessionId, record)
    return true
  }
}
