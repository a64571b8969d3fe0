//! The output timeline of a leg (DESIGN section 4): which packet belongs to which tick. Pure: two nodes
//! with the same record get the same numbers, whatever happened before.
import type { WiredMedia } from '../tables/wired-media.ts'

export type Timeline = Pick<WiredMedia, 'ptimeMs' | 'seq0' | 'ts0' | 'tick0'>

/** No packet belongs to this instant. */
export const noPacket = -1

/** @param late false: at the start of tick `tick` of the bridge's phase; true: 10 ms after it.
 * @returns the number of the packet since `tick0`, or `noPacket`.
 *
 * 20 ms: packet k at tick tick0 + k. 10 ms: two packets a tick, the second one late. 30 ms: two packets
 * in three ticks, each sent when its last sample is mixed: 2q at tick 3q + 1, 2q + 1 late in
 * 3q + 2, which is 30 ms after it. */
export function packetOf(timeline: Timeline, tick: number, late: boolean): number {
  const ticks = tick - timeline.tick0
  if (ticks < 0) return noPacket
  if (timeline.ptimeMs === 20) return late ? noPacket : ticks
  if (timeline.ptimeMs === 10) return ticks * 2 + (late ? 1 : 0)
  const phase = ticks % 3
  const first = ((ticks - phase) / 3) * 2
  if (phase === 1 && !late) return first
  return phase === 2 && late ? first + 1 : noPacket
}

export function sequenceOf(timeline: Timeline, packet: number): number {
  return (timeline.seq0 + packet) & 0xffff
}

/** @returns the RTP time stamp of a packet. */
export function timestampOf(timeline: Timeline, packet: number): number {
  return (timeline.ts0 + packet * timeline.ptimeMs * 8) >>> 0
}

/** @returns the RTP time stamp of the first sample of a tick. */
export function timestampOfTick(timeline: Timeline, tick: number): number {
  return (timeline.ts0 + (tick - timeline.tick0) * 160) >>> 0
}
