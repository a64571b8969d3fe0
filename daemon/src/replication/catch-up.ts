//! 索取, the request mechanism (S1.114, S2.46): a late or restarted standby asks for everything, the
//! primary names all it has, and both know when it is done. The same for one table (repair).
import { limits } from '../limits.ts'
import { addressId, type RecordAddress, type TableName, tableNames } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'
import type { SyncBody } from '../wire/sync-frame-types.ts'
import { firstRef } from './boot-gate.ts'

/** null: all tables. */
export type Scope = TableName | null

const repeatMs = limits.resendMsMax

/** The standby's side: one asking at a time, everything first. */
export class Asking {
  #nextRef: number
  #current: { scope: Scope; ref: number; dueMs: number } | null = null
  readonly #waiting = new Set<TableName>()
  #complete = false

  /** @param bootId of this node: an answer to an asking of an earlier boot must not end one of this. */
  constructor(bootId: string) {
    this.#nextRef = firstRef(bootId)
  }

  /** True once everything was named and arrived, until the next asking for everything. */
  get complete(): boolean {
    return this.#complete
  }

  get current(): { scope: Scope; ref: number } | null {
    return this.#current
  }

  /** Asks for everything, or starts that again under a new number.
   * @returns the number. */
  askAll(nowMs: number): number {
    this.#complete = false
    this.#waiting.clear()
    this.#current = { scope: null, ref: this.#nextRef++, dueMs: nowMs }
    return this.#current.ref
  }

  /** Asks for one table, when nothing else is asked for. */
  askTable(table: TableName, nowMs: number): number | null {
    if (this.#current !== null) {
      if (this.#current.scope !== null) this.#waiting.add(table)
      return null
    }
    this.#current = { scope: table, ref: this.#nextRef++, dueMs: nowMs }
    return this.#current.ref
  }

  /** The primary waits for the asking: it has not understood it yet. */
  repeat(nowMs: number): void {
    if (this.#current !== null) this.#current.dueMs = nowMs
  }

  /** What was asked for is here. @returns a table that waits for its turn. */
  finish(): TableName | null {
    if (this.#current?.scope === null) this.#complete = true
    this.#current = null
    const [next] = this.#waiting
    if (next !== undefined) this.#waiting.delete(next)
    return next ?? null
  }

  /** No primary to ask. */
  stop(): void {
    this.#current = null
    this.#complete = false
    this.#waiting.clear()
  }

  advance(nowMs: number): SyncBody | null {
    const current = this.#current
    if (current === null || nowMs < current.dueMs) return null
    current.dueMs = nowMs + repeatMs
    if (current.scope === null) return { kind: 'request-all', ref: current.ref }
    return { kind: 'request-table', ref: current.ref, table: current.scope }
  }

  nextTimerMs(): number {
    return this.#current?.dueMs ?? Number.POSITIVE_INFINITY
  }
}

interface Task {
  readonly scope: Scope
  readonly ref: number
  readonly outstanding: Set<number>
  dueMs: number
  confirmed: boolean
}

/** The primary's side, for one standby. */
export class Serving {
  readonly #tables: Tables
  #all: Task | null = null
  #one: Task | null = null

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** The standby has said that everything is there. */
  get confirmed(): boolean {
    return this.#all?.confirmed === true
  }

  /** @returns the records to send; null when this asking is served already. */
  begin(scope: Scope, ref: number, nowMs: number): RecordAddress[] | null {
    const known = scope === null ? this.#all : this.#one
    if (known?.ref === ref) {
      // The standby asks again: it has not heard the end.
      known.dueMs = nowMs
      return null
    }
    const addresses = this.#addresses(scope)
    const outstanding = new Set(addresses.map(addressId))
    const task: Task = { scope, ref, outstanding, dueMs: nowMs, confirmed: false }
    if (scope === null) {
      this.#all = task
      this.#one = null
    } else this.#one = task
    return addresses
  }

  settled(address: RecordAddress): void {
    this.#all?.outstanding.delete(addressId(address))
    this.#one?.outstanding.delete(addressId(address))
  }

  /** The standby echoed the end of an asking. */
  echoed(ref: number): void {
    if (this.#all?.ref === ref) this.#all.confirmed = true
    if (this.#one?.ref === ref) this.#one = null
  }

  stop(): void {
    this.#all = null
    this.#one = null
  }

  advance(nowMs: number): SyncBody[] {
    const bodies: SyncBody[] = []
    for (const task of [this.#all, this.#one]) {
      if (task === null || !isOver(task) || nowMs < task.dueMs) continue
      task.dueMs = nowMs + repeatMs
      bodies.push({ kind: 'all-sent', ref: task.ref, count: this.#count(task.scope) })
    }
    return bodies
  }

  nextTimerMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const task of [this.#all, this.#one]) {
      if (task !== null && isOver(task)) next = Math.min(next, task.dueMs)
    }
    return next
  }

  /** Live records, and tombstones that are not confirmed yet. */
  #addresses(scope: Scope): RecordAddress[] {
    const addresses: RecordAddress[] = []
    for (const name of scope === null ? tableNames : [scope]) {
      const table = this.#tables.any(name)
      for (let slot = 0; slot < table.slotCount; slot++) {
        const view = table.at(slot)
        const named = view !== null && (view.record !== null || table.flag(slot) !== 'NONE')
        if (named) addresses.push(view.address)
      }
    }
    return addresses
  }

  #count(scope: Scope): number {
    const counts = this.#tables.counts()
    let sum = 0
    for (const name of scope === null ? tableNames : [scope]) sum += counts[name]
    return sum
  }
}

function isOver(task: Task): boolean {
  return task.outstanding.size === 0 && !task.confirmed
}
