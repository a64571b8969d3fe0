//! Which open transaction belongs to which place of which session. In memory only: after a take-over
//! it is made again while the transactions are restored from the records.
import type { Slot } from '../dialog/pending.ts'
import type { Side } from './sessions.ts'

export interface Link {
  readonly sessionId: string
  readonly side: Side
  readonly slot: Slot
}

export class Links {
  readonly #links = new Map<string, Link>()
  readonly #ids = new Map<string, string>()

  /** A place has one transaction; an older one is found by its dialog only. */
  bind(id: string, link: Link): void {
    this.#unbind(placeOf(link))
    this.#links.set(id, link)
    this.#ids.set(placeOf(link), id)
  }

  find(id: string): Link | undefined {
    return this.#links.get(id)
  }

  idOf(link: Link): string | undefined {
    return this.#ids.get(placeOf(link))
  }

  forget(sessionId: string): void {
    for (const side of ['caller', 'callee'] as const) {
      for (const slot of slots) this.#unbind(placeOf({ sessionId, side, slot }))
    }
  }

  clear(): void {
    this.#links.clear()
    this.#ids.clear()
  }

  #unbind(place: string): void {
    const id = this.#ids.get(place)
    if (id === undefined) return
    this.#links.delete(id)
    this.#ids.delete(place)
  }
}

const slots: readonly Slot[] = ['pendingServer', 'pendingClient', 'relayServer', 'relayClient']

function placeOf({ sessionId, side, slot }: Link): string {
  return `${sessionId}/${side}/${slot}`
}
