//! Which open transaction belongs to which place of which session. In memory only: after a take-over
//! it is made again while the transactions are restored from the records.
import type { Leg } from '../../tables/wired-conference.ts'
import type { Slot } from '../dialog/pending.ts'
import type { LegName } from './sessions.ts'

/** Those of which a leg has several, by their place in the record: the PRACKs of its early dialogs, and the
 * branches of its INVITE. */
type Numbered = `prack-${number}` | `fork-${number}`

export interface Link extends LegName {
  readonly slot: Slot | Numbered
}

export class Links {
  readonly #links = new Map<string, Link>()
  /** Transactions by session and place. */
  readonly #ids = new Map<string, Map<string, string>>()

  get size(): number {
    return this.#links.size + this.#ids.size
  }

  /** A place has one transaction; an older one is found by its dialog only. */
  bind(id: string, link: Link): void {
    this.#unbind(link.sessionId, placeOf(link))
    const ids = this.#ids.get(link.sessionId) ?? new Map<string, string>()
    this.#ids.set(link.sessionId, ids.set(placeOf(link), id))
    this.#links.set(id, link)
  }

  find(id: string): Link | undefined {
    return this.#links.get(id)
  }

  idOf(link: Link): string | undefined {
    return this.#ids.get(link.sessionId)?.get(placeOf(link))
  }

  /** Two places change what they have. */
  swap(one: Link, other: Link): void {
    const ids = [this.idOf(one), this.idOf(other)]
    for (const link of [one, other]) this.#unbind(link.sessionId, placeOf(link))
    if (ids[0] !== undefined) this.bind(ids[0], other)
    if (ids[1] !== undefined) this.bind(ids[1], one)
  }

  /** What is open on a leg goes on under its new name: it has joined another session. */
  move(from: LegName, to: LegName): void {
    for (const [place, id] of [...(this.#ids.get(from.sessionId) ?? [])]) {
      const link = this.#links.get(id)
      if (link === undefined || link.leg !== from.leg) continue
      this.#unbind(from.sessionId, place)
      this.bind(id, { ...to, slot: link.slot })
    }
  }

  /** @param leg absent: all legs. */
  forget(sessionId: string, leg?: Leg): void {
    for (const place of [...(this.#ids.get(sessionId)?.keys() ?? [])]) {
      if (leg === undefined || place.startsWith(`${leg}/`)) this.#unbind(sessionId, place)
    }
  }

  clear(): void {
    this.#links.clear()
    this.#ids.clear()
  }

  #unbind(sessionId: string, place: string): void {
    const ids = this.#ids.get(sessionId)
    const id = ids?.get(place)
    if (ids === undefined || id === undefined) return
    this.#links.delete(id)
    ids.delete(place)
    if (ids.size === 0) this.#ids.delete(sessionId)
  }
}

function placeOf({ leg, slot }: Omit<Link, 'sessionId'>): string {
  return `${leg}/${slot}`
}
