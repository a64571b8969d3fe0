//! What a take-over did to the calls: which were kept, which were lost, and which SIP requests the dead
//! node had left for this one to answer. Looks at the session records alone. Times are milliseconds of
//! CLOCK_MONOTONIC.
import type { Effect } from '../control/operation-schema.ts'
import type { Conference, Member, PendingServer } from '../tables/wired-conference.ts'

/** A telephone repeats a request for half a minute (RFC 3261 17.1.2); most do it within this time. */
export const effectWatchMs = 10_000
/** A call that nobody answers ends by itself (RFC 3261 21.4.9). */
const noAnswerStatus = 408
const ringingStatus = 180

export class TakeOverWatch {
  readonly term: number
  readonly #atMs: number
  readonly #calls = new Set<string>()
  readonly #lost = new Set<string>()
  /** Sessions that were seen to end; their records may go. */
  readonly #ended = new Set<string>()
  readonly #open = new Map<string, Set<string>>()
  #late = 0
  #lateMsMax: number | null = null
  #complete = false

  /** @param sessions as they are before the core of this node goes on with them. */
  constructor(term: number, atMs: number, sessions: Iterable<Conference>) {
    this.term = term
    this.#atMs = atMs
    for (const session of sessions) {
      const open = unanswered(session)
      if (open.size > 0) this.#open.set(session.sessionId, open)
      if (session.state !== 'released') this.#calls.add(session.sessionId)
    }
  }

  /** A session of the tables changed; null: its record is gone. */
  changed(sessionId: string, next: Conference | null, nowMs: number): void {
    if (this.#complete) return
    this.#noteAnswers(sessionId, next, nowMs)
    if (!this.#calls.has(sessionId) || this.#lost.has(sessionId)) return
    const ended = next?.ended ?? null
    const bySwitch = ended?.by === 'switch' && ended.status !== noAnswerStatus
    if (bySwitch || (next === null && !this.#ended.has(sessionId))) this.#lost.add(sessionId)
    if (ended !== null) this.#ended.add(sessionId)
  }

  /** @returns true once, when the watch is over. */
  advance(nowMs: number): boolean {
    if (this.#complete || nowMs - this.#atMs < effectWatchMs) return false
    this.#complete = true
    return true
  }

  effect(): Effect {
    const open = [...this.#open.values()].reduce((sum, { size }) => sum + size, 0)
    return {
      calls: this.#calls.size,
      kept: this.#calls.size - this.#lost.size,
      lost: this.#lost.size,
      sipLate: this.#late,
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

function nameOf({ side }: Member, { method, cseq }: PendingServer): string {
  return `${side} ${method} ${cseq}`
}
