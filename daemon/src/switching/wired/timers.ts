//! The few clocks of a session: one deadline a session, leg and name; starting it again moves it.
import type { Leg } from '../../tables/wired-conference.ts'
import { Deadlines } from '../deadlines.ts'

type SessionTimer = 'no-answer' | 'cancel-again' | 'linger'

/** A clock of a session, or of one leg of it. */
export type CallTimer =
  | { readonly sessionId: string; readonly timer: SessionTimer }
  | { readonly sessionId: string; readonly timer: 'member-gone'; readonly leg: Leg }
  /** A clock of a service: its name, and the leg that it is about. */
  | {
      readonly sessionId: string
      readonly timer: 'service'
      readonly service: string
      readonly leg: Leg
    }

export class CallTimers {
  readonly #deadlines = new Deadlines<string>()
  readonly #timers = new Map<string, CallTimer>()
  /** Names of those that run, by session. */
  readonly #ofSession = new Map<string, Set<string>>()

  /** Those that run, and those that were stopped and are not due yet. */
  get size(): number {
    return this.#timers.size + this.#deadlines.size + this.#ofSession.size
  }

  start(timer: CallTimer, atMs: number): void {
    const name = nameOf(timer)
    const names = this.#ofSession.get(timer.sessionId) ?? new Set()
    this.#ofSession.set(timer.sessionId, names.add(name))
    this.#timers.set(`${timer.sessionId}/${name}`, timer)
    this.#deadlines.start(timer.sessionId, name, atMs)
  }

  stop(timer: CallTimer): void {
    this.#stop(timer.sessionId, nameOf(timer))
  }

  /** A session, or one leg of it, is no more. */
  forget(sessionId: string, leg?: Leg): void {
    for (const name of [...(this.#ofSession.get(sessionId) ?? [])]) {
      if (leg === undefined || name.endsWith(`/${leg}`)) this.#stop(sessionId, name)
    }
  }

  clear(): void {
    this.#deadlines.clear()
    this.#timers.clear()
    this.#ofSession.clear()
  }

  nextMs(): number | null {
    return this.#deadlines.nextMs()
  }

  /** Takes the next timer that is due, or null. */
  take(nowMs: number): CallTimer | null {
    const due = this.#deadlines.take(nowMs)
    if (due === null) return null
    const key = `${due.owner}/${due.name}`
    const timer = this.#timers.get(key) ?? null
    this.#drop(due.owner, due.name)
    return timer
  }

  #stop(sessionId: string, name: string): void {
    this.#drop(sessionId, name)
    this.#deadlines.stop(sessionId, name)
  }

  #drop(sessionId: string, name: string): void {
    this.#timers.delete(`${sessionId}/${name}`)
    const names = this.#ofSession.get(sessionId)
    names?.delete(name)
    if (names?.size === 0) this.#ofSession.delete(sessionId)
  }
}

function nameOf(timer: CallTimer): string {
  const leg = 'leg' in timer ? timer.leg : ''
  return `${timer.timer === 'service' ? timer.service : timer.timer}/${leg}`
}
