//! What the pair keeps over restarts: the term, so that an old primary never comes back with a number
//! that was used already, the boots of the peer that ended, so that no recording counts as new, and
//! whether an operator paused the pair, with the node at which the role then stays.
import { z } from 'zod'
import type { KeptBoots } from './boots.ts'
import { neverPaused, type Pause, pauseCountMax } from './pause-count.ts'

export interface KeptState extends KeptBoots {
  readonly term: number
  readonly pause: Pause
  readonly served: boolean
}

export const nothingKept: KeptState = {
  term: 0,
  currentBoot: null,
  endedBoots: [],
  pause: neverPaused,
  served: false,
}

const bootId = z.string().regex(/^[0-9a-f]{16}$/)

/** Values that a later version adds are left alone; those that an earlier one had not are defaults. */
const keptSchema = z.object({
  term: z.int().min(0),
  currentBoot: bootId.nullable(),
  endedBoots: z.array(bootId).max(32),
  pause: z
    .object({ count: z.int().min(0).max(pauseCountMax), reason: z.string().max(200) })
    .default(neverPaused),
  served: z.boolean().default(false),
})

export function writeKept(kept: KeptState): string {
  return `${JSON.stringify(kept)}\n`
}

/** @returns null for a damaged text. The term is then zero; the peer's is adopted when heard. */
export function readKept(text: string): KeptState | null {
  try {
    return keptSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
