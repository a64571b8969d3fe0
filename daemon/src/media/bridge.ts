//! One conference bridge: its members in the order that both nodes have.
import type { Leg } from './leg.ts'

/** Bridges are spread over the tick, so that not all packets of a node leave in one burst. */
export const phases = 4

/** After so many whole ticks nothing from before shapes a packet: a sample waits at most 8 ticks in the
 * ring, an event without an end is told for 15, concealment and weights look back 3. */
export const memoryTicks = 24

/** The same when all packets were received and only what was done with them was wrong: a frame that was lost
 * is concealed by the three before it, is a weight for one more, and a packet of 30 ms begins a tick before. */
export const mixMemoryTicks = 6

export class Bridge {
  readonly conferenceId: number
  readonly phase: number
  /** By media ID. */
  readonly legs: Leg[] = []
  /** Members that this node could not open: it does not hear what the peer hears. */
  readonly missing = new Set<string>()
  #warmTick = 0

  constructor(conferenceId: number) {
    this.conferenceId = conferenceId
    this.phase = ((conferenceId % phases) + phases) % phases
  }

  /** Up to `tick` something was not as it is at the peer, which was here all the time.
   * @param ticks how long that can be heard. */
  cool(tick: number, ticks = memoryTicks): void {
    this.#warmTick = Math.max(this.#warmTick, tick + ticks)
  }

  /** The tick from which `isWarm`, if every member is open. */
  get warmTick(): number {
    return this.#warmTick
  }

  /** Takes over how warm the inputs of another bridge are, when a leg comes from there. */
  coolAs(other: Bridge): void {
    this.#warmTick = Math.max(this.#warmTick, other.#warmTick)
  }

  /** @returns whether the packets of `tick` are those of a node that was here all the time. */
  isWarm(tick: number): boolean {
    return tick >= this.#warmTick && this.missing.size === 0
  }

  /** All ticks have other numbers from now on. */
  shift(ticks: number): void {
    this.#warmTick += ticks
    for (const leg of this.legs) leg.shift(ticks)
  }

  add(leg: Leg): void {
    const id = leg.record.mediaId
    const at = this.legs.findIndex((other) => other.record.mediaId > id)
    this.legs.splice(at < 0 ? this.legs.length : at, 0, leg)
  }

  remove(leg: Leg): void {
    const at = this.legs.indexOf(leg)
    if (at >= 0) this.legs.splice(at, 1)
  }
}
