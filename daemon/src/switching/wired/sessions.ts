//! The sessions of table 3 with the indexes that are needed to find them. The table is the truth: the
//! indexes can be made again from it at any time, which is what a take-over does.
import type { Conference, Member } from '../../tables/wired-conference.ts'
import type { RecordTable } from '../core-types.ts'

export type Side = Member['side']

export interface LegName {
  readonly sessionId: string
  readonly side: Side
}

export function other(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller'
}

export function isOver(session: Conference): boolean {
  return session.state === 'released'
}

export class Sessions {
  readonly #table: RecordTable<Conference>
  readonly #legs = new Map<string, LegName>()
  readonly #ofCallId = new Map<string, string>()
  /** Live sessions of each user. */
  readonly #ofUser = new Map<string, Set<string>>()

  constructor(table: RecordTable<Conference>) {
    this.#table = table
  }

  get(sessionId: string): Conference | undefined {
    return this.#table.get(sessionId)
  }

  values(): Conference[] {
    return [...this.#table.values()]
  }

  get size(): number {
    return this.#table.size
  }

  /** @returns false when the table is full. */
  save(session: Conference): boolean {
    if (!this.#table.put(session).ok) return false
    this.#index(session)
    return true
  }

  remove(session: Conference): void {
    this.#table.delete(session.sessionId)
    for (const { user, dialog } of session.members) {
      this.#legs.delete(legKey(dialog.callId, dialog.localTag))
      this.#ofCallId.delete(dialog.callId)
      this.#free(user, session.sessionId)
    }
  }

  /** The leg that a message in a dialog belongs to: by Call-ID and our tag. */
  leg(callId: string, localTag: string | null): LegName | undefined {
    return localTag === null ? undefined : this.#legs.get(legKey(callId, localTag))
  }

  /** The session of a Call-ID, whatever the tags. */
  ofCallId(callId: string): string | undefined {
    return this.#ofCallId.get(callId)
  }

  isBusy(user: string): boolean {
    return this.#ofUser.has(user)
  }

  rebuild(): void {
    this.clear()
    for (const session of this.#table.values()) this.#index(session)
  }

  /** Forgets the indexes; the table belongs to the replication then. */
  clear(): void {
    this.#legs.clear()
    this.#ofCallId.clear()
    this.#ofUser.clear()
  }

  #index(session: Conference): void {
    const { sessionId } = session
    for (const { user, side, dialog } of session.members) {
      this.#legs.set(legKey(dialog.callId, dialog.localTag), { sessionId, side })
      this.#ofCallId.set(dialog.callId, sessionId)
      if (isOver(session)) this.#free(user, sessionId)
      else this.#occupy(user, sessionId)
    }
  }

  #occupy(user: string, sessionId: string): void {
    const sessions = this.#ofUser.get(user) ?? new Set()
    sessions.add(sessionId)
    this.#ofUser.set(user, sessions)
  }

  #free(user: string, sessionId: string): void {
    const sessions = this.#ofUser.get(user)
    sessions?.delete(sessionId)
    if (sessions?.size === 0) this.#ofUser.delete(user)
  }
}

function legKey(callId: string, localTag: string): string {
  return `${localTag}|${callId}`
}
