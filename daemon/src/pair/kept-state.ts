//! What the pair keeps over restarts: the term, so that an old primary never comes back with a number
//! that was used already, and the boots of the peer that ended, so that no recording counts as new.
import { z } from 'zod'
import type { KeptBoots } from './boots.ts'

export interface KeptState extends KeptBoots {
  readonly term: number
}

export const nothingKept: KeptState = { term: 0, currentBoot: null, endedBoots: [] }

const bootId = z.string().regex(/^[0-9a-f]{16}$/)

const keptSchema = z.strictObject({
  term: z.int().min(0),
  currentBoot: bootId.nullable(),
  endedBoots: z.array(bootId).max(32),
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
