//! The tone of a leg at a tick, over or beneath what the mixer has written for it. Everything follows
//! from the record and the number of the tick: a node that joins in the middle plays the same samples.
import { limits } from '../limits.ts'
import type { Tone } from '../tables/tone.ts'
import { type Arena, arenaOffset, legField, toneTableHz } from './arena.ts'
import type { Leg } from './leg.ts'

const samples = limits.samplesPerTick
const samplesPerMs = limits.sampleRateHz / 1000
/** As in daemon/assembly/tones.ts. */
const edgeSamples = 16

/** round(2^15 * 10^((dBm0 - 3.14) / 20)) for -40..0 dBm0. */
const amplitudes = [
  228, 256, 287, 322, 362, 406, 455, 511, 573, 643, 722, 810, 909, 1020, 1144, 1284, 1440, 1616,
  1813, 2034, 2283, 2561, 2874, 3224, 3618, 4059, 4555, 5110, 5734, 6434, 7219, 8099, 9088, 10196,
  11441, 12837, 14403, 16160, 18132, 20345, 22827,
]
const levelDbm0Min = -40

/** A tone in samples. */
export interface Score {
  readonly tone: Tone
  readonly parts: readonly { hz: readonly number[]; start: number; end: number }[]
  readonly length: number
  /** Samples after which it is over. */
  readonly total: number
  readonly amplitude: number
}

function scoreOf(tone: Tone): Score {
  let length = 0
  const parts = tone.parts.map(({ hz, ms }) => {
    const start = length
    length += ms * samplesPerMs
    return { hz, start, end: length }
  })
  const total = tone.times === null ? Number.POSITIVE_INFINITY : tone.times * length
  const amplitude = amplitudes[tone.levelDbm0 - levelDbm0Min] ?? 0
  return { tone, parts, length, total, amplitude }
}

/** Plays what `leg` hears of its tone at `tick` into its coded frame. */
export function playTone(arena: Arena, leg: Leg, tick: number): void {
  const { tone } = leg.record
  if (tone === null || tick < tone.fromTick) return
  if (tone.untilTick !== null && tick >= tone.untilTick) return
  // A record keeps its tone object as long as it is the same.
  if (leg.score?.tone !== tone) leg.score = scoreOf(tone)
  const { score } = leg
  const from = (tick - tone.fromTick) * samples
  if (from >= score.total) return
  const sounds = write(arena, score, from)
  if (!sounds && !tone.replaces) return
  const out = arena.words[(leg.offset + legField.out) >> 2] ?? 0
  const muLaw = leg.record.codec === 'PCMU'
  arena.mixer.blend(arenaOffset.tone, out, tone.replaces, muLaw)
}

/** The samples `from` and following, into memory that is clear (`blend` leaves it so). @returns false when all of them are a pause. */
function write(arena: Arena, score: Score, from: number): boolean {
  const until = Math.min(from + samples, score.total)
  let sounds = false
  let sample = from
  while (sample < until) {
    const place = sample % score.length
    const part = score.parts.find(({ end }) => place < end)
    if (part === undefined) return sounds
    const count = Math.min(part.end - place, until - sample)
    const to = arenaOffset.tone + 2 * (sample - from)
    for (const hz of part.hz) {
      // The phase counts from the start of the tone, so that a steady one never jumps.
      const phase = (hz * sample) % toneTableHz
      arena.mixer.sine(arenaOffset.sine, to, count, phase, hz, score.amplitude)
      sounds = true
    }
    const first = place - part.start
    const isEdge = first < edgeSamples || part.end - place - count < edgeSamples
    if (isEdge && score.parts.length > 1) {
      arena.mixer.fade(to, count, first, part.end - part.start)
    }
    sample += count
  }
  return sounds
}
