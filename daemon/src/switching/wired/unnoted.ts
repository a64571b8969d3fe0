//! Sessions whose records do not say yet that another node took them over.
import type { RoleChange } from '../../tables/call-record.ts'

/** Between two parts, and sessions in one part. */
const partMs = 20
const partSessions = 16

export class Unnoted {
  #change: RoleChange = { atMs: 0, term: 0 }
  #nextMs = 0
  readonly #sessionIds = new Set<string>()

  get size(): number {
    return this.#sessionIds.size
  }

  begin(change: RoleChange, sessionIds: readonly string[], nowMs: number): void {
    this.#change = change
    this.#nextMs = nowMs + partMs
    for (const sessionId of sessionIds) this.#sessionIds.add(sessionId)
  }

  clear(): void {
    this.#sessionIds.clear()
  }

  /** What the record of this session has to say; null: nothing, or it says it. */
  take(sessionId: string): RoleChange | null {
    return this.#sessionIds.delete(sessionId) ? this.#change : null
  }

  due(nowMs: number): string[] {
    if (nowMs < this.#nextMs) return []
    this.#nextMs = nowMs + partMs
    return [...this.#sessionIds].slice(0, partSessions)
  }

  nextMs(): number | null {
    return this.#sessionIds.size > 0 ? this.#nextMs : null
  }
}
