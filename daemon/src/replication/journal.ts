//! The journal of a switch that is alone: its own sync frames on a memory file system, so that its
//! tables come back when the unit crashes while no standby has them (DESIGN section 7). Pure but for
//! the injected file.
import { addressId, type RecordChange, tableNames } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'
import { readRecord } from '../wire/sync-body.ts'
import { decodeSyncFrame } from '../wire/sync-frame.ts'

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
const rewriteFromBytes = 1_048_576
/** Records written in one turn: all at once would hold up the calls. */
const recordsPerTurn = 128

export class Journal {
  readonly #file: JournalFile
  readonly #tables: Tables
  readonly #frameOf: (change: RecordChange) => Uint8Array | null
  #open = false
  #bytes = 0
  #rewriteAtBytes = rewriteFromBytes
  /** Where the rewriting is: a table and a slot. */
  #cursor: { table: number; slot: number; bytes: number } | null = null
  /** Something could not be written: the journal has a hole until it is written anew. */
  #hole = false
  failures = 0

  /** @param frameOf `Replicator.frameOf` */
  constructor(
    file: JournalFile,
    tables: Tables,
    frameOf: (change: RecordChange) => Uint8Array | null,
  ) {
    this.#file = file
    this.#tables = tables
    this.#frameOf = frameOf
  }

  /** This node serves alone from now on: writes all there is, a part in each `advance`. What an
   * earlier life wrote stays until all is written. */
  open(): void {
    if (this.#open) return
    this.#open = true
    this.#bytes = 0
    this.#rewrite()
  }

  /** A standby has everything, or this node is one: what the journal says is out of date. */
  close(): void {
    this.#open = false
    this.#cursor = null
    this.#hole = false
    this.#file.remove()
  }

  /** Writes the records as they are now; call it once a turn with what changed. */
  append(changes: readonly RecordChange[]): void {
    if (!this.#open || changes.length === 0) return
    // A frame holds the record as it is now: one for each record of the turn is enough.
    const newest = new Map(changes.map((change) => [addressId(change.address), change]))
    const bytes = joined([...newest.values()].map(this.#frameOf))
    const done = this.#check(this.#file.append(bytes))
    this.#bytes += bytes.length
    if (this.#cursor !== null) this.#appendNext(bytes)
    else if (done && (this.#hole || this.#bytes > this.#rewriteAtBytes)) this.#rewrite()
  }

  /** Goes on with the rewriting. */
  advance(): void {
    const cursor = this.#cursor
    if (cursor === null) return
    const frames: (Uint8Array | null)[] = []
    for (let name = tableNames[cursor.table]; name !== undefined; name = tableNames[cursor.table]) {
      if (frames.length >= recordsPerTurn) break
      const table = this.#tables.any(name)
      const view = table.at(cursor.slot)
      if (view !== null && view.record !== null) frames.push(this.#frameOf(view))
      cursor.slot++
      if (cursor.slot < table.slotCount) continue
      cursor.table++
      cursor.slot = 0
    }
    this.#appendNext(joined(frames))
    if (this.#cursor === null || cursor.table < tableNames.length) return
    this.#cursor = null
    this.#check(this.#file.commitNext())
    this.#bytes = cursor.bytes
    this.#rewriteAtBytes = Math.max(rewriteFromBytes, cursor.bytes * growthMax)
  }

  /** 0 while `advance` has something to do, else infinity. */
  nextTimerMs(): number {
    return this.#cursor === null ? Number.POSITIVE_INFINITY : 0
  }

  #rewrite(): void {
    this.#hole = false
    if (!this.#check(this.#file.beginNext())) return
    this.#cursor = { table: 0, slot: 0, bytes: 0 }
  }

  #appendNext(bytes: Uint8Array): void {
    if (this.#cursor === null) return
    this.#cursor.bytes += bytes.length
    // A part of the records would be worse than the journal as it is, hole and all.
    if (!this.#check(this.#file.appendNext(bytes))) this.#cursor = null
  }

  /** After a failure the journal is written anew as soon as something can be written again. */
  #check(done: boolean): boolean {
    if (done) return true
    this.failures++
    this.#hole = true
    return false
  }
}

interface JournalLoad {
  /** Frames taken over, and the highest term in them. */
  readonly frames: number
  readonly term: number
  /** Bytes after the first damaged frame: not used. */
  readonly lostBytes: number
}

/** Rebuilds the tables of a switch that starts as primary again. Stops at the first damaged frame:
 * what was written after it may need it. Listeners hear the records as changes of the peer. */
export function loadJournal(file: JournalFile, tables: Tables, key: Uint8Array): JournalLoad {
  const bytes = file.read() ?? new Uint8Array(0)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let frames = 0
  let term = 0
  while (bytes.length - at >= 4) {
    const length = view.getUint32(at)
    if (length > bytes.length - at - 4) break
    const frame = decodeSyncFrame(bytes.subarray(at + 4, at + 4 + length), key)
    if (typeof frame === 'string' || frame.kind !== 'record') break
    const table = tables.any(frame.address.table)
    const value = readRecord(frame.body)
    const record = value === null ? null : table.parse(value)
    if (frame.address.slot >= table.capacity || (value !== null && record === null)) break
    if (record !== null && table.keyOf(record) !== frame.key) break
    table.apply(frame.address, frame.key, frame.version, record)
    term = Math.max(term, frame.term)
    frames++
    at += 4 + length
  }
  return { frames, term, lostBytes: bytes.length - at }
}

/** Each frame with its length before it. */
function joined(frames: readonly (Uint8Array | null)[]): Uint8Array {
  const there = frames.filter((frame) => frame !== null)
  const bytes = new Uint8Array(there.reduce((sum, frame) => sum + 4 + frame.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const frame of there) {
    view.setUint32(at, frame.length)
    bytes.set(frame, at + 4)
    at += 4 + frame.length
  }
  return bytes
}
