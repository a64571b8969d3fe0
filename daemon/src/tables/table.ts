//! The parent of the eight tables (SyncObject, S1.90-S1.93): records in slots, one flag and one version
//! a slot. The slot is the record's address and equal on both nodes.
import type { z } from 'zod'
import { assert } from '../assert.ts'
import { failure, type Result, success } from '../result.ts'
import type { RecordAddress, RecordChange, TableName } from './address.ts'
import type { Flag } from './flag.ts'
import { digestRecord, equalValues, freezeValue } from './record-value.ts'

interface TableDefinition<R> {
  readonly name: TableName
  readonly schema: z.ZodType<R> & { readonly shape: z.ZodRawShape }
  /** Most records at one time. */
  readonly capacity: number
  keyOf(record: R): string
}

/** One slot as others see it. `record` is null in a tombstone. */
export interface SlotView<R> {
  readonly address: RecordAddress
  readonly key: string
  readonly version: number
  readonly record: R | null
}

/** One change with both values; null means that the record does not exist. */
export interface AppliedChange<R> {
  readonly change: RecordChange
  readonly previous: R | null
  readonly next: R | null
}

export type Origin = 'local' | 'peer'
type ChangeListener<R> = (applied: AppliedChange<R>, origin: Origin) => void

interface Slot<R> {
  key: string
  version: number
  record: R | null
  /** Digest of the record, in the sum of the table; 0 when there is none, or it is not made yet. */
  high: number
  low: number
}

/** Records by key. A record that was put is frozen: change it by putting a new one. */
export class Table<R extends object> {
  readonly name: TableName
  readonly capacity: number
  readonly #definition: TableDefinition<R>
  readonly #notify: ChangeListener<R>
  /** `_array[j]` and `_flags[j]` of S1.92. */
  #slots: Slot<R>[] = []
  #flags: Flag[] = []
  /** Also leads to tombstones, so that a key that comes back gets its old slot. */
  #slotOfKey = new Map<string, number>()
  #free: number[] = []
  #inFree = new Set<number>()
  #size = 0
  #pending = 0
  /** Sums of the digests of all slots. */
  #high = 0
  #low = 0
  /** Slots whose digest is not made yet. Records of a call change a dozen times before anybody asks. */
  #undigested = new Set<number>()

  constructor(definition: TableDefinition<R>, notify: ChangeListener<R>) {
    this.name = definition.name
    this.capacity = definition.capacity
    this.#definition = definition
    this.#notify = notify
  }

