//! Whether the memory of this process runs out. Garbage that waits for its collection counts like what
//! is in use, so that the least of several looks is taken. Pure.
import { limits } from '../limits.ts'

interface MemoryUse {
  /** Bytes of the heap, and its bound. */
  readonly heapBytes: number
  readonly heapBytesMax: number
  /** Bytes of the whole process, and what it may use. */
  readonly processBytes: number
  readonly processBytesMax: number
}

export class MemoryWatch {
  #dueMs = Number.NEGATIVE_INFINITY
  /** Shares in use, the newest last. */
  #shares: number[] = []

  isDue(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false
    const isLow = (this.#shares.at(-1) ?? 0) >= limits.memoryLowShare
    this.#dueMs = nowMs + (isLow ? limits.memoryLookLowMs : limits.memoryLookMs)
    return true
  }

  /** @returns the share in use for some time, 1 being all; 0 while it is not known. */
  look(use: MemoryUse): number {
    const share = Math.max(use.heapBytes / use.heapBytesMax, use.processBytes / use.processBytesMax)
    this.#shares = [...this.#shares, share].slice(-limits.memoryLooks)
    return this.#shares.length < limits.memoryLooks ? 0 : Math.min(...this.#shares)
  }
}
