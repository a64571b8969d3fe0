//! The primary's side: sends changes, serves askings, names table hashes, tells who waits for an ACK.
import { limits } from '../limits.ts'
import { addressId, type RecordAddress, type RecordChange } from '../tables/address.ts'
import type { Tables } from '../tables/tables.ts'
import type { SyncFrame } from '../wire/sync-frame-types.ts'
import { type Scope, Serving } from './catch-up.ts'
import { type Port, sendBody } from './port.ts'
import { Scrub } from './scrub.ts'
import type { Sender } from './sender.ts'
import { nameHashes } from './verify.ts'
import { Waiting } from './waiting.ts'

export class PrimarySide {
  readonly #tables: Tables
  readonly #sender: Sender
  readonly #port: Port
  readonly #serving: Serving
  readonly #waiting = new Waiting()
  /** The boot of the standby that follows. */
  #boot: string | null = null
  /** The last one that asked, also when it is gone, and its newest asking. */
  #lastBoot: string | null = null
  #newestRef = 0
  #sweepDueMs = 0
  #hashDueMs = 0
  #inviteDueMs = 0
  readonly #scrub: Scrub
  lastSweep: { atMs: number; repaired: number } | null = null
  /** Records whose memory changed here. Those of the standby are still right. */
  damaged = 0
  /** The version of each record that was found so, to say it once. */
  readonly #damagedVersions = new Map<number, number>()

  constructor(tables: Tables, sender: Sender, port: Port) {
    this.#tables = tables
    this.#sender = sender
    this.#port = port
    this.#serving = new Serving(tables)
    this.#scrub = new Scrub(tables)
  }

  /** The standby has said that it has everything. */
  get confirmed(): boolean {
    return this.#sender.active && this.#serving.confirmed
  }

  /** A standby may be there: invites it until it asks. */
  start(nowMs: number): void {
    this.stop()
    this.#inviteDueMs = nowMs
  }

  /** No standby, or not the primary. */
  stop(): void {
    this.#sender.stop()
    this.#serving.stop()
    this.#boot = null
    for (const token of this.#waiting.giveUp()) this.#port.output({ kind: 'replicated', token })
  }

  /** Nobody is told: this node is the primary no longer. */
  forgetWaiting(): void {
    this.#waiting.giveUp()
  }

  whenReplicated(changes: readonly RecordChange[]): string | null {
    if (!this.#sender.active) return null
    return this.#waiting.wait(changes.filter((change) => !this.#isSettled(change)))
  }

  receive(frame: SyncFrame, term: number, nowMs: number): void {
    if (frame.term !== term) {
      // Recorded, or said before the standby knew of this term: it learns it from an invitation.
      this.#port.refuse('old-term')
      if (frame.kind === 'request-all') this.#invite(nowMs)
      return
    }
    if (frame.kind === 'request-all') {
      this.#serve(null, frame, nowMs)
      return
    }
    if (frame.bootId !== this.#boot) {
      // What an older boot of the standby says tells nothing of what the present one has. But a late
      // asking of an older boot may have displaced the present one: it is invited to ask again.
      this.#port.refuse('old-boot')
      this.#invite(nowMs)
      return
    }
    switch (frame.kind) {
      case 'ack':
        this.#acknowledged(frame, nowMs)
        return
      case 'request-table':
        this.#serve(frame.table, frame, nowMs)
        return
      case 'all-sent':
        this.#serving.echoed(frame.ref)
        return
      default:
        this.#port.refuse('role')
    }
  }

  advance(nowMs: number): void {
    if (!this.#sender.active) {
      this.#invite(nowMs)
      return
    }
    if (nowMs >= this.#sweepDueMs) {
      this.#sweepDueMs = nowMs + limits.sweepMs
      this.lastSweep = { atMs: nowMs, repaired: this.#sender.sweep() }
    }
    for (const { bytes, links } of this.#sender.advance(nowMs)) this.#port.datagram(bytes, links)
    for (const body of this.#serving.advance(nowMs)) sendBody(this.#port, body, 'all')
    this.#noteDamage(this.#scrub.advance(nowMs))
    if (nowMs < this.#hashDueMs) return
    this.#hashDueMs = nowMs + limits.tableHashMs
    if (this.confirmed) sendBody(this.#port, nameHashes(this.#tables), 'all')
  }

  nextTimerMs(): number {
    if (!this.#sender.active) return this.#inviteDueMs
    const scrubMs = this.#scrub.nextTimerMs()
    const verify = Math.min(this.#sweepDueMs, this.#hashDueMs, scrubMs)
    return Math.min(this.#sender.nextTimerMs(), this.#serving.nextTimerMs(), verify)
  }

  #isSettled({ address }: RecordChange): boolean {
    return this.#tables.any(address.table).flag(address.slot) === 'NONE'
  }

  #noteDamage(addresses: readonly RecordAddress[]): void {
    for (const address of addresses) {
      const version = this.#tables.resolve(address)?.version ?? 0
      if (this.#damagedVersions.get(addressId(address)) === version) continue
      this.#damagedVersions.set(addressId(address), version)
      this.damaged++
      this.#port.output({ kind: 'table-fault', fault: 'damaged', table: address.table })
    }
  }

  #invite(nowMs: number): void {
    if (nowMs < this.#inviteDueMs) return
    this.#inviteDueMs = nowMs + limits.resendMsMax
    sendBody(this.#port, { kind: 'all-sent', ref: 0, count: 0 }, 'all')
  }

  #acknowledged(frame: Extract<SyncFrame, { kind: 'ack' }>, nowMs: number): void {
    if (!this.#sender.acknowledged(frame, nowMs)) return
    this.#serving.settled(frame.address)
    for (const token of this.#waiting.settled(addressId(frame.address), frame.version)) {
      this.#port.output({ kind: 'replicated', token })
    }
  }

  #serve(scope: Scope, frame: { bootId: string; ref: number }, nowMs: number): void {
    if (frame.bootId !== this.#boot) {
      if (frame.bootId !== this.#lastBoot) this.#newestRef = 0
      this.#boot = frame.bootId
      this.#lastBoot = frame.bootId
      this.#serving.stop()
    }
    if (!this.#sender.active) {
      this.#sender.start()
      this.#sweepDueMs = nowMs + limits.sweepMs
      this.#hashDueMs = nowMs + limits.tableHashMs
      this.#scrub.start(nowMs)
    }
    // An earlier asking of this boot: recorded, or late.
    if (frame.ref < this.#newestRef) {
      this.#port.refuse('replayed')
      return
    }
    this.#newestRef = frame.ref
    const addresses = this.#serving.begin(scope, frame.ref, nowMs)
    for (const address of addresses ?? []) this.#sender.request(address)
  }
}
