//! The sync receive side (S1.107-S1.113): a frame becomes a record, the record is rebuilt in the units
//! of this node, and only then its ACK is given.
import { limits } from '../limits.ts'
import { addressId, type RecordChange, type TableName, tableNames } from '../tables/address.ts'
import { equalValues } from '../tables/record-value.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import type { RecordMark, SyncFrame } from '../wire/sync-frame-types.ts'

/** The composing file rebuilds the record in core and media, then says `rebuilt(token, ok)`. */
export interface Rebuild {
  readonly kind: 'rebuild'
  readonly token: number
  readonly change: RecordChange
  readonly previous: AnyRecord | null
  readonly next: AnyRecord | null
}

export interface AckOrder {
  readonly kind: 'ack'
  readonly term: number
  readonly mark: RecordMark
}

type RecordBody = Extract<SyncFrame, { kind: 'record' }>

/** A frame's way from the table to its ACK. */
interface Job {
  readonly term: number
  readonly mark: RecordMark
  readonly startedMs: number
  waiting: number
  state: 'rebuilding' | 'confirmed' | 'failed'
  /** The asking in which the record was named last. */
  seen: number
}

export class Receiver {
  readonly counters = { frames: 0, late: 0, repeated: 0, invalid: 0, failed: 0 }
  readonly #tables: Tables
  readonly #read: (body: Uint8Array) => unknown
  /** The newest frame of each address. */
  readonly #jobs = new Map<number, Job>()
  readonly #tokens = new Map<number, Job>()
  #nextToken = 1
  #asking = 0
  /** Number of the newest frame that changed each table. */
  readonly #newest = new Map<TableName, number>()
  #floor = -1

  /** @param read the value of a serialised record; undefined when the bytes are none. */
  constructor(tables: Tables, read: (body: Uint8Array) => unknown) {
    this.#tables = tables
    this.#read = read
  }

  /** Forgets versions and tokens: another primary counts its own. The tables stay.
   * @param floor frames up to this number are not believed: without the versions, a recorded one could
   * not be told from news. */
  reset(floor = -1): void {
    this.#floor = floor
    this.#jobs.clear()
    this.#tokens.clear()
    this.#newest.clear()
  }

