//! The running timers of all transactions, the earliest first: a binary heap.
//!
//! A stopped timer stays in the heap for a while, without its owner: most timers are stopped, half a minute before
//! they would fire, and a transaction that has ended must not live on in them. When most of the heap are such
//! timers, they are thrown away.
import { assert } from '../../assert.ts'
import type { TimerName } from './timers.ts'

/** One timer that was started. */
export interface Timer {
  readonly atMs: number
  readonly number: number
  readonly timer: TimerName
  /** Null: it was stopped. */
  owner: TimerOwner | null
}

/** Who has timers: those that run. */
interface TimerOwner {
  readonly timers: Map<TimerName, Timer>
}

/** So many stopped ones may stay in the heap. */
const stoppedMin = 256

export class TimerQueue<O extends TimerOwner> {
  #heap: Timer[] = []
  #lastNumber = 0
  /** Of those in the heap. */
  #stopped = 0

  /** Starts or restarts. */
  start(owner: O, timer: TimerName, atMs: number): void {
    this.stop(owner, timer)
    this.#lastNumber += 1
    const started = { atMs, number: this.#lastNumber, timer, owner }
    owner.timers.set(timer, started)
    this.#heap.push(started)
    this.#rise(this.#heap.length - 1)
  }

  stop(owner: O, timer: TimerName): void {
    const running = owner.timers.get(timer)
    if (running === undefined) return
    running.owner = null
    owner.timers.delete(timer)
    this.#noteStopped(1)
  }

  /** All of an owner. */
  stopAll(owner: O): void {
    for (const running of owner.timers.values()) running.owner = null
    this.#noteStopped(owner.timers.size)
    owner.timers.clear()
  }

  /** When the next timer fires, or null. */
  nextMs(): number | null {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.owner !== null) return first.atMs
      this.#stopped -= 1
      this.#removeFirst()
    }
    return null
  }

  /** Takes the next timer that is due; equal times in the order of their start. */
  take(nowMs: number): { owner: O; timer: TimerName } | null {
    const atMs = this.nextMs()
    if (atMs === null || atMs > nowMs) return null
    const first = this.#heap[0]
    assert(first !== undefined, 'a queue with a next timer is not empty')
    this.#removeFirst()
    const owner = first.owner as O
    owner.timers.delete(first.timer)
    return { owner, timer: first.timer }
  }

  clear(): void {
    this.#heap = []
    this.#stopped = 0
  }

  /** Entries of the heap: those that run, and stopped ones. */
  get length(): number {
    return this.#heap.length
  }

  #noteStopped(count: number): void {
    this.#stopped += count
    if (this.#stopped < stoppedMin || this.#stopped * 2 < this.#heap.length) return
    // Sorted is a heap, too.
    this.#heap = this.#heap
      .filter(({ owner }) => owner !== null)
      .sort((a, b) => a.atMs - b.atMs || a.number - b.number)
    this.#stopped = 0
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink()
  }

  #rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#swapWhenEarlier(at, parent)) return
      at = parent
    }
  }

  #sink(): void {
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left
      if (!this.#swapWhenEarlier(child, at)) return
      at = child
    }
  }

  #swapWhenEarlier(one: number, other: number): boolean {
    const a = this.#heap[one]
    const b = this.#heap[other]
    if (a === undefined || b === undefined || !this.#isEarlier(one, other)) return false
    this.#heap[one] = b
    this.#heap[other] = a
    return true
  }

  #isEarlier(one: number, other: number): boolean {
    const a = this.#heap[one]
    const b = this.#heap[other]
    if (a === undefined || b === undefined) return false
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)
  }
}
