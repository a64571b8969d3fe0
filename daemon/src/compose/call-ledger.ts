//! From the sessions of table 3 to what is kept of them (ADR 0026). Each node writes all of it: the record
//! of each session that ended, and what it knows of those that live, for the case that both nodes lose
//! them. Calls never wait for it; time and storage are arguments.
import type { Role } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import {
  callRecordOf,
  compareRecords,
  completedBy,
  interruptedRecord,
} from '../switching/call-record.ts'
import type { CallRecord } from '../tables/call-record.ts'
import type { Conference } from '../tables/wired-conference.ts'

export interface CallBatch {
  readonly ended: readonly CallRecord[]
  /** Sessions that live, each as the record that it gets if nobody sees its end. */
  readonly live: readonly CallRecord[]
  /** Unix milliseconds: all that live were alive then. */
  readonly seenAtMs: number
}

/** With callbacks, as the simulator has no promises. */
export interface CallStorage {
  /** All of it or nothing. Of two records of one session the one that counts stays.
   * @param done false: the disk fails; the batch comes again */
  store(batch: CallBatch, done: (ok: boolean) => void): void
  /** Sessions that were stored as living, of which this says that they do not, get their record.
   * @param done how many; null: the disk fails */
  settle(isLive: (sessionId: string) => boolean, done: (count: number | null) => void): void
}

interface LedgerParts {
  readonly storage: CallStorage
  /** Sessions of table 3 of this node. */
  isKnown(sessionId: string): boolean
  /** Whether the disk works; `lost`: records that no memory was left for. */
  kept(works: boolean, lost: number): void
  /** Sessions whose end nobody saw. */
  interrupted(count: number): void
}

/** Between two attempts on a disk that fails. */
const retryMs = 1_000

export class CallLedger {
  readonly #parts: LedgerParts
  #ended = new Map<string, CallRecord>()
  #live = new Map<string, Conference>()
  #busy = false
  #idle: () => void = () => undefined
  #lost = 0
  #retryAtMs = Number.NEGATIVE_INFINITY
  #storedAtMs = Number.NEGATIVE_INFINITY
  #liveAtMs = Number.NEGATIVE_INFINITY
  #settleAtMs = Number.POSITIVE_INFINITY
  #trusted: Role | null = null

  constructor(parts: LedgerParts) {
    this.#parts = parts
  }

  /** Records and living sessions that are not on the disk yet. */
  get waiting(): number {
    return this.#ended.size + this.#live.size
  }

  /** A record of table 3 was written, or was removed. */
  sessionChanged(sessionId: string, session: Conference | null): void {
    if (session === null) {
      // Removed without an end: another node knows what became of it, or nobody does.
      this.#live.delete(sessionId)
      return
    }
    const record = callRecordOf(session)
    if (record === null) {
      this.#live.set(sessionId, session)
      return
    }
    const alive = this.#live.get(sessionId)
    this.#live.delete(sessionId)
    const seen = alive === undefined ? null : interruptedRecord(alive, record.endedAtMs)
    this.#add(seen === null ? record : completedBy(record, seen))
  }

  /** The tables of a primary, and of a standby that has everything, are what the pair knows. */
  follow(role: Role, inStep: boolean, nowMs: number): void {
    const trusted = role === 'primary' || (role === 'standby' && inStep) ? role : null
    if (trusted === this.#trusted) return
    this.#trusted = trusted
    this.#settleAtMs = trusted === null ? Number.POSITIVE_INFINITY : nowMs + limits.callSettleMs
  }

  advance(nowMs: number, wallMs: number): void {
    if (this.#busy || nowMs < this.#retryAtMs) return
    // Each batch costs a dozen changes of threads; many ends a second share one.
    const isEndDue = nowMs >= this.#storedAtMs + limits.callEndedMs
    const isLiveDue = nowMs >= this.#liveAtMs + limits.callLiveMs
    const isSeenDue = nowMs >= this.#liveAtMs + limits.callSeenMs
    if ((this.#ended.size > 0 && isEndDue) || isSeenDue || (isLiveDue && this.#live.size > 0)) {
      this.#store(nowMs, wallMs)
    } else if (nowMs >= this.#settleAtMs) this.#settle(nowMs)
  }

  /** For an orderly end: what is under way, and then the rest. */
  async close(nowMs: number, wallMs: number): Promise<void> {
    await this.#whenIdle()
    if (this.waiting > 0) this.#store(nowMs, wallMs)
    await this.#whenIdle()
  }

  #whenIdle(): Promise<void> {
    if (!this.#busy) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  #end(): void {
    this.#busy = false
    this.#idle()
  }

  #add(record: CallRecord): void {
    const { sessionId } = record
    const waiting = this.#ended.get(sessionId)
    if (waiting !== undefined) {
      if (compareRecords(record, waiting) < 0) this.#ended.set(sessionId, record)
    } else if (this.#ended.size < limits.callRecordsHeldMax) this.#ended.set(sessionId, record)
    else {
      this.#lost += 1
      this.#parts.kept(false, this.#lost)
    }
  }

  #store(nowMs: number, wallMs: number): void {
    const [ended, live] = [this.#ended, this.#live]
    this.#ended = new Map()
    this.#live = new Map()
    this.#busy = true
    this.#storedAtMs = nowMs
    const batch: CallBatch = {
      ended: [...ended.values()],
      live: [...live.values()].map((session) => interruptedRecord(session, wallMs)),
      seenAtMs: wallMs,
    }
    this.#parts.storage.store(batch, (ok) => {
      if (ok) {
        this.#liveAtMs = nowMs
        this.#lost = 0
        this.#parts.kept(true, 0)
      } else this.#again(ended, live, nowMs)
      this.#end()
    })
  }

  /** Nothing of the batch was kept; what came meanwhile is newer. */
  #again(
    ended: Map<string, CallRecord>,
    live: ReadonlyMap<string, Conference>,
    nowMs: number,
  ): void {
    this.#retryAtMs = nowMs + retryMs
    const newer = this.#ended
    this.#ended = ended
    for (const record of newer.values()) this.#add(record)
    this.#live = new Map([...live, ...this.#live])
    for (const sessionId of this.#ended.keys()) this.#live.delete(sessionId)
    this.#parts.kept(false, this.#lost)
  }

  #settle(nowMs: number): void {
    this.#settleAtMs = nowMs + limits.callCompareMs
    this.#busy = true
    const isLive = (sessionId: string) =>
      this.#parts.isKnown(sessionId) || this.#ended.has(sessionId)
    this.#parts.storage.settle(isLive, (count) => {
      if (count === null) this.#retryAtMs = nowMs + retryMs
      else if (count > 0) this.#parts.interrupted(count)
      this.#end()
    })
  }
}
