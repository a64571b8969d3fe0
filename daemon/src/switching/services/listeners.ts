//! Who hears which conversation, as all calls of this node see it. In memory only; the sessions are the
//! truth.
import type { Conference } from '../../tables/wired-conference.ts'
import { isOver } from '../wired/sessions.ts'

export class Listeners {
  /** Sessions that listen, by the session that is heard. */
  readonly #of = new Map<string, Set<string>>()

  /** @param next null: the session is gone. */
  note(previous: Conference | null, next: Conference | null): void {
    if (previous !== null) this.#remove(previous)
    const heard = next === null || isOver(next) ? null : heardBy(next)
    if (next === null || heard === null) return
    const listening = this.#of.get(heard) ?? new Set()
    this.#of.set(heard, listening.add(next.sessionId))
  }

  of(sessionId: string): readonly string[] {
    return [...(this.#of.get(sessionId) ?? [])]
  }

  clear(): void {
    this.#of.clear()
  }

  #remove(session: Conference): void {
    const heard = heardBy(session)
    if (heard === null) return
    const listening = this.#of.get(heard)
    listening?.delete(session.sessionId)
    if (listening?.size === 0) this.#of.delete(heard)
  }
}

/** The session that this one hears; null: it is no listener. */
export function heardBy({ attendant }: Conference): string | null {
  return attendant?.heard?.sessionId ?? null
}
