//! The call records of this node (ADR 0026): the ledger that follows table 3, their file, and the exchange
//! with the peer. A disk that fails holds up no call.
import { dirname, join } from 'node:path'
import type { Role } from '../bus/messages.ts'
import { carryOver } from '../database/call-records.ts'
import { type CallQuery, CallStore } from '../database/call-store.ts'
import { attempt } from '../database/store.ts'
import { limits } from '../limits.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/sqlite.ts'
import { failure, type Result } from '../result.ts'
import { compareRecords, completedBy, recordText } from '../switching/call-record.ts'
import type { CallRecord } from '../tables/call-record.ts'
import type { Conference } from '../tables/wired-conference.ts'
import type { Alarms } from './alarms.ts'
import { answerExchange, exchange, peerRecords, type RecordSource } from './call-exchange.ts'
import { type CallBatch, CallLedger } from './call-ledger.ts'
import type { LogHub } from './log-hub.ts'

interface CallRecordsParts {
  readonly config: Pick<NodeConfig, 'database'>
  /** Where the first version kept them. */
  readonly database: () => Database
  readonly alarms: Alarms
  readonly log: LogHub
  readonly clock: Clock
  /** A session of table 3 of this node. */
  isKnown(sessionId: string): boolean
  /** A question to the call records of the peer. */
  askPeer(question: object): Promise<Result<unknown>>
}

const rules = { compare: compareRecords, completedBy, text: recordText }
const alarmSubject = 'call-records'
/** Between two attempts to open the file. */
const reopenMs = 5_000

export class CallRecords {
  readonly #parts: CallRecordsParts
  readonly #ledger: CallLedger
  #store: CallStore | null = null
  #openAtMs = Number.POSITIVE_INFINITY
  #exchanges = false
  #exchangeAtMs = 0
  #exchanging = false

  constructor(parts: CallRecordsParts) {
    this.#parts = parts
    const { alarms, log, isKnown } = parts
    this.#ledger = new CallLedger({
      storage: {
        store: (batch, done) => void this.#keep(batch).then(done),
        settle: (isLive, done) => void this.#settle(isLive).then(done),
      },
      isKnown,
      kept: (works, lost) => {
        if (works) alarms.clear('database-failed', alarmSubject)
        else if (lost > 0) {
          alarms.raise('database-failed', alarmSubject, `${lost} call records are lost`)
        }
      },
      interrupted: (count) => log.warn('sessions were lost, and have their record', { count }),
    })
  }

  /** Never fails: while the file cannot be opened, records wait in memory, with an alarm. */
  async open(): Promise<void> {
    const { config, alarms, log, clock } = this.#parts
    this.#openAtMs = Number.POSITIVE_INFINITY
    const path = join(dirname(config.database), 'calls.db')
    const opened = await attempt(() => CallStore.open(path, rules, clock.wallMs()))
    if (!opened.ok) {
      alarms.raise('database-failed', alarmSubject, opened.failure.detail)
      this.#openAtMs = clock.monotonicMs() + reopenMs
      return
    }
    const { store, fault } = opened.value
    this.#store = store
    if (fault === null) alarms.clear('database-failed', alarmSubject)
    else alarms.raise('database-recovered', alarmSubject, fault)
    log.info('start-up: call records', { records: store.count })
    const carried = await attempt(() =>
      carryOver(this.#parts.database(), (some) => store.adopt(some)),
    )
    if (!carried.ok) log.warn('old call records were not carried over', { ...carried.failure })
  }

  async close(): Promise<void> {
    if (this.#store === null) return
    const { clock } = this.#parts
    await this.#ledger.close(clock.monotonicMs(), clock.wallMs())
    await this.#store.close()
    this.#store = null
  }

  sessionChanged(sessionId: string, session: Conference | null): void {
    this.#ledger.sessionChanged(sessionId, session)
  }

  /** @param inStep the standby has everything. */
  advance(nowMs: number, role: Role, inStep: boolean): void {
    this.#ledger.follow(role, inStep, nowMs)
    const exchanges = role === 'primary' && inStep
    if (exchanges !== this.#exchanges) this.#exchangeAtMs = nowMs
    this.#exchanges = exchanges
    if (this.#store === null) {
      if (nowMs >= this.#openAtMs) void this.open()
      return
    }
    this.#ledger.advance(nowMs, this.#parts.clock.wallMs())
    if (!exchanges || nowMs < this.#exchangeAtMs || this.#exchanging) return
    this.#exchangeAtMs = nowMs + limits.callCompareMs
    this.#exchanging = true
    void this.exchange().finally(() => {
      this.#exchanging = false
    })
  }

  /** Compares with the peer, and makes both equal. */
  async exchange(): Promise<void> {
    const { log, clock, askPeer } = this.#parts
    const peer = peerRecords(async (question) => {
      const told = await askPeer(question)
      return told.ok ? (told.value as { answer?: unknown } | null)?.answer : null
    })
    const store = this.#store
    if (store === null) return
    const done = await attempt(() => exchange(store, peer, clock.wallMs()))
    if (!done.ok) log.warn('call records cannot be compared', { ...done.failure })
    else if (done.value === null) log.debug('the peer does not compare call records')
    else if (done.value.here + done.value.there > 0) {
      log.info('call records exchanged', { ...done.value })
    }
  }

  /** What the peer's `exchange` asks. */
  async answer(question: unknown): Promise<Result<unknown>> {
    const store = this.#store
    if (store === null) return failure('operation-failed', 'the call records are not open')
    const answer = await attempt(() => answerExchange(store as RecordSource, question))
    if (!answer.ok || answer.value !== null) return answer
    return failure('control-params', 'this version does not understand the question')
  }

  /** `database-failed`. */
  find(query: CallQuery): Promise<Result<CallRecord[]>> {
    return this.#ask((store) => store.find(query))
  }

  /** All whose session number begins like this, a few of them. */
  findById(prefix: string): Promise<Result<CallRecord[]>> {
    return this.#ask((store) => store.findById(prefix, 5))
  }

  /** Records of a file; the peer gets them with the next exchange. @returns how many are new. */
  async add(records: readonly CallRecord[], dryRun: boolean): Promise<Result<number>> {
    const added = await this.#ask((store) => store.add(records, dryRun))
    if (added.ok && added.value > 0 && !dryRun) this.#exchangeAtMs = 0
    return added
  }

  get state(): { readonly records: number; readonly waiting: number } {
    return { records: this.#store?.count ?? 0, waiting: this.#ledger.waiting }
  }

  async #ask<T>(question: (store: CallStore) => Promise<T>): Promise<Result<T>> {
    const store = this.#store
    if (store === null) return failure('operation-failed', 'the call records are not open')
    return attempt(() => question(store))
  }

  async #keep(batch: CallBatch): Promise<boolean> {
    const stored = await this.#ask(async (store) => {
      await store.store(batch)
      return store.prune()
    })
    const { alarms, log } = this.#parts
    if (!stored.ok) {
      alarms.raise('database-failed', alarmSubject, stored.failure.detail)
      return false
    }
    if (stored.value.removed > 0) log.info('old call records were removed', { ...stored.value })
    return true
  }

  async #settle(isLive: (sessionId: string) => boolean): Promise<number | null> {
    const settled = await this.#ask((store) => store.settle(isLive))
    return settled.ok ? settled.value : null
  }
}