  get(key: string): R | undefined {
    const slot = this.#slotOfKey.get(key)
    return slot === undefined ? undefined : (this.#slots[slot]?.record ?? undefined)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  *keys(): IterableIterator<string> {
    for (const slot of this.#slots) if (slot.record !== null) yield slot.key
  }

  *values(): IterableIterator<R> {
    for (const slot of this.#slots) if (slot.record !== null) yield slot.record
  }

  get size(): number {
    return this.#size
  }

  /** Slots ever used; addresses are 0 .. slotCount - 1. */
  get slotCount(): number {
    return this.#slots.length
  }

  /** Slots whose flag is not NONE. */
  get pending(): number {
    return this.#pending
  }

  /** Digest of all records with their addresses; equal on both nodes when the tables are equal. */
  get hash(): string {
    this.#digestAll()
    return hex(this.#high) + hex(this.#low)
  }

  /** Makes this share of the digests that are missing, the oldest first. */
  digestSome(share: number): void {
    let left = Math.ceil(this.#undigested.size * share)
    for (const index of this.#undigested) {
      if (left <= 0) return
      left -= 1
      this.#digest(index)
    }
  }

  /** The digest of all records but those in these slots. */
  hashWithout(slots: readonly number[]): string {
    this.#digestAll()
    let high = this.#high
    let low = this.#low
    for (const slot of new Set(slots)) {
      high = (high - (this.#slots[slot]?.high ?? 0)) >>> 0
      low = (low - (this.#slots[slot]?.low ?? 0)) >>> 0
    }
    return hex(high) + hex(low)
  }

  /** The slots whose flag is not NONE. */
  pendingSlots(): number[] {
    const slots: number[] = []
    if (this.#pending === 0) return slots
    for (const [slot, flag] of this.#flags.entries()) if (flag !== 'NONE') slots.push(slot)
    return slots
  }

  /** True when the record is not what it was when its digest was made, which this does at the first time: its
   * memory changed. */
  isDamaged(slot: number): boolean {
    if (this.#undigested.has(slot)) this.#digest(slot)
    const held = this.#slots[slot]
    if (held === undefined || held.record === null) return false
    const { high, low } = digestRecord(slot, held.key, held.record)
    return high !== held.high || low !== held.low
  }

  /** Adds or replaces the record with this key and marks it DIRTY. What a newer version has put into
   * the present one stays in it.
   * @returns the change; null when an equal record is there already; `table-full`. */
  put(value: R): Result<RecordChange | null> {
    const key = this.#definition.keyOf(value)
    const known = this.#slotOfKey.get(key)
    const previous = known === undefined ? null : (this.#slots[known]?.record ?? null)
    const record = previous === null ? value : this.#withForeign(previous, value)
    if (previous !== null && equalValues(previous, record)) return success(null)
    const index = known ?? this.#allocate()
    if (index === null) return failure('table-full', `${this.name}: ${this.capacity} records`)
    const version = (this.#slots[index]?.version ?? 0) + 1
    const change = this.#write(index, key, version, record)
    this.setFlag(index, 'DIRTY')
    this.#notify({ change, previous, next: record }, 'local')
    return success(change)
  }

  /** Leaves a tombstone, marked DIRTY, whose slot is used again once the peer has confirmed it.
   * @returns null when there is no such record. */
  delete(key: string): RecordChange | null {
    const index = this.#slotOfKey.get(key)
    const slot = index === undefined ? undefined : this.#slots[index]
    if (index === undefined || slot === undefined || slot.record === null) return null
    const previous = slot.record
    const change = this.#write(index, key, slot.version + 1, null)
    this.setFlag(index, 'DIRTY')
    this.#notify({ change, previous, next: null }, 'local')
    return change
  }

  /** A key that lives in the slot where the peer has this one moves behind all others, without a word: the
   * peer may have it in another slot (ADR 0001), and a catch-up removes what the peer does not name. In
   * a table that is full it stays, and `apply` removes it. */
  makeWay({ slot }: RecordAddress, key: string): void {
    const there = this.#slots[slot]
    if (there === undefined || there.record === null || there.key === key) return
    if (this.#slots.length >= this.capacity) return
    const { key: former, record, version } = there
    const index = this.#slots.length
    this.#grow(index)
    this.#write(slot, former, version, null)
    this.#write(index, former, 1, record)
    this.#recycle(slot)
  }

  /** Writes what the peer sent; the flag stays as it is. A key that lives in another slot moves, and a
   * key that lived in this slot goes.
   * @param address with a slot below the capacity; the caller has checked it. */
  apply(
    address: RecordAddress,
    key: string,
    version: number,
    record: R | null,
  ): AppliedChange<R>[] {
    assert(
      address.table === this.name && address.slot < this.capacity,
      'the address is of this table',
    )
    const applied: AppliedChange<R>[] = []
    this.#grow(address.slot)
    const there = this.#slots[address.slot]
    if (there !== undefined && there.record !== null && there.key !== key) {
      const change = { address, key: there.key, version }
      applied.push({ change, previous: there.record, next: null })
      this.#write(address.slot, there.key, version, null)
    }
    const previous = this.get(key) ?? null
    const elsewhere = this.#slotOfKey.get(key)
    if (elsewhere !== undefined && elsewhere !== address.slot && record !== null) {
      this.#write(elsewhere, key, this.#slots[elsewhere]?.version ?? 0, null)
      this.#recycle(elsewhere)
    }
    const gone = record === null && elsewhere !== address.slot
    const change = this.#write(address.slot, key, version, record)
    this.#recycle(address.slot)
    if (!gone) applied.push({ change, previous, next: record })
    for (const one of applied) this.#notify(one, 'peer')
    return applied
  }

  /** What the slot holds; null when it was never used. */
  at(slot: number): SlotView<R> | null {
    const held = this.#slots[slot]
    if (held === undefined || held.version === 0) return null
    const { key, version, record } = held
    return { address: { table: this.name, slot }, key, version, record }
  }

  addressOf(key: string): RecordAddress | null {
    const slot = this.#slotOfKey.get(key)
    return slot === undefined || this.#slots[slot]?.record === null
      ? null
      : { table: this.name, slot }
  }

  /** The value as a record of this table, or null when it is none. */
  parse(value: unknown): R | null {
    const parsed = this.#definition.schema.safeParse(value)
    return parsed.success ? parsed.data : null
  }

  keyOf(record: R): string {
    return this.#definition.keyOf(record)
  }

  flag(slot: number): Flag {
    return this.#flags[slot] ?? 'NONE'
  }

  /** For the replication only, which follows `replication/flags.ts`. */
  setFlag(slot: number, flag: Flag): void {
    const before = this.flag(slot)
    this.#flags[slot] = flag
    if (before === 'NONE' && flag !== 'NONE') this.#pending++
    if (before !== 'NONE' && flag === 'NONE') this.#pending--
    this.#recycle(slot)
  }

  /** Forgets everything without a trace for the peer and without telling listeners. */
  clear(): void {
    this.#slots = []
    this.#flags = []
    this.#slotOfKey.clear()
    this.#free = []
    this.#inFree.clear()
    this.#size = 0
    this.#pending = 0
    this.#high = 0
    this.#low = 0
    this.#undigested.clear()
  }

  /** The fields that are not of this version go on from the present record to the next one. */
  #withForeign(previous: R, next: R): R {
    const { shape } = this.#definition.schema
    const foreign: Partial<R> = {}
    let found = false
    for (const name in previous) {
      if (Object.hasOwn(shape, name) || Object.hasOwn(next, name)) continue
      foreign[name] = previous[name]
      found = true
    }
    return found ? { ...next, ...foreign } : next
  }

  #allocate(): number | null {
    for (let index = this.#free.pop(); index !== undefined; index = this.#free.pop()) {
      this.#inFree.delete(index)
      if (this.#slots[index]?.record === null && this.flag(index) === 'NONE') return index
    }
    if (this.#slots.length >= this.capacity) return null
    this.#grow(this.#slots.length)
    return this.#slots.length - 1
  }

  /** Offers a settled tombstone for a new record. */
  #recycle(index: number): void {
    const slot = this.#slots[index]
    if (slot === undefined || slot.record !== null || this.flag(index) !== 'NONE') return
    if (this.#inFree.has(index)) return
    this.#inFree.add(index)
    this.#free.push(index)
  }

  /** Makes the slots up to `index`. Slots between are free: the peer may fill them in any order. */
  #grow(index: number): void {
    for (let next = this.#slots.length; next <= index; next++) {
      this.#slots.push({ key: '', version: 0, record: null, high: 0, low: 0 })
      this.#flags.push('NONE')
      if (next !== index) this.#recycle(next)
    }
  }

  #write(index: number, key: string, version: number, record: R | null): RecordChange {
    const slot = this.#slots[index]
    assert(slot !== undefined, 'the slot exists')
    if (slot.key !== key && this.#slotOfKey.get(slot.key) === index)
      this.#slotOfKey.delete(slot.key)
    this.#size += (record === null ? 0 : 1) - (slot.record === null ? 0 : 1)
    this.#high = (this.#high - slot.high) >>> 0
    this.#low = (this.#low - slot.low) >>> 0
    slot.high = 0
    slot.low = 0
    slot.key = key
    slot.version = version
    slot.record = freezeValue(record)
    this.#undigested.add(index)
    const mapped = this.#slotOfKey.get(key)
    if (record !== null || mapped === undefined) this.#slotOfKey.set(key, index)
    return { address: { table: this.name, slot: index }, key, version }
  }

  /** Makes all digests that are missing. */
  #digestAll(): void {
    for (const index of this.#undigested) this.#digest(index)
  }

  #digest(index: number): void {
    const slot = this.#slots[index]
    if (!this.#undigested.delete(index) || slot === undefined || slot.record === null) return
    const { high, low } = digestRecord(index, slot.key, slot.record)
    slot.high = high
    slot.low = low
    this.#high = (this.#high + high) >>> 0
    this.#low = (this.#low + low) >>> 0
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
