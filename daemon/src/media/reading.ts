//! How many waiting packets of a leg are read in a tick. One is what a tick brings. Every eighth tick the
//! queue is read until it is empty: else one late tick would add its delay for good. Legs with short
//! packets, with events beside the voice, with doubled packets, or after a hole, are read so in every tick.
//!
//! A tick that is made up for after a standstill finds what came later in the queue as well. Read at
//! once, it would not fit into the ring: it waits for the tick that it came in.
import type { Leg } from './leg.ts'

export const drainEveryTicks = 8
const drainPackets = 8
const shortPacketsPerTick = 2

/** @returns packets that are read without looking whether there are more. */
export function packetsToRead(leg: Leg, tick: number, isMadeUp: boolean): number {
  if (isMadeUp) return leg.shortPackets ? shortPacketsPerTick : 1
  const turn = (tick + leg.index) % drainEveryTicks === 0 || tick < leg.drainUntilTick
  return turn || leg.shortPackets ? drainPackets : 1
}

/** @param packets that were read in this tick. */
export function drainIfNeeded(leg: Leg, tick: number, packets: number): void {
  // After a hole there may be two; while nothing comes this costs nothing.
  if (packets === 0) leg.drainUntilTick = Math.max(leg.drainUntilTick, tick + 2)
  // More came than one a tick, and will be more.
  if (packets > 2) leg.drainUntilTick = tick + drainEveryTicks + 1
}

/** @returns packets that are read when they are known to be there. */
export function packetsAtHand(isMadeUp: boolean): number {
  return isMadeUp ? 0 : drainPackets
}
