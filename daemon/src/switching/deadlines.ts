//! Deadlines with a name, of many owners: a heap in which a stopped one stays until it is due or half of
//! the heap is such. One entry an owner and name; starting it again moves it.

interface Due<N extends string> {
  readonly owner: string
  readonly name: N
}

interface Entry<N extends string> extends Due<N> {
  readonly atMs: number
}

/** So many stopped ones may always stay. */
const stoppedMin = 64

export class Deadlines<N extends string> {
  #heap: Entry<N>[] = []
  readonly #live = new Map<string, Entry<N>>()

  /** With those that were stopped and are not due yet. */
  get size(): number {
    return this.#heap.length + this.#live.size
  }

  start(owner: string, name: N, atMs: number): void {
    const entry = { owner, name, atMs }
    this.#live.set(keyOf(entry), entry)
    this.#push(entry)
    this.#tidy()
  }

  /** @returns false when there was none. */
  stop(owner: string, name: N): boolean {
    const was = this.#live.delete(keyOf({ owner, name }))
    this.#tidy()
    return was
  }

  clear(): void {
    this.#heap = []
    this.#live.clear()
  }

  nextMs(): number | null {
    this.#dropStopped()
    return this.#heap[0]?.atMs ?? null
  }

  /** Takes the next one that is due, or null. */
  take(nowMs: number): Due<N> | null {
    this.#dropStopped()
    const top = this.#heap[0]
    if (top === undefined || top.atMs > nowMs) return null
    this.#pop()
    this.#live.delete(keyOf(top))
    return top
  }

  #dropStopped(): void {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#live.get(keyOf(top)) === top) return
      this.#pop()
    }
  }

  /** Clocks are mostly stopped long before they are due; what is left of them must not outgrow the rest. */
  #tidy(): void {
    if (this.#heap.length <= 2 * this.#live.size + stoppedMin) return
    this.#heap = [...this.#live.values()].sort((a, b) => a.atMs - b.atMs)
  }

  #push(entry: Entry<N>): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Entry<N>
      if (above.atMs <= entry.atMs) break
      heap[at] = above
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const right = heap[child + 1]
      if (right !== undefined && right.atMs < (heap[child] as Entry<N>).atMs) child += 1
      const below = heap[child]
      if (below === undefined || below.atMs >= last.atMs) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}

function keyOf({ owner, name }: Due<string>): string {
  return `${owner}/${name}`
}
