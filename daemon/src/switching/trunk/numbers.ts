//! Numbers of calls to and from another system: the rule with the longest beginning says what stands in the
//! place of it.
import type { NumberRules } from '../plan.ts'

/** A member of a session has a name of at most that many characters. */
const lengthMax = 64

export function translated(number: string, rules: NumberRules): string {
  let best: NumberRules[number] | null = null
  for (const rule of rules) {
    if (number.startsWith(rule.from) && rule.from.length >= (best?.from.length ?? 0)) best = rule
  }
  const result = best === null ? number : best.to + number.slice(best.from.length)
  return result.slice(0, lengthMax)
}
