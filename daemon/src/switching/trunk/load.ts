//! How many calls each trunk carries. In memory only; the sessions are the truth.
import type { Conference } from '../../tables/wired-conference.ts'
import { isOver, isPresent } from '../wired/sessions.ts'

export class TrunkLoad {
  readonly #counts = new Map<string, number>()
  /** Names by session. */
  readonly #sessions = new Map<string, readonly string[]>()

  get size(): number {
    return this.#sessions.size + this.#counts.size
  }

  /** @param next null: the session is gone. */
  note(sessionId: string, next: Conference | null): void {
    const before = this.#sessions.get(sessionId) ?? []
    const after = next === null || isOver(next) ? [] : trunksOf(next)
    if (before.length === 0 && after.length === 0) return
    for (const name of before) this.#count(name, -1)
    for (const name of after) this.#count(name, 1)
    if (after.length === 0) this.#sessions.delete(sessionId)
    else this.#sessions.set(sessionId, after)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  clear(): void {
    this.#counts.clear()
    this.#sessions.clear()
  }

  #count(name: string, by: number): void {
    const count = (this.#counts.get(name) ?? 0) + by
    if (count === 0) this.#counts.delete(name)
    else this.#counts.set(name, count)
  }
}

function trunksOf({ members }: Conference): string[] {
  return members.flatMap((member) =>
    member.trunk !== null && isPresent(member) ? [member.trunk.name] : [],
  )
}
