//! The standby's side: asks for everything, follows one boot of the primary, looks after its tables.
import type { TableName } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'
import type { SyncFrame } from '../wire/sync-frame-types.ts'
import { Asking, type Scope } from './catch-up.ts'
import { type Port, sendBody, type TableFault } from './port.ts'
import type { AckOrder, Rebuild, Receiver } from './receiver.ts'
import { Scrub } from './scrub.ts'
import { differingTables, type TableHashes } from './verify.ts'

export class StandbySide {
  readonly #tables: Tables
  readonly #receiver: Receiver
  readonly #port: Port
  readonly #asking: Asking
  readonly #scrub: Scrub
  /** The boot of the primary that is followed. */
  #boot: string | null = null
  /** Number of its newest frame. */
  #newest = -1
  /** Comparisons with the primary, tables that differed, records whose memory had changed, tables that
   * were fetched anew for either reason. */
  readonly counters = { compared: 0, differing: 0, damaged: 0, repaired: 0 }
  comparedAtMs: number | null = null

  constructor(tables: Tables, receiver: Receiver, port: Port) {
    this.#asking = new Asking(port.bootId)
    this.#scrub = new Scrub(tables)
    this.#tables = tables
    this.#receiver = receiver
    this.#port = port
  }

  get complete(): boolean {
    return this.#asking.complete
  }

  start(nowMs: number): void {
    this.stop()
    this.#askAll(nowMs)
  }

  /** Throws everything away and asks for everything. */
  reinit(nowMs: number): void {
    for (const rebuild of this.#receiver.empty(this.#newest)) this.#port.output(rebuild)
    this.#askAll(nowMs)
  }

  stop(): void {
    this.#asking.stop()
    this.#boot = null
  }

  /** @param fresh newer than all that this boot has sent. */
  receive(frame: SyncFrame, fresh: boolean, nowMs: number): void {
    if (frame.bootId === this.#boot) this.#newest = Math.max(this.#newest, frame.sequence ?? 0)
    switch (frame.kind) {
      case 'record':
        this.#follow(frame.bootId, nowMs)
        this.deliver(this.#receiver.record(frame, frame.term, nowMs))
        return
      case 'all-sent':
        // A recorded invitation must not make this standby ask again and again.
        if (frame.ref === 0 && !fresh) return
        this.#follow(frame.bootId, nowMs)
        this.#allSent(frame.ref, frame.count, nowMs)
        return
      case 'table-hashes':
        this.#follow(frame.bootId, nowMs)
        this.#compare(frame, nowMs)
        return
      default:
        this.#port.refuse('role')
    }
  }

  deliver(orders: readonly (Rebuild | AckOrder)[]): void {
    for (const order of orders) {
      if (order.kind === 'rebuild') this.#port.output(order)
      else {
        const bytes = this.#port.encode({ kind: 'ack', ...order.mark }, order.term)
        if (bytes !== null) this.#port.datagram(bytes, 'preferred')
      }
    }
  }

  advance(nowMs: number): void {
    const body = this.#asking.advance(nowMs)
    if (body !== null) sendBody(this.#port, body, 'all')
    if (!this.complete) return
    const damaged = this.#scrub.advance(nowMs)
    this.counters.damaged += damaged.length
    for (const table of new Set(damaged.map((one) => one.table))) {
      this.#repair(table, 'damaged', nowMs)
    }
  }

  nextTimerMs(): number {
    const scrubMs = this.complete ? this.#scrub.nextTimerMs() : Number.POSITIVE_INFINITY
    return Math.min(this.#asking.nextTimerMs(), scrubMs)
  }

  /** Another boot of the primary counts its versions anew: everything is asked for again. */
  #follow(boot: string, nowMs: number): void {
    if (boot === this.#boot) return
    if (this.#boot !== null) this.#askAll(nowMs)
    this.#boot = boot
    this.#newest = -1
    this.#receiver.reset()
  }

  #allSent(ref: number, count: number, nowMs: number): void {
    const asked = this.#asking.current
    if (asked === null) {
      // 0: the primary waits to be asked, although this standby believes to follow. Else the echo was
      // lost: the asking is over here.
      if (ref === 0) this.#askAll(nowMs)
      else sendBody(this.#port, { kind: 'all-sent', ref, count }, 'preferred')
      return
    }
    if (ref === 0) this.#asking.repeat(nowMs)
    if (asked.ref !== ref) return
    if (this.#receiver.seenCount(asked.scope) < count) {
      this.#askAgain(asked.scope, nowMs)
      return
    }
    for (const rebuild of this.#receiver.removeUnseen(asked.scope)) this.#port.output(rebuild)
    sendBody(this.#port, { kind: 'all-sent', ref, count }, 'preferred')
    if (asked.scope === null) this.#scrub.start(nowMs)
    else {
      this.counters.repaired++
      this.#port.output({ kind: 'table-fault', fault: 'repaired', table: asked.scope })
    }
    this.#next(nowMs)
  }

  /** Something that was named is not here, e.g. confirmed before this asking: under a new number. */
  #askAgain(scope: Scope, nowMs: number): void {
    if (scope === null) {
      this.#askAll(nowMs)
      return
    }
    this.#next(nowMs)
    this.#askTable(scope, nowMs)
  }

  #next(nowMs: number): void {
    const table = this.#asking.finish()
    if (table !== null) this.#askTable(table, nowMs)
  }

  #askAll(nowMs: number): void {
    this.#receiver.expect(this.#asking.askAll(nowMs))
  }

  #askTable(table: TableName, nowMs: number): void {
    const ref = this.#asking.askTable(table, nowMs)
    if (ref !== null) this.#receiver.expect(ref)
  }

  #compare(named: TableHashes & { sequence?: number }, nowMs: number): void {
    if (!this.complete || this.#asking.current !== null) return
    const { sequence = 0 } = named
    const isOvertaken = (table: TableName) => this.#receiver.isOvertaken(table, sequence)
    this.counters.compared++
    this.comparedAtMs = nowMs
    for (const table of differingTables(this.#tables, named, isOvertaken)) {
      this.counters.differing++
      this.#repair(table, 'differs', nowMs)
    }
  }

  #repair(table: TableName, fault: TableFault, nowMs: number): void {
    this.#port.output({ kind: 'table-fault', fault, table })
    this.#askTable(table, nowMs)
  }
}
