//! Takes each relayed frame once: it comes on every link, and an old one is a replay.
import { assert } from '../assert.ts'
import { limits } from '../limits.ts'
import type { RelayHeader } from '../wire/relay-frame.ts'

/** Both nodes count the same ticks; a frame that is further away from now is none of the present. */
export const ticksMax = 25
/** Ticks that are remembered: more than those on both sides of now. */
const ticksHeld = 64
const wordsPerTick = limits.relayFramesPerTickMax / 32

assert(ticksHeld > 2 * ticksMax, 'a tick is remembered as long as its frames are taken')

export class RelayWindow {
  readonly #ticks = new Float64Array(ticksHeld).fill(-1)
  readonly #seen = new Uint32Array(ticksHeld * wordsPerTick)

  /** `repeated` is what came on another link already. @param now the present tick here. */
  judge({ tick, number }: RelayHeader, now: number): 'new' | 'repeated' | 'strange' {
    if (Math.abs(tick - now) > ticksMax || number >= limits.relayFramesPerTickMax) return 'strange'
    const place = tick % ticksHeld
    const first = place * wordsPerTick
    if (this.#ticks[place] !== tick) {
      this.#ticks[place] = tick
      this.#seen.fill(0, first, first + wordsPerTick)
    }
    const word = first + (number >> 5)
    const bit = 1 << (number & 31)
    const seen = this.#seen[word] ?? 0
    if ((seen & bit) !== 0) return 'repeated'
    this.#seen[word] = seen | bit
    return 'new'
  }
}
