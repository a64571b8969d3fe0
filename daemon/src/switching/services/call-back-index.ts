//! Which wishes for a call back concern which account, and how many there are. In memory only; the sessions
//! are the truth.
import type { Conference } from '../../tables/wired-conference.ts'
import { isOver } from '../wired/sessions.ts'

export class CallBackIndex {
  /** Sessions by asker, and by number. */
  readonly #of = new Map<string, Set<string>>()
  readonly #users = new Map<string, readonly string[]>()

  /** @param next null: the session is gone. */
  note(sessionId: string, next: Conference | null): void {
    const wish = next === null || isOver(next) ? null : next.callBack
    const users = wish === null ? [] : [wish.asker, wish.number]
    const before = this.#users.get(sessionId) ?? []
    if (before.length === 0 && users.length === 0) return
    for (const user of before) this.#remove(user, sessionId)
    for (const user of users) this.#of.set(user, (this.#of.get(user) ?? new Set()).add(sessionId))
    if (users.length === 0) this.#users.delete(sessionId)
    else this.#users.set(sessionId, users)
  }

  /** Those that the account waits for, or that wait for it. */
  of(user: string): readonly string[] {
    return [...(this.#of.get(user) ?? [])]
  }

  get size(): number {
    return this.#users.size
  }

  clear(): void {
    this.#of.clear()
    this.#users.clear()
  }

  #remove(user: string, sessionId: string): void {
    const sessions = this.#of.get(user)
    sessions?.delete(sessionId)
    if (sessions?.size === 0) this.#of.delete(user)
  }
}
