//! Call records for tests, and a storage in memory that keeps the rules of the real one.
import type { RecordSource } from '../../src/compose/call-exchange.ts'
import type { CallBatch, CallStorage } from '../../src/compose/call-ledger.ts'
import { compareRecords, completedBy, recordText } from '../../src/switching/call-record.ts'
import type { CallRecord } from '../../src/tables/call-record.ts'

export function callRecord(sessionId: string, more: Partial<CallRecord> = {}): CallRecord {
  return {
    sessionId,
    type: 'ordinary',
    callType: '',
    subject: '',
    priority: '',
    caller: '101',
    called: '102',
    startedAtMs: 1_700_000_000_000,
    answeredAtMs: 1_700_000_002_000,
    endedAtMs: 1_700_000_060_000,
    endedBy: 'caller',
    status: 200,
    reason: '',
    parties: [],
    services: [],
    roles: [],
    ...more,
  }
}

export class MemoryCalls implements CallStorage, RecordSource {
  readonly calls = new Map<string, CallRecord>()
  readonly live = new Map<string, CallRecord>()
  /** The disk is full. */
  failing = false
  removedMs = 0
  questions = 0

  store({ ended, live }: CallBatch, done: (ok: boolean) => void): void {
    if (!this.failing) {
      for (const record of ended) this.put(record)
      for (const record of live) {
        if (!this.calls.has(record.sessionId)) this.live.set(record.sessionId, record)
      }
    }
    done(!this.failing)
  }

  settle(isLive: (sessionId: string) => boolean, done: (count: number | null) => void): void {
    const gone = [...this.live.values()].filter(({ sessionId }) => !isLive(sessionId))
    if (!this.failing) for (const record of gone) this.put(record)
    done(this.failing ? null : gone.length)
  }

  put(given: CallRecord): boolean {
    const alive = this.live.get(given.sessionId)
    this.live.delete(given.sessionId)
    const record = alive === undefined ? given : completedBy(given, alive)
    const present = this.calls.get(record.sessionId)
    if (present !== undefined && compareRecords(record, present) >= 0) return false
    this.calls.set(record.sessionId, record)
    return true
  }

  async removedUntilMs(): Promise<number> {
    return this.removedMs
  }

  async spans(range: { fromMs: number; untilMs: number; stepMs: number; endedMs: number }) {
    this.questions += 1
    const spans = new Map<number, { fromMs: number; count: number; sum: number }>()
    for (const record of this.#begun(range)) {
      if (record.endedAtMs >= range.endedMs) continue
      const fromMs = Math.floor(record.startedAtMs / range.stepMs) * range.stepMs
      const span = spans.get(fromMs) ?? { fromMs, count: 0, sum: 0 }
      spans.set(fromMs, { fromMs, count: span.count + 1, sum: span.sum + hashOf(record) })
    }
    return [...spans.values()]
  }

  async hashes(range: { fromMs: number; untilMs: number; after: string; limit: number }) {
    this.questions += 1
    return this.#begun(range)
      .filter(({ sessionId }) => sessionId > range.after)
      .sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
      .slice(0, range.limit)
      .map((record): [string, number] => [record.sessionId, hashOf(record)])
  }

  async get(sessionIds: readonly string[]): Promise<CallRecord[]> {
    return sessionIds.flatMap((sessionId) => this.calls.get(sessionId) ?? [])
  }

  async adopt(records: readonly CallRecord[]): Promise<number> {
    return records.filter((record) => this.put(record)).length
  }

  #begun({ fromMs, untilMs }: { fromMs: number; untilMs: number }): CallRecord[] {
    const { calls } = this
    return [...calls.values()].filter(
      (one) => one.startedAtMs >= fromMs && one.startedAtMs < untilMs,
    )
  }
}

function hashOf(record: CallRecord): number {
  let hash = 7
  for (const character of recordText(record)) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0
  }
  return hash
}
