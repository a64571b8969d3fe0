//! The parts of a change that is longer than one message. They wait here until the last one has come:
//! a node that loses its peer in the midst has none of it.

interface Part<T> {
  /** Names the change; each attempt has a new one. */
  readonly batch: string
  /** 0 and up. */
  readonly part: number
  readonly items: readonly T[]
}

/** Of one change: more than a site of the largest size has. */
const itemsMax = 200_000

export class Staging<T> {
  #batch = ''
  #parts = 0
  #items: T[] = []

  /** A part that came already changes nothing; one of a new change forgets the former.
   * @returns all that came so far; null when a part is missing, or there are too many. */
  add({ batch, part, items }: Part<T>): readonly T[] | null {
    if (batch !== this.#batch) {
      this.#batch = batch
      this.#parts = 0
      this.#items = []
    }
    if (part > this.#parts || this.#items.length + items.length > itemsMax) return null
    if (part === this.#parts) {
      this.#items.push(...items)
      this.#parts++
    }
    return this.#items
  }
}
