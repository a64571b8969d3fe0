//! Which calls wait for which line, in the order of their turn: the more urgent first, then the older. In
//! memory only; the sessions are the truth.
import type { Conference } from '../../tables/wired-conference.ts'
import { isWaiting } from '../wired/sessions.ts'
import { priorityRank } from '../xip/xip.ts'

export class QueueIndex {
  readonly #waiting = new Map<string, Map<string, Conference>>()

  /** Lines that somebody waits for. */
  get size(): number {
    return this.#waiting.size
  }

  /** @param next null: the session is gone. */
  note(previous: Conference | null, next: Conference | null): void {
    if (previous !== null && isWaiting(previous)) this.#remove(previous)
    if (next === null || !isWaiting(next)) return
    const number = next.queued?.number ?? ''
    const line = this.#waiting.get(number) ?? new Map<string, Conference>()
    line.set(next.sessionId, next)
    this.#waiting.set(number, line)
  }

  length(number: string): number {
    return this.#waiting.get(number)?.size ?? 0
  }

  /** True while a call is about to enter or end a conversation of the line. */
  isPressed(number: string): boolean {
    return this.waiting(number).some(({ queued }) => queued?.presses != null)
  }

  /** Those that wait for the line, in the order of their turn. */
  waiting(number: string): Conference[] {
    return [...(this.#waiting.get(number)?.values() ?? [])].sort(byTurn)
  }

  /** The session whose turn it is; null: nobody waits. */
  first(number: string): Conference | null {
    return this.waiting(number)[0] ?? null
  }

  clear(): void {
    this.#waiting.clear()
  }

  #remove({ sessionId, queued }: Conference): void {
    const number = queued?.number ?? ''
    const line = this.#waiting.get(number)
    line?.delete(sessionId)
    if (line?.size === 0) this.#waiting.delete(number)
  }
}

function byTurn(a: Conference, b: Conference): number {
  const urgency = priorityRank(a.priority) - priorityRank(b.priority)
  return urgency || sinceMs(a) - sinceMs(b) || (a.sessionId < b.sessionId ? -1 : 1)
}

function sinceMs({ queued }: Conference): number {
  return queued?.sinceMs ?? 0
}
