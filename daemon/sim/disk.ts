//! What outlives the processes of a node: the kept term, the call records, and the journal on its memory
//! file system. Writes may fail or take long.
import type { StoredCallRecord } from '../src/database/call-records.ts'
import type { JournalFile } from '../src/replication/journal.ts'

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
  readonly journal: JournalFile = new MemoryJournal(this)
  readonly calls = new Map<string, StoredCallRecord>()

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

  storeCalls(records: readonly StoredCallRecord[]): boolean {
    if (this.failing) return false
    for (const record of records) {
      if (!this.calls.has(record.sessionId)) this.calls.set(record.sessionId, record)
    }
    return true
  }
}
