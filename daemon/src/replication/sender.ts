//! The sync send side (S1.98-S1.104): changed records become frames, frames are repeated until the
//! right ACK comes. Time is an argument; what shall be sent is returned.
import { limits } from '../limits.ts'
import { addressId, type RecordAddress, tableNames } from '../tables/address.ts'
import type { SlotView } from '../tables/table.ts'
import type { AnyRecord, Tables } from '../tables/tables.ts'
import type { RecordMark, SyncBody } from '../wire/sync-frame-types.ts'
import { type FlagEvent, nextFlag } from './flags.ts'
import type { Links } from './port.ts'

/** The first sending takes the link that was heard last, repetitions take all. */
interface Datagram {
  readonly bytes: Uint8Array
  readonly links: Links
}

/** The codec with the sender's header; null when the frame would be longer than allowed. */
interface SenderCodec {
  encode(body: SyncBody): Uint8Array | null
  serialise(record: AnyRecord | null): { body: Uint8Array; hash: string }
}

interface InFlight {
  readonly address: RecordAddress
  readonly mark: RecordMark
  readonly bytes: Uint8Array
  readonly bulk: boolean
  readonly sentMs: number
  dueMs: number
  waitMs: number
}

export class Sender {
  readonly counters = { frames: 0, bytes: 0, retries: 0, acksRight: 0, acksWrong: 0, oversize: 0 }
  readonly #tables: Tables
  readonly #codec: SenderCodec
  #active = false
  /** Live changes go before what a catch-up asks for. Keys: address numbers. */
  readonly #urgent = new Map<number, RecordAddress>()
  readonly #bulk = new Map<number, RecordAddress>()
  readonly #inFlight = new Map<number, InFlight>()
  #bulkBytes = 0
  #bulkFrames = 0
  /** How long ACKs take at present: a standby that is busy must not be buried under repetitions. */
  #ackMs = 0
  /** Not later than the first repetition due. */
  #dueMs = Number.POSITIVE_INFINITY

  constructor(tables: Tables, codec: SenderCodec) {
    this.#tables = tables
    this.#codec = codec
  }

  get active(): boolean {
    return this.#active
  }

  /** A standby listens from now on. */
  start(): void {
    this.#active = true
  }

  /** Nobody listens: the marks stay, the buffers go, and tombstones are free at once. */
  stop(): void {
    this.#active = false
    this.#urgent.clear()
    this.#bulk.clear()
    this.#inFlight.clear()
    this.#bulkBytes = 0
    this.#bulkFrames = 0
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#walk((view) => this.#step(view.address, view.record === null ? 'release' : 'peer-lost'))
  }

  /** As standby this node follows: nothing here waits to be sent. */
  release(): void {
    this.stop()
    this.#walk((view) => this.#step(view.address, 'release'))
  }

