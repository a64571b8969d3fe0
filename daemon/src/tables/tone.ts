//! A tone that a leg hears. The record carries all that its samples are made of, not the name of a
//! national tone: both nodes generate the same bytes, also when their versions know other sets.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { recordObject } from './record-object.ts'

/** Frequencies that sound together, and for how long; none: silence. */
const tonePartSchema = recordObject({
  hz: z.array(z.int().min(20).max(3_999)).max(4),
  ms: z.int().min(1).max(60_000),
})

const patternFields = {
  /** For people; nothing depends on it. */
  name: z.string().max(32),
  /** The cadence: its parts one after the other, and then again. One part alone is a steady tone. */
  parts: z.array(tonePartSchema).min(1).max(32),
  /** How often the cadence is played; null: until it is stopped. */
  times: z.int().min(1).nullable(),
  /** Level of each frequency (ITU-T G.711 table 5: a sine of full scale has 3.14 dBm0). */
  levelDbm0: z.int().min(-40).max(0),
  /** True: the leg hears it instead of the others, pauses included. False: added to what it hears. */
  replaces: z.boolean(),
}

const tonePatternSchema = recordObject(patternFields)
export type TonePattern = z.infer<typeof tonePatternSchema>

export const toneSchema = recordObject({
  ...patternFields,
  /** Its first sample is the first one of this tick. */
  fromTick: z.int(),
  /** The first tick without it; null: none yet. */
  untilTick: z.int().nullable(),
})
export type Tone = z.infer<typeof toneSchema>

/** True when something of the tone is still to come, its pauses included. */
export function isSounding({ parts, times, fromTick, untilTick }: Tone, tick: number): boolean {
  if (untilTick !== null && tick >= untilTick) return false
  if (times === null) return true
  const ms = times * parts.reduce((sum, part) => sum + part.ms, 0)
  return (tick - fromTick) * limits.tickMs < ms
}

/** The tone when the same instants have tick numbers that are larger by `ticks`. */
export function shiftedTone(tone: Tone, ticks: number): Tone {
  const untilTick = tone.untilTick === null ? null : tone.untilTick + ticks
  return { ...tone, fromTick: tone.fromTick + ticks, untilTick }
}
