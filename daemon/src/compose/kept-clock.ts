//! The pair clock over the death of the pair unit: a node that is alone goes on with the ticks it had,
//! and a leg does not fall silent because its ticks jump. A note in the run directory, a second old at
//! most; one that is older, or of another start of the machine, is worth nothing.
import { z } from 'zod'
import type { PairClock } from '../pair/pair-clock.ts'
import { monotonicMs } from '../platform/clock.ts'
import { readFileBytes, readSystemFile, replaceFile } from '../platform/files.ts'

const noteSchema = z.strictObject({
  /** CLOCK_MONOTONIC. */
  atMs: z.number(),
  offsetMs: z.number(),
  machineBoot: z.string(),
})

const writeMs = 1_000
/** Two clocks run apart by 100 ppm at most: a millisecond. */
const ageMsMax = 10_000
const noteBytesMax = 1_024

function notePath(runDirectory: string): string {
  return `${runDirectory}/pair-clock.json`
}

function machineBoot(): string {
  return readSystemFile('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

/** The clock of the pair unit before this one, if it died a moment ago. */
export function keptClock(runDirectory: string, nowMs = monotonicMs()): PairClock | null {
  const file = readFileBytes(notePath(runDirectory), noteBytesMax)
  if (!file.ok) return null
  try {
    const note = noteSchema.parse(JSON.parse(new TextDecoder().decode(file.bytes)))
    const ageMs = nowMs - note.atMs
    if (note.machineBoot !== machineBoot() || ageMs < 0 || ageMs > ageMsMax) return null
    const { offsetMs } = note
    return { offsetMs, synchronised: true, skewMs: null, samples: [], movedAt: nowMs }
  } catch {
    return null
  }
}

/** @returns what is called in every turn with the clock as it is. */
export function clockKeeper(runDirectory: string): (clock: PairClock, nowMs?: number) => void {
  const path = notePath(runDirectory)
  const boot = machineBoot()
  let dueMs = Number.NEGATIVE_INFINITY
  return (clock, nowMs = monotonicMs()) => {
    if (!clock.synchronised || nowMs < dueMs) return
    dueMs = nowMs + writeMs
    const note = { atMs: nowMs, offsetMs: clock.offsetMs, machineBoot: boot }
    try {
      replaceFile(path, JSON.stringify(note))
    } catch {
      // A full disk: the next pair unit then begins with a clock of its own.
    }
  }
}
