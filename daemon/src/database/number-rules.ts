//! Rules for the beginning of numbers, as they are kept in one column: JSON of pairs.
import { z } from 'zod'

interface NumberRule {
  readonly from: string
  readonly to: string
}

const pairs = z.array(z.tuple([z.string().max(32), z.string().max(32)])).max(256)

/** Those of a column; none when it cannot be read, which `store.ts` never writes. */
export function numberRulesOf(text: string): NumberRule[] {
  if (text === '') return []
  try {
    const parsed = pairs.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data.map(([from, to]) => ({ from, to })) : []
  } catch {
    return []
  }
}
