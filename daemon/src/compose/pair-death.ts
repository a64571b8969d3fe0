//! The death of the pair unit, which cannot say goodbye any more: the switch of the node sees it at once by
//! its bus, serves no longer, and says so to the switch of the peer over the sync links (ADR 0015).
//! Without that, the peer waits for the silence of all links. The word names the boot of the pair unit that
//! died, so that it says nothing of the one that comes after it.
import { z } from 'zod'
import { parseQuestion } from './peer-questions.ts'

const verb = 'pair-died'
const paramsSchema = z.object({ bootId: z.string().regex(/^[0-9a-f]{16}$/) })

/** The question to the peer's switch. */
export function sayPairDied(bootId: string): string {
  return JSON.stringify({ verb, params: { bootId } })
}

/** @returns the boot of the peer's pair unit that died; null: the question is another one. */
export function heardPairDied(body: string): string | null {
  const question = parseQuestion(body)
  if (question.verb !== verb) return null
  const params = paramsSchema.safeParse(question.params)
  return params.success ? params.data.bootId : null
}
