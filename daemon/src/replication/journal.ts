//! The journal of a switch that is alone: what changes, turn by turn, on a memory file system, so that its
//! tables come back when the unit crashes while no standby has them (DESIGN section 7). Pure but for
//! the injected file.
import { type RecordChange, tableNames } from '../tables/address.ts'
import type { SlotView } from '../tables/table.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import { type JournalRow, readTurn } from './journal-turn.ts'
import { WrittenRecords } from './written-records.ts'

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
/** How fast all is written: so many records at a time, as many slots looked at, and a pause. */
interface Pace {
  readonly records: number
  readonly slots: number
  readonly pauseMs: number
}

/** Until all is written once, a crash loses what is missing: all at once would hold up the calls, and no pause is
 * made. */
const urgent: Pace = { records: 128, slots: 4_096, pauseMs: 0 }
/** The file is whole and only long: 128 large records at a time would hold the calls up for 2 ms in each turn. */
const beside: Pace = { records: 16, slots: 1_024, pauseMs: 10 }

/** Where the writing of all is: a table and a slot. */
interface Writing {
  readonly pace: Pace
  dueMs: number
  table: number
  slot: number
  bytes: number
}

export class Journal {
  readonly #file: JournalFile
  readonly #tables: Tables
  readonly #turnOf: (rows: readonly JournalRow[]) => Uint8Array
  readonly #written: WrittenRecords
  #open = false
  #bytes = 0
  #rewriteAtBytes = rewriteFromBytes
  #writing: Writing | null = null
  failures = 0
  /** The file is not up to date: something could not be written. */
  #failing = false
  #retryAtMs: number | null = null

  /** @param turnOf `Replicator.turnOf` */
  constructor(
    file: JournalFile,
    tables: Tables,
    turnOf: (rows: readonly JournalRow[]) => Uint8Array,
  ) {
    this.#file = file
    this.#tables = tables
    this.#turnOf = turnOf
    this.#written = new WrittenRecords(tables)
  }

  /** This node serves alone from now on: writes all there is, a part in each `advance`. What an
   * earlier life wrote stays until all is written. */
  open(): void {
    if (this.#open) return
    this.#open = true
    this.#bytes = 0
    this.#written.clear()
    this.#rewrite(urgent)
  }

  /** The file cannot be written at present: what changes now is lost with this process. */
  get failing(): boolean {
    return this.#failing
  }

  /** A standby has everything, or this node is one: what the journal says is out of date. */
  close(): void {
    this.#open = false
    this.#writing = null
    this.#failing = false
    this.#retryAtMs = null
    this.#written.clear()
    this.#file.remove()
  }

  /** Writes what is different in the records now; call it once a turn with what changed. Until all is written for the
   * first time, and after a failure, the present file does not have what a difference is one from: they are written
   * whole. Later the file beside may not have it yet; then the whole record follows in it. */
  append(changes: readonly RecordChange[]): void {
    if (!this.#open || changes.length === 0) return
    const isKnown = this.#writing?.pace !== urgent
    const bytes = this.#turnOf(this.#written.rows(changes, isKnown ? 'differences' : 'whole'))
    // After a failure the file ends where it failed: what it says is old, and still was true together.
    if (!this.#failing && !this.#file.append(bytes)) this.#fail()
    this.#bytes += bytes.length
    if (this.#writing !== null) this.#appendNext(bytes)
    else if (!this.#failing && this.#bytes > this.#rewriteAtBytes) this.#rewrite(beside)
  }

  /** Goes on with the rewriting, or begins it anew some time after a failure. */
  advance(nowMs: number): void {
    if (this.#failing && this.#retryAtMs === null) this.#retryAtMs = nowMs + retryMs
    if (this.#retryAtMs !== null && nowMs >= this.#retryAtMs) {
      this.#retryAtMs = null
      if (this.#open) this.#rewrite(urgent)
    }
    const writing = this.#writing
    if (writing === null || nowMs < writing.dueMs) return
    if (writing.pace.pauseMs > 0) writing.dueMs = nowMs + writing.pace.pauseMs
    this.#appendNext(this.#turnOf(this.#written.rows(this.#some(writing), 'whole')))
    if (writing.table < tableNames.length || this.#writing === null) return
    this.#writing = null
    if (!this.#file.commitNext()) {
      this.#fail()
      return
    }
    this.#failing = false
    this.#bytes = writing.bytes
    this.#rewriteAtBytes = Math.max(rewriteFromBytes, writing.bytes * growthMax)
  }

  /** The records that come next. */
  #some(writing: Writing): SlotView<AnyRecord>[] {
    const records: SlotView<AnyRecord>[] = []
    const { pace } = writing
    for (let looked = 0; looked < pace.slots && records.length < pace.records; looked += 1) {
      const name = tableNames[writing.table]
      if (name === undefined) break
      const table = this.#tables.any(name)
      const view = table.at(writing.slot)
      if (view !== null && view.record !== null) records.push(view)
      writing.slot += 1
      if (writing.slot < table.slotCount) continue
      writing.table += 1
      writing.slot = 0
    }
    return records
  }

  /** When `advance` has something to do: 0 at once, infinity never. */
  nextTimerMs(): number {
    if (this.#writing !== null) return this.#writing.dueMs
    if (this.#failing && this.#retryAtMs === null) return 0
    return this.#retryAtMs ?? Number.POSITIVE_INFINITY
  }

  #rewrite(pace: Pace): void {
    if (this.#file.beginNext()) this.#writing = { pace, dueMs: 0, table: 0, slot: 0, bytes: 0 }
    else this.#fail()
  }

  #appendNext(bytes: Uint8Array): void {
    if (this.#writing === null) return
    this.#writing.bytes += bytes.length
    if (!this.#file.appendNext(bytes)) this.#fail()
  }

  /** Half of a file never takes the place of a whole one: all is written anew, later. */
  #fail(): void {
    this.failures++
    this.#failing = true
    this.#written.clear()
    this.#writing = null
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
