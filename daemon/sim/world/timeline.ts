//! Virtual time: what shall happen when, and a hash of all that has happened. Nothing else in the
//! simulator knows a clock, so that a seed is the same run each time.

export interface Planned {
  readonly atMs: number
  readonly order: number
  run: (() => void) | null
}

/** A binary heap of what is planned; equal times keep the order in which they were planned. */
export class Timeline {
  #nowMs = 0
  #order = 0
  readonly #heap: Planned[] = []
  #high = 0x811c9dc5
  #low = 0x01000193
  events = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Of all notes up to now: equal runs have equal ones. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16)
  }

  at(atMs: number, run: () => void): Planned {
    const planned = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run }
    this.#heap.push(planned)
    this.#rise(this.#heap.length - 1)
    return planned
  }

  after(inMs: number, run: () => void): Planned {
    return this.at(this.#nowMs + inMs, run)
  }

  cancel(planned: Planned): void {
    planned.run = null
  }

  /** Lets time pass up to this moment. */
  runTo(endMs: number): void {
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (next.atMs > endMs) break
      this.#take()
      this.#nowMs = next.atMs
      if (next.run === null) continue
      this.events++
      next.run()
    }
    this.#nowMs = endMs
  }

  /** Adds to the hash, together with the time. */
  note(value: number): void {
    const micros = Math.round(this.#nowMs * 1000)
    this.#mix(micros | 0)
    this.#mix((micros / 2 ** 32) | 0)
    this.#mix(value)
  }

  noteText(text: string): void {
    this.note(text.length)
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at))
  }

  noteBytes(bytes: Uint8Array): void {
    this.note(bytes.length)
    // Frames of the pair end with their authentication tag, which covers the rest.
    for (let at = Math.max(0, bytes.length - 16); at < bytes.length; at++) this.#mix(bytes[at] ?? 0)
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193)
    this.#low = Math.imul((this.#low << 5) ^ (this.#low >>> 27) ^ value, 0x85ebca6b)
  }

  #rise(from: number): void {
    const heap = this.#heap
    const planned = heap[from] as Planned
    let at = from
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up] as Planned
      if (!isBefore(planned, parent)) break
      heap[at] = parent
      at = up
    }
    heap[at] = planned
  }

  #take(): void {
    const heap = this.#heap
    const last = heap.pop() as Planned
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && isBefore(heap[down + 1] as Planned, heap[down] as Planned)) {
        down++
      }
      if (!isBefore(heap[down] as Planned, last)) break
      heap[at] = heap[down] as Planned
      at = down
    }
    heap[at] = last
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}
