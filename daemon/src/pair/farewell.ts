//! A goodbye that waits for the own switch. The role was lent to it for as long as the peer cannot have
//! missed this node (ADR 0015), and a goodbye lets the peer serve before that: so it leaves when the
//! switch has said that it no longer acts as primary, has died or let its loan run out, or this node stops. Nothing else
//! leaves meanwhile, because every heartbeat would say the same as the goodbye.
import type { PairEvent } from './state.ts'

export class Farewell {
  #untilMs: number | null = null

  /** @param untilMs end of the loan; null: nothing was ever lent. */
  begin(untilMs: number | null): void {
    this.#untilMs = untilMs ?? Number.NEGATIVE_INFINITY
  }

  /** What is to be sent waits. */
  get waits(): boolean {
    return this.#untilMs !== null
  }

  /** @returns whether the goodbye leaves now, which is once. */
  endsWith(event: PairEvent): boolean {
    if (this.#untilMs === null) return false
    const isOver =
      event.kind === 'stop' ||
      (event.kind === 'switch-alive' && event.role !== 'primary') ||
      (event.kind === 'unit-down' && event.unit === 'switch')
    if (!isOver && event.now < this.#untilMs) return false
    this.#untilMs = null
    return true
  }
}
