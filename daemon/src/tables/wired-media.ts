//! Table 4, wired media list (有线媒体列表, S1.83, S1.84): one RTP association of one terminal, and
//! everything both nodes need to send the same packets for it (DESIGN section 4).
import { z } from 'zod'
import { recordObject } from './record-object.ts'
import { shiftedTone, toneSchema } from './tone.ts'

/** The primary's mapping of an input stream to ticks: the sample with RTP time stamp
 * `timestamp + samplesPerTick * (n - tick)` of stream `ssrc` is mixed at tick n >= fromTick. */
export const inputMapSchema = recordObject({
  ssrc: z.number(),
  timestamp: z.number(),
  tick: z.number(),
  fromTick: z.number(),
})
export type InputMap = z.infer<typeof inputMapSchema>

const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const
export type Direction = (typeof directions)[number]

export const wiredMediaSchema = recordObject({
  /** Media ID; the key. */
  mediaId: z.string().max(64),
  /** Session ID of table 3 (S1.84), and the number of its bridge. */
  sessionId: z.string().max(64),
  conferenceId: z.int(),
  terminalAddress: z.string().max(64),
  remotePort: z.int().min(0).max(65_535),
  /** Even; RTCP is the next one (RFC 3550 11). On the service address. */
  localPort: z.int().min(1).max(65_535),
  codec: z.enum(['PCMA', 'PCMU']),
  payloadType: z.int().min(0).max(127),
  ptimeMs: z.union([z.literal(10), z.literal(20), z.literal(30)]),
  /** Payload type of RFC 4733 events in both directions; null: not negotiated. */
  eventPayloadType: z.int().min(96).max(127).nullable(),
  /** Seen from the switch: `sendonly` means that we send to the terminal and ignore what it says. */
  direction: z.enum(directions),
  /** How loud this member is for the others: its voice is louder and counts for more in the average. */
  gainDb: z.int().min(-30).max(12),
  /** True: the others do not hear it, whatever its direction (muted, or a listener only). */
  muted: z.boolean().nullable().default(null),
  /** What it hears of a tone; null: none. */
  tone: toneSchema.nullable().default(null),
  /** False: only the primary sends (terminals that cannot take duplicates). */
  twin: z.boolean(),
  /** Output timeline: packet of tick n has seq0 + (n - tick0) and ts0 + 160 (n - tick0) for 20 ms
   * packets; sending starts at tick0. Modulo 2^16 and 2^32. */
  ssrc: z.number(),
  seq0: z.number(),
  ts0: z.number(),
  tick0: z.number(),
  /** Codec, payload types, packet time, remote address, bridge, direction, gain, mute and tone of this
   * version hold from this tick on; the former ones until then. */
  controlTick: z.number(),
  /** From this tick on the leg is no member any more: it is neither sent nor heard, on both nodes at
   * once; its record is deleted later. Null: it stays. */
  endTick: z.number().nullable().default(null),
  /** Newest last; at most the two that can matter. */
  inputMaps: z.array(inputMapSchema).max(2),
})
export type WiredMedia = z.infer<typeof wiredMediaSchema>

/** The map when the same instants have tick numbers that are larger by `ticks`. */
export function shiftedMap(map: InputMap, ticks: number): InputMap {
  return { ...map, tick: map.tick + ticks, fromTick: map.fromTick + ticks }
}

/** The record when the same instants have tick numbers that are larger by `ticks`. */
export function shiftedRecord(record: WiredMedia, ticks: number): WiredMedia {
  return {
    ...record,
    tick0: record.tick0 + ticks,
    controlTick: record.controlTick + ticks,
    tone: record.tone === null ? null : shiftedTone(record.tone, ticks),
    endTick: record.endTick === null ? null : record.endTick + ticks,
    inputMaps: record.inputMaps.map((map) => shiftedMap(map, ticks)),
  }
}