  /** True when a frame that was sent after this one has changed the table already. */
  isOvertaken(table: TableName, sequence: number): boolean {
    return (this.#newest.get(table) ?? 0) > sequence
  }

  /** Frames from now on answer this asking; each record is compared once more with what is here. */
  expect(ref: number): void {
    this.#asking = ref
  }

  /** @param term of the frame, already checked not to be older than the receiver's. */
  record(frame: RecordBody, term: number, nowMs: number): (Rebuild | AckOrder)[] {
    this.counters.frames++
    if ((frame.sequence ?? 0) <= this.#floor) {
      this.counters.late++
      return []
    }
    const job = this.#jobs.get(addressId(frame.address))
    if (job !== undefined && this.#isDone(frame, term, job)) {
      this.counters.repeated++
      return [ackOf(job)]
    }
    const record = this.#recordOf(frame)
    if (record === undefined) {
      this.counters.invalid++
      return []
    }
    if (job === undefined || isNewer(term, frame.version, job)) {
      return this.#apply(frame, record, term, nowMs)
    }
    if (job.term !== term || job.mark.version !== frame.version || job.mark.hash !== frame.hash) {
      this.counters.late++
      return job.state === 'confirmed' && job.mark.hash === frame.hash ? [ackOf(job)] : []
    }
    this.counters.repeated++
    if (job.state === 'confirmed') return this.#apply(frame, record, term, nowMs)
    job.seen = this.#asking
    const overdue = nowMs - job.startedMs > limits.rebuildMsMax
    if (job.state === 'failed' || overdue) return this.#again(frame, record, term, nowMs)
    return []
  }

  /** @returns the ACK when the whole frame is rebuilt and is still the newest of its address. */
  rebuilt(token: number, ok: boolean): AckOrder[] {
    const job = this.#tokens.get(token)
    this.#tokens.delete(token)
    if (job === undefined) return []
    job.waiting--
    if (!ok) {
      job.state = 'failed'
      this.counters.failed++
    }
    if (job.waiting > 0 || job.state === 'failed') return []
    job.state = 'confirmed'
    return this.#jobs.get(addressId(job.mark.address)) === job ? [ackOf(job)] : []
  }

  /** Records that were not rebuilt yet. */
  get rebuilding(): number {
    return this.#tokens.size
  }

  /** Live records named in the asking under way. */
  seenCount(scope: TableName | null): number {
    let count = 0
    for (const name of scope === null ? tableNames : [scope]) {
      const table = this.#tables.any(name)
      for (let slot = 0; slot < table.slotCount; slot++) {
        const seen = this.#jobs.get(addressId({ table: name, slot }))?.seen
        if (seen === this.#asking && table.at(slot)?.record) count++
      }
    }
    return count
  }

  /** Removes the records that the primary did not name: it has them no longer. */
  removeUnseen(scope: TableName | null): Rebuild[] {
    const rebuilds: Rebuild[] = []
    for (const name of scope === null ? tableNames : [scope]) {
      const table = this.#tables.any(name)
      for (let slot = 0; slot < table.slotCount; slot++) {
        const view = table.at(slot)
        const seen = this.#jobs.get(addressId({ table: name, slot }))?.seen
        if (view === null || view.record === null || seen === this.#asking) continue
        for (const applied of table.apply(view.address, view.key, view.version, null)) {
          rebuilds.push({ kind: 'rebuild', token: this.#nextToken++, ...applied })
        }
      }
    }
    return rebuilds
  }

  /** Removes every record, also from the units of this node, and forgets every version.
   * @param floor as in `reset`. */
  empty(floor: number): Rebuild[] {
    const rebuilds: Rebuild[] = []
    for (const name of tableNames) {
      const table = this.#tables.any(name)
      for (let slot = 0; slot < table.slotCount; slot++) {
        const view = table.at(slot)
        if (view === null || view.record === null) continue
        for (const applied of table.apply(view.address, view.key, view.version, null)) {
          rebuilds.push({ kind: 'rebuild', token: this.#nextToken++, ...applied })
        }
      }
    }
    this.#tables.clear()
    this.reset(floor)
    return rebuilds
  }

  /** A repetition of what is here: not worth to be read once more. */
  #isDone({ version, hash }: RecordBody, term: number, job: Job): boolean {
    const same = job.term === term && job.mark.version === version && job.mark.hash === hash
    return same && job.state === 'confirmed' && job.seen === this.#asking
  }

  /** @returns the record, null for a deleted one, undefined when the frame is not usable. */
  #recordOf(frame: RecordBody): AnyRecord | null | undefined {
    const table = this.#tables.any(frame.address.table)
    if (frame.address.slot >= table.capacity || frame.body.length !== frame.length) return undefined
    const value = this.#read(frame.body)
    if (value === undefined || value === null) return value
    const record = table.parse(value)
    return record !== null && table.keyOf(record) === frame.key ? record : undefined
  }

  #apply(
    frame: RecordBody,
    record: AnyRecord | null,
    term: number,
    nowMs: number,
  ): (Rebuild | AckOrder)[] {
    const table = this.#tables.any(frame.address.table)
    const former = this.#jobs.get(addressId(frame.address))
    const job = this.#newJob(frame, term, nowMs)
    const { address, sequence = 0 } = frame
    this.#newest.set(address.table, Math.max(sequence, this.#newest.get(address.table) ?? 0))
    if (record !== null) table.makeWay(frame.address, frame.key)
    const applied = table.apply(frame.address, frame.key, frame.version, record)
    // What was ordered before and is not confirmed may not have been built at all.
    const open = former !== undefined && former.state !== 'confirmed'
    const changes = applied.filter(({ previous, next }) => open || !equalValues(previous, next))
    return this.#order(job, changes)
  }

  /** Orders the rebuild once more: the media did not do it or did not answer. */
  #again(
    frame: RecordBody,
    record: AnyRecord | null,
    term: number,
    nowMs: number,
  ): (Rebuild | AckOrder)[] {
    const { address, key, version } = frame
    const former = this.#jobs.get(addressId(address))
    for (const [token, job] of this.#tokens) if (job === former) this.#tokens.delete(token)
    const job = this.#newJob(frame, term, nowMs)
    return this.#order(job, [{ change: { address, key, version }, previous: null, next: record }])
  }

  #newJob(frame: RecordBody, term: number, startedMs: number): Job {
    const { address, version, length, hash } = frame
    const mark = { address, version, length, hash }
    const job: Job = { term, mark, startedMs, waiting: 0, state: 'rebuilding', seen: this.#asking }
    this.#jobs.set(addressId(address), job)
    return job
  }

  #order(job: Job, changes: readonly Omit<Rebuild, 'kind' | 'token'>[]): (Rebuild | AckOrder)[] {
    job.waiting = changes.length
    if (changes.length === 0) {
      job.state = 'confirmed'
      return [ackOf(job)]
    }
    return changes.map((change) => {
      const token = this.#nextToken++
      this.#tokens.set(token, job)
      return { kind: 'rebuild', token, ...change }
    })
  }
}

function isNewer(term: number, version: number, job: Job): boolean {
  return term > job.term || (term === job.term && version > job.mark.version)
}

function ackOf(job: Job): AckOrder {
  return { kind: 'ack', term: job.term, mark: job.mark }
}
