//! The sessions of table 3 with the indexes that are needed to find them. The table is the truth: the
//! indexes can be made again from it at any time, which is what a take-over does.
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { RecordTable } from '../core-types.ts'
import type { SessionChange } from '../services/service.ts'

export interface LegName {
  readonly sessionId: string
  readonly leg: Leg
}

export function isOver(session: Conference): boolean {
  return session.state === 'released'
}

/** True for a member who takes part: who has left stays a while for repeated messages. */
export function isPresent({ state }: Member): boolean {
  return state !== 'releasing' && state !== 'released'
}

/** True while the first INVITE of a leg is not answered. */
export function isSettingUp({ state }: Member): boolean {
  return state === 'calling' || state === 'ringing'
}

function isIn(session: Conference, user: string): boolean {
  if (isOver(session)) return false
  return session.members.some((member) => member.user === user && isPresent(member))
}

/** True for who is called to come in the place of one who transfers. */
export function isTarget({ transfer }: Conference, leg: Leg): boolean {
  return transfer !== null && (transfer.target === leg || transfer.also?.includes(leg) === true)
}

/** True for a call that waits for a busy line, also while its terminal rings for it beside its calls. One that
 * rings at somebody else by now waits no more. */
export function isWaiting({ type, state, queued, members }: Conference): boolean {
  if (type !== 'ordinary' || state !== 'ringing') return false
  if (queued === null || queued.calledAtMs !== null) return false
  const called = members.filter((one) => one.side === 'callee' && isPresent(one))
  return called.every(({ user }) => user === queued.number)
}

/** Unix milliseconds since when a terminal is called; null: the call still waits for a line. */
export function calledAtMs(session: Conference): number | null {
  const { startedAtMs, queued, diversions } = session
  if (isWaiting(session)) return null
  return Math.max(startedAtMs, queued?.calledAtMs ?? 0, diversions?.at(-1)?.atMs ?? 0)
}

export class Sessions {
  readonly #table: RecordTable<Conference>
  readonly #legs = new Map<string, LegName>()
  readonly #ofCallId = new Map<string, string>()
  /** A leg keeps its media when it moves to another session, so that its name says only where it began. */
  readonly #ofMedia = new Map<string, string>()
  /** Members that take part in a live session, by session, and all together. */
  readonly #present = new Map<string, number>()
  #legCount = 0
  readonly #changes: SessionChange[] = []
  /** Live conferences by number. */
  readonly #ofNumber = new Map<string, string>()
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

  /** Legs that hold a port. */
  get legCount(): number {
    return this.#legCount
  }

  /** @returns false when the table is full. */
  save(session: Conference): boolean {
    const previous = this.#table.get(session.sessionId)
    if (!this.#table.put(session).ok) return false
    this.#changes.push({ previous: previous ?? null, next: session })
    for (const member of previous?.members ?? []) {
      const isKept = session.members.some((one) => legOf(one) === legOf(member))
      if (!isKept) this.#unindex(session.sessionId, member)
    }
    this.#index(session)
    return true
  }

  remove(session: Conference): void {
    const previous = this.#table.get(session.sessionId) ?? null
    this.#table.delete(session.sessionId)
    this.#changes.push({ previous, next: null })
    for (const member of session.members) this.#unindex(session.sessionId, member)
    this.#count(session.sessionId, 0)
    this.#number(session, false)
  }

  /** The leg that a message in a dialog belongs to: by Call-ID and our tag. */
  leg(callId: string, localTag: string | null): LegName | undefined {
    return localTag === null ? undefined : this.#legs.get(legKey(callId, localTag))
  }

  /** The member of a leg, as the table has it. */
  memberOf(name: LegName | undefined): Member | undefined {
    const session = name === undefined ? undefined : this.get(name.sessionId)
    return session?.members.find((one) => legOf(one) === name?.leg)
  }

  /** The session of a Call-ID, whatever the tags. */
  ofCallId(callId: string): string | undefined {
    return this.#ofCallId.get(callId)
  }

  /** The session of a leg of the media unit. */
  ofMedia(mediaId: string): string | undefined {
    return this.#ofMedia.get(mediaId)
  }

  /** The live conference of a number. */
  conference(number: string): Conference | undefined {
    const sessionId = this.#ofNumber.get(number)
    return sessionId === undefined ? undefined : this.get(sessionId)
  }

  isBusy(user: string): boolean {
    return this.#ofUser.has(user)
  }

  /** The live sessions in which the user is, the oldest first. */
  of(user: string): Conference[] {
    const ids = [...(this.#ofUser.get(user) ?? [])]
    return ids.flatMap((id) => this.#table.get(id) ?? [])
  }

  /** What was written since the last question. */
  takeChanges(): SessionChange[] {
    return this.#changes.splice(0)
  }

  held(): Record<string, number> {
    return {
      'legs by dialog': this.#legs.size,
      'sessions by Call-ID': this.#ofCallId.size,
      'sessions by media': this.#ofMedia.size,
      'sessions with members': this.#present.size,
      'legs with a port': this.#legCount,
      'conferences by number': this.#ofNumber.size,
      'users in sessions': this.#ofUser.size,
      'changes of sessions': this.#changes.length,
    }
  }

  rebuild(): void {
    this.clear()
    for (const session of this.#table.values()) this.#index(session)
  }

  /** Forgets the indexes; the table belongs to the replication then. */
  clear(): void {
    this.#legs.clear()
    this.#ofCallId.clear()
    this.#ofMedia.clear()
    this.#ofUser.clear()
    this.#changes.length = 0
    this.#ofNumber.clear()
    this.#present.clear()
    this.#legCount = 0
  }

  #index(session: Conference): void {
    const { sessionId } = session
    for (const member of session.members) {
      const { callId, localTag } = member.dialog
      this.#legs.set(legKey(callId, localTag), { sessionId, leg: legOf(member) })
      this.#ofCallId.set(callId, sessionId)
      this.#ofMedia.set(member.mediaId, sessionId)
    }
    const present = isOver(session) ? 0 : session.members.filter(isPresent).length
    this.#count(sessionId, present)
    this.#number(session, !isOver(session))
    for (const { user } of session.members) {
      if (isIn(session, user)) this.#occupy(user, sessionId)
      else this.#free(user, sessionId)
    }
  }

  #number({ sessionId, focus }: Conference, isLive: boolean): void {
    if (focus === null) return
    if (isLive) this.#ofNumber.set(focus.number, sessionId)
    else if (this.#ofNumber.get(focus.number) === sessionId) this.#ofNumber.delete(focus.number)
  }

  #count(sessionId: string, present: number): void {
    this.#legCount += present - (this.#present.get(sessionId) ?? 0)
    if (present === 0) this.#present.delete(sessionId)
    else this.#present.set(sessionId, present)
  }

  #unindex(sessionId: string, { user, dialog, mediaId }: Member): void {
    const key = legKey(dialog.callId, dialog.localTag)
    // A leg that has moved to another session is found there.
    if (this.#legs.get(key)?.sessionId === sessionId) this.#legs.delete(key)
    if (this.#ofCallId.get(dialog.callId) === sessionId) this.#ofCallId.delete(dialog.callId)
    if (this.#ofMedia.get(mediaId) === sessionId) this.#ofMedia.delete(mediaId)
    this.#free(user, sessionId)
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
