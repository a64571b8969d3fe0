//! The virtual network: each direction of each link, and the terminal LAN towards each node, has its own
//! faults. Datagrams are lost, late, doubled, out of order or damaged; nothing else.
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

export interface Weather {
  /** Milliseconds one way. */
  readonly delayMs: number
  /** Up to this much more, each datagram for itself: they overtake each other. */
  readonly jitterMs: number
  readonly loss: number
  readonly duplicate: number
  readonly corrupt: number
  readonly cut: boolean
}

export const fairWeather: Weather = {
  delayMs: 0.15,
  jitterMs: 0.1,
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  cut: false,
}

/** One direction of one link. */
export class Path {
  weather: Weather = fairWeather
  readonly #timeline: Timeline
  readonly #random: Random
  /** A switch keeps the order of what it delays alike. */
  #lastAtMs = 0
  carried = 0
  lost = 0

  constructor(timeline: Timeline, random: Random) {
    this.#timeline = timeline
    this.#random = random
  }

  /** @param arrive is called when and as often as the datagram comes; `damaged`: bits have changed. */
  send(arrive: (atMs: number, damaged: boolean) => void): void {
    const { weather } = this
    if (weather.cut || this.#random.chance(weather.loss)) {
      this.lost++
      return
    }
    this.carried++
    const copies = this.#random.chance(weather.duplicate) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const extraMs = weather.jitterMs * this.#random.unit()
      let atMs = this.#timeline.nowMs + weather.delayMs + extraMs
      if (weather.jitterMs < 1) atMs = Math.max(atMs, this.#lastAtMs)
      this.#lastAtMs = Math.max(atMs, this.#lastAtMs)
      arrive(atMs, this.#random.chance(weather.corrupt))
    }
  }
}

/** A copy with one bit changed. */
export function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = random.whole(0, copy.length - 1)
  copy[at] = (copy[at] ?? 0) ^ (1 << random.whole(0, 7))
  return copy
}
