//! What a take-over did to the calls: which were kept, which were lost, and which SIP requests the dead
//! node had left for this one to answer. Looks at the session records alone. Times are milliseconds of
//! CLOCK_MONOTONIC.
import type { Effect } from '../control/operation-schema.ts'
import type { PendingServer } from '../tables/dialog.ts'
import { type Conference, legOf, type Member } from '../tables/wired-conference.ts'
import { CallWatch } from './call-watch.ts'

/** A telephone repeats a request for half a minute (RFC 3261 17.1.2); most do it within this time. */
export const effectWatchMs = 10_000
const ringingStatus = 180

interface TakeOver {
  readonly term: number
  readonly atMs: number
  /** As they are before the core of this node goes on with them. */
  readonly sessions: Iterable<Conference>
  /** Requests that the core has answered for its peer since it was started. */
  readonly answeredLate: number
}

export class TakeOverWatch {
  readonly term: number
  readonly #atMs: number
  readonly #before: number
  readonly #calls: CallWatch
  readonly #open = new Map<string, Set<string>>()
  #late = 0
  #unrecorded = 0
  #lateMsMax: number | null = null
  #complete = false

  constructor({ term, atMs, sessions, answeredLate }: TakeOver) {
    this.term = term
    this.#atMs = atMs
    this.#before = answeredLate
    const all = [...sessions]
    this.#calls = new CallWatch(all)
    for (const session of all) {
      const open = unanswered(session)
      if (open.size > 0) this.#open.set(session.sessionId, open)
    }
  }

  /** A session of the tables changed; null: its record is gone. */
  changed(sessionId: string, next: Conference | null, nowMs: number): void {
    if (this.#complete) return
    this.#noteAnswers(sessionId, next, nowMs)
    this.#calls.changed(sessionId, next)
  }

  /** @param answeredLate as at the beginning, now.
   * @returns true once, when the watch is over. */
  advance(nowMs: number, answeredLate: number): boolean {
    if (this.#complete) return false
    this.#unrecorded = answeredLate - this.#before
    if (nowMs - this.#atMs < effectWatchMs) return false
    this.#complete = true
    return true
  }

  effect(): Effect {
    const { calls, kept, ended, lost } = this.#calls.counts
    const open = [...this.#open.values()].reduce((sum, { size }) => sum + size, 0)
    return {
      calls,
      kept: kept + ended,
      lost,
      sipLate: this.#late + this.#unrecorded,
      sipLateMsMax: this.#lateMsMax,
      sipOpen: open,
      complete: this.#complete,
    }
  }

  #noteAnswers(sessionId: string, next: Conference | null, nowMs: number): void {
    const open = this.#open.get(sessionId)
    if (open === undefined) return
    const still = next === null ? new Set<string>() : unanswered(next)
    for (const request of open) {
      if (still.has(request)) continue
      open.delete(request)
      this.#late += 1
      this.#lateMsMax = Math.max(this.#lateMsMax ?? 0, Math.round(nowMs - this.#atMs))
    }
    if (open.size === 0) this.#open.delete(sessionId)
  }
}

/** Requests of the session that wait for us. An INVITE whose callee rings waits for a person. */
function unanswered({ members }: Conference): Set<string> {
  const found = new Set<string>()
  for (const member of members) {
    for (const slot of ['pendingServer', 'relayServer'] as const) {
      const pending = member.dialog[slot]
      if (pending !== null && waitsForUs(pending)) found.add(nameOf(member, pending))
    }
  }
  return found
}

function waitsForUs({ method, final, provisional }: PendingServer): boolean {
  return final === null && !(method === 'INVITE' && provisional >= ringingStatus)
}

function nameOf(member: Member, { method, cseq }: PendingServer): string {
  return `${legOf(member)} ${method} ${cseq}`
}
