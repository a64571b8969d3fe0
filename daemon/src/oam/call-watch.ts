//! Which of the calls that were up at one moment are kept, which ended by their telephones, and which
//! are lost. Looks at the session records alone.
import type { Conference } from '../tables/wired-conference.ts'

/** A call that nobody answers ends by itself (RFC 3261 21.4.9). */
const noAnswerStatus = 408

export class CallWatch {
  readonly #calls = new Set<string>()
  readonly #ended = new Set<string>()
  readonly #lost = new Set<string>()

  constructor(sessions: Iterable<Conference>) {
    for (const { sessionId, state } of sessions) {
      if (state !== 'released') this.#calls.add(sessionId)
    }
  }

  /** A session of the tables changed; null: its record is gone. */
  changed(sessionId: string, next: Conference | null): void {
    if (!this.#calls.has(sessionId) || this.#lost.has(sessionId)) return
    const ended = next?.ended ?? null
    const bySwitch = ended?.by === 'switch' && ended.status !== noAnswerStatus
    if (bySwitch || (next === null && !this.#ended.has(sessionId))) this.#lost.add(sessionId)
    else if (ended !== null) this.#ended.add(sessionId)
    // A standby that asks for everything again may have missed it for a moment.
    else if (next !== null) this.#ended.delete(sessionId)
  }

  /** To be asked for calls whose record is there again, or was never gone.
   * @param sessions as they are now. */
  settle(sessions: Iterable<Conference>): void {
    for (const { sessionId, state } of sessions) {
      if (state !== 'released') this.#lost.delete(sessionId)
    }
  }

  get counts(): { calls: number; kept: number; ended: number; lost: number } {
    const [calls, ended, lost] = [this.#calls.size, this.#ended.size, this.#lost.size]
    return { calls, kept: calls - ended - lost, ended, lost }
  }
}