  changed(address: RecordAddress): void {
    this.#step(address, 'change')
    this.#drop(addressId(address))
    if (this.#active) this.#urgent.set(addressId(address), address)
    else if (this.#tables.resolve(address)?.record === null) this.#step(address, 'release')
  }

  /** The standby asked for this record; it is sent in the paced queue. */
  request(address: RecordAddress): void {
    this.#step(address, 'request-all')
    this.#drop(addressId(address))
    this.#bulk.set(addressId(address), address)
  }

  /** @returns true when the record is settled by this ACK. */
  acknowledged(mark: RecordMark, nowMs: number): boolean {
    const flight = this.#inFlight.get(addressId(mark.address))
    const right = flight !== undefined && sameMark(flight.mark, mark)
    this.#step(mark.address, right ? 'ack-right' : 'ack-wrong')
    if (!right) {
      this.counters.acksWrong++
      return false
    }
    this.counters.acksRight++
    this.#learn(Math.min(nowMs - flight.sentMs, limits.resendMsMax))
    this.#drop(addressId(mark.address))
    return true
  }

  /** Sends what waits and repeats what is due. */
  advance(nowMs: number): Datagram[] {
    if (!this.#active) return []
    const datagrams: Datagram[] = []
    if (nowMs >= this.#dueMs) this.#repeat(nowMs, datagrams)
    this.#pump(nowMs, datagrams)
    return datagrams
  }

  /** The repair walk of S1.96: whatever is marked and neither queued nor under way is queued.
   * @returns how many marks it had to repair. */
  sweep(): number {
    if (!this.#active) return 0
    let repaired = 0
    this.#walk((view) => {
      const id = addressId(view.address)
      if (this.#urgent.has(id) || this.#bulk.has(id) || this.#inFlight.has(id)) return
      this.#step(view.address, 'peer-lost')
      this.#bulk.set(id, view.address)
      repaired++
    })
    return repaired
  }

  /** True when something waits for its ACK for longer than a sweep, or is not under way at all. What
   * is just under way is no lag: under load there is always something. */
  lags(nowMs: number): boolean {
    const [oldest] = this.#inFlight.values()
    if (oldest !== undefined && nowMs - oldest.sentMs > limits.sweepMs) return true
    return this.#tables.pending() > this.#inFlight.size + this.#urgent.size + this.#bulk.size
  }

  /** @returns when `advance` has to be called; infinity when not. */
  nextTimerMs(): number {
    if (!this.#active) return Number.POSITIVE_INFINITY
    const waiting = this.#urgent.size > 0 || (this.#bulk.size > 0 && this.#bulkFits())
    return waiting && this.#inFlight.size < limits.syncUrgentFrames ? 0 : this.#dueMs
  }

  #pump(nowMs: number, datagrams: Datagram[]): void {
    for (const [id, address] of this.#urgent) {
      if (this.#inFlight.size >= limits.syncUrgentFrames) return
      this.#urgent.delete(id)
      this.#bulk.delete(id)
      this.#transmit(address, false, nowMs, datagrams)
    }
    for (const [id, address] of this.#bulk) {
      if (!this.#bulkFits()) return
      this.#bulk.delete(id)
      this.#transmit(address, true, nowMs, datagrams)
    }
  }

  #bulkFits(): boolean {
    return this.#bulkFrames < limits.syncWindowFrames && this.#bulkBytes < limits.syncWindowBytes
  }

  #transmit(address: RecordAddress, bulk: boolean, nowMs: number, datagrams: Datagram[]): void {
    const view = this.#tables.resolve(address)
    if (view === null || this.#flag(address) !== 'DIRTY') return
    const { body, hash } = this.#codec.serialise(view.record)
    const mark = { address, version: view.version, length: body.length, hash }
    const bytes = this.#codec.encode({ kind: 'record', key: view.key, body, ...mark })
    if (bytes === null) {
      this.counters.oversize++
      return
    }
    this.#step(address, 'serialise')
    const waitMs = this.#firstWaitMs(bulk)
    const flight = { address, mark, bytes, bulk, sentMs: nowMs, dueMs: nowMs + waitMs, waitMs }
    this.#inFlight.set(addressId(address), flight)
    if (bulk) this.#bulkBytes += bytes.length
    if (bulk) this.#bulkFrames++
    this.#give(flight, 'preferred', datagrams)
  }

  /** Quickly up, slowly down. From the first sending on, so that a time too short for a busy standby
   * grows even while every frame is repeated. */
  #learn(ackMs: number): void {
    this.#ackMs += (ackMs - this.#ackMs) / (ackMs > this.#ackMs ? 2 : 8)
  }

  /** Nobody waits for what a catch-up asked for, and it comes in bursts. */
  #firstWaitMs(bulk: boolean): number {
    const least = bulk ? limits.resendBulkMs : limits.resendMs
    return Math.min(Math.max(least, 2 * this.#ackMs), limits.resendMsMax)
  }

  #repeat(nowMs: number, datagrams: Datagram[]): void {
    this.#dueMs = Number.POSITIVE_INFINITY
    for (const flight of this.#inFlight.values()) {
      if (flight.dueMs <= nowMs) {
        this.#step(flight.address, 'timeout')
        flight.waitMs = Math.min(flight.waitMs * 2, limits.resendMsMax)
        flight.dueMs = nowMs + flight.waitMs
        this.counters.retries++
        this.#give(flight, 'all', datagrams)
      } else this.#dueMs = Math.min(this.#dueMs, flight.dueMs)
    }
  }

  #give(flight: InFlight, links: Links, datagrams: Datagram[]): void {
    this.#step(flight.address, 'send')
    this.counters.frames++
    this.counters.bytes += flight.bytes.length
    this.#dueMs = Math.min(this.#dueMs, flight.dueMs)
    datagrams.push({ bytes: flight.bytes, links })
  }

  #drop(id: number): void {
    const flight = this.#inFlight.get(id)
    if (flight === undefined) return
    this.#inFlight.delete(id)
    if (flight.bulk) this.#bulkBytes -= flight.bytes.length
    if (flight.bulk) this.#bulkFrames--
    if (this.#inFlight.size === 0) this.#dueMs = Number.POSITIVE_INFINITY
  }

  #flag(address: RecordAddress) {
    return this.#tables.any(address.table).flag(address.slot)
  }

  #step(address: RecordAddress, event: FlagEvent): void {
    const table = this.#tables.any(address.table)
    table.setFlag(address.slot, nextFlag(table.flag(address.slot), event))
  }

  /** Every slot whose flag is not NONE. */
  #walk(visit: (view: SlotView<AnyRecord>) => void): void {
    for (const name of tableNames) {
      const table = this.#tables.any(name)
      if (table.pending === 0) continue
      for (let slot = 0; slot < table.slotCount; slot++) {
        const view = table.flag(slot) === 'NONE' ? null : table.at(slot)
        if (view !== null) visit(view)
      }
    }
  }
}

function sameMark(a: RecordMark, b: RecordMark): boolean {
  return a.version === b.version && a.length === b.length && a.hash === b.hash
}
