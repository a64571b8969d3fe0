//! The few clocks of a session: a heap of deadlines in which a stopped timer stays until it is due.
//! One entry a session, leg and name; starting it again moves it.
import type { Leg } from '../../tables/wired-conference.ts'

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

interface Entry {
  readonly atMs: number
  readonly key: string
  readonly due: CallTimer
}

export class CallTimers {
  #heap: Entry[] = []
  readonly #live = new Map<string, Entry>()

  start(due: CallTimer, atMs: number): void {
    const entry = { due, atMs, key: keyOf(due) }
    this.#live.set(entry.key, entry)
    this.#push(entry)
  }

  stop(timer: CallTimer): void {
    this.#live.delete(keyOf(timer))
  }

  clear(): void {
    this.#heap = []
    this.#live.clear()
  }

  nextMs(): number | null {
    this.#dropStopped()
    return this.#heap[0]?.atMs ?? null
  }

  /** Takes the next timer that is due, or null. */
  take(nowMs: number): CallTimer | null {
    this.#dropStopped()
    const top = this.#heap[0]
    if (top === undefined || top.atMs > nowMs) return null
    this.#pop()
    this.#live.delete(top.key)
    return top.due
  }

  #dropStopped(): void {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#live.get(top.key) === top) return
      this.#pop()
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Entry
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
      if (right !== undefined && right.atMs < (heap[child] as Entry).atMs) child += 1
      const below = heap[child]
      if (below === undefined || below.atMs >= last.atMs) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}

function keyOf(timer: CallTimer): string {
  const leg = 'leg' in timer ? timer.leg : ''
  const name = timer.timer === 'service' ? timer.service : timer.timer
  return `${timer.sessionId}/${name}/${leg}`
}
