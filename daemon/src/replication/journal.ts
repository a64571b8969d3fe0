//! The journal of a switch that is alone: what changes, turn by turn, on a memory file system, so that its
//! tables come back when the unit crashes while no standby has them (DESIGN section 7). Pure but for
//! the injected file.
import { addressId, type RecordChange, tableNames } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'
import { readTurn } from './journal-turn.ts'

/** The file and, while the journal is written anew, the one beside it that will take its place:
 * `platform/journal-file.ts`. Failures are values: a full disk must not end a call. */
export interface JournalFile {
  read(): Uint8Array | null
  append(bytes: Uint8Array): boolean
  /** Begins an empty file beside the present one, of which `append` takes no notice. */
  beginNext(): boolean
  appendNext(bytes: Uint8Array): boolean
  /** The file beside takes the place of the present one, in one step. */
  commitNext(): boolean
  remove(): void
}

/** The journal is written anew when it is this many times as long as the records need. */
const growthMax = 4
/** A second or two of calls: writing it anew more often would take them more time than the journal itself. */
const rewriteFromBytes = 4_194_304
/** After a failure all is written anew this much later. */
const retryMs = 1_000
/** Records written in one turn: all at once would hold up the calls. */
const recordsPerTurn = 128

export class Journal {
  readonly #file: JournalFile
  readonly #tables: Tables
  readonly #turnOf: (changes: readonly RecordChange[]) => Uint8Array
  #open = false
  #bytes = 0
  #rewriteAtBytes = rewriteFromBytes
  /** Where the rewriting is: a table and a slot. */
  #cursor: { table: number; slot: number; bytes: number } | null = null
  failures = 0
  /** The file is not up to date: something could not be written. */
  #failing = false
  #retryAtMs: number | null = null

  /** @param turnOf `Replicator.turnOf` */
  constructor(
    file: JournalFile,
    tables: Tables,
    turnOf: (changes: readonly RecordChange[]) => Uint8Array,
  ) {
    this.#file = file
    this.#tables = tables
    this.#turnOf = turnOf
  }

  /** This node serves alone from now on: writes all there is, a part in each `advance`. What an
   * earlier life wrote stays until all is written. */
  open(): void {
    if (this.#open) return
    this.#open = true
    this.#bytes = 0
    this.#rewrite()
  }

  /** The file cannot be written at present: what changes now is lost with this process. */
  get failing(): boolean {
    return this.#failing
  }

  /** A standby has everything, or this node is one: what the journal says is out of date. */
  close(): void {
    this.#open = false
    this.#cursor = null
    this.#failing = false
    this.#retryAtMs = null
    this.#file.remove()
  }

  /** Writes the records as they are now; call it once a turn with what changed. */
  append(changes: readonly RecordChange[]): void {
    if (!this.#open || changes.length === 0) return
    // A turn holds the records as they are now: each once is enough.
    const newest = new Map(changes.map((change) => [addressId(change.address), change]))
    const bytes = this.#turnOf([...newest.values()])
    // After a failure the file ends where it failed: what it says is old, and still was true together.
    if (!this.#failing && !this.#file.append(bytes)) this.#fail()
    this.#bytes += bytes.length
    if (this.#cursor !== null) this.#appendNext(bytes)
    else if (!this.#failing && this.#bytes > this.#rewriteAtBytes) this.#rewrite()
  }

  /** Goes on with the rewriting, or begins it anew some time after a failure. */
  advance(nowMs: number): void {
    if (this.#failing && this.#retryAtMs === null) this.#retryAtMs = nowMs + retryMs
    if (this.#retryAtMs !== null && nowMs >= this.#retryAtMs) {
      this.#retryAtMs = null
      if (this.#open) this.#rewrite()
    }
    const cursor = this.#cursor
    if (cursor === null) return
    const records: RecordChange[] = []
    for (let name = tableNames[cursor.table]; name !== undefined; name = tableNames[cursor.table]) {
      if (records.length >= recordsPerTurn) break
      const table = this.#tables.any(name)
      const view = table.at(cursor.slot)
      if (view !== null && view.record !== null) records.push(view)
      cursor.slot++
      if (cursor.slot < table.slotCount) continue
      cursor.table++
      cursor.slot = 0
    }
    this.#appendNext(this.#turnOf(records))
    if (cursor.table < tableNames.length || this.#cursor === null) return
    this.#cursor = null
    if (!this.#file.commitNext()) {
      this.#fail()
      return
    }
    this.#failing = false
    this.#bytes = cursor.bytes
    this.#rewriteAtBytes = Math.max(rewriteFromBytes, cursor.bytes * growthMax)
  }

  /** When `advance` has something to do: 0 at once, infinity never. */
  nextTimerMs(): number {
    if (this.#cursor !== null || (this.#failing && this.#retryAtMs === null)) return 0
    return this.#retryAtMs ?? Number.POSITIVE_INFINITY
  }

  #rewrite(): void {
    if (this.#file.beginNext()) this.#cursor = { table: 0, slot: 0, bytes: 0 }
    else this.#fail()
  }

  #appendNext(bytes: Uint8Array): void {
    if (this.#cursor === null) return
    this.#cursor.bytes += bytes.length
    if (!this.#file.appendNext(bytes)) this.#fail()
  }

  /** Half of a file never takes the place of a whole one: all is written anew, later. */
  #fail(): void {
    this.failures++
    this.#failing = true
    this.#cursor = null
    this.#retryAtMs = null
  }
}

interface JournalLoad {
  /** Records taken over, and the highest term in them. */
  readonly frames: number
  readonly term: number
  /** Bytes after the first damaged turn: not used. */
  readonly lostBytes: number
}

/** Rebuilds the tables of a switch that starts as primary again. Stops at the first damaged or torn
 * turn: what was written after it may need it, and half a turn was never true. Listeners hear the
 * records as changes of the peer. */
export function loadJournal(file: JournalFile, tables: Tables, key: Uint8Array): JournalLoad {
  const bytes = file.read() ?? new Uint8Array(0)
  let at = 0
  let frames = 0
  let term = 0
  for (;;) {
    const turn = readTurn(bytes, at, { tables, key })
    if (turn === null) return { frames, term, lostBytes: bytes.length - at }
    for (const { address, key: name, version, record } of turn.records) {
      tables.any(address.table).apply(address, name, version, record)
    }
    frames += turn.records.length
    term = Math.max(term, turn.term)
    at += turn.length
  }
}
