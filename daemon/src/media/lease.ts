//! How far this unit may trust what it knows (ADR 0015). pair lends the role for as long as the peer
//! cannot have missed this node; a unit that stood still, and whose pair stood still with it, says
//! nothing until it has heard what became of its role and its legs.
import type { Role } from '../bus/messages.ts'

/** `full`: as the role says. `twins`: pair is silent, perhaps dead; what both nodes send goes on.
 * `none`: this node stood still, and its legs are old. */
export type Trust = 'full' | 'twins' | 'none'

export class Lease {
  readonly #patienceMs: number
  /** A pair unit that lends nothing is trusted until it does. */
  #untilMs = Number.POSITIVE_INFINITY
  #role: Role = 'starting'
  #alone = false
  #lookedAtMs: number | null = null
  /** pair itself was silent for longer than the peer waits. */
  #pairStoodStill = false
  #old = false

  /** @param patienceMs silence after which the peer takes over. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  role(role: Role, alone: boolean): void {
    this.#role = role
    this.#alone = alone
  }

  renew(untilMs: number): void {
    if (untilMs - this.#untilMs > this.#patienceMs) this.#pairStoodStill = true
    this.#untilMs = untilMs
  }

  /** The switch unit has named all legs.
   * @param nowMs CLOCK_MONOTONIC, as everywhere here. */
  legsNamed(nowMs: number): void {
    if (nowMs < this.#untilMs) this.#old = false
  }

  /** To be called once a turn of the loop, when the bus has been read.
   * @returns `stoodStill` once, in the first turn after it. */
  look(nowMs: number): { readonly trust: Trust; readonly stoodStill: boolean } {
    const stoodStill = this.#lookedAtMs !== null && nowMs - this.#lookedAtMs >= this.#patienceMs
    this.#lookedAtMs = nowMs
    const fresh = nowMs < this.#untilMs
    if (stoodStill && (this.#pairStoodStill || !fresh)) this.#old = true
    this.#pairStoodStill = false
    // The legs of a primary are nobody else's, and those that it has it had before.
    if (fresh && this.#role === 'primary') this.#old = false
    return { trust: this.#trust(fresh), stoodStill }
  }

  /** Alone, the node goes on without pair until it is back: nobody else can. */
  #trust(fresh: boolean): Trust {
    if (this.#old) return 'none'
    return fresh || (this.#alone && this.#role === 'primary') ? 'full' : 'twins'
  }
}
