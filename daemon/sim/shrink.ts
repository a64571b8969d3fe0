//! Makes a failing run smaller: fewer kinds of faults, fewer telephones, less time, as long as the same
//! rule is broken.
import type { Plan } from './plan.ts'
import { type Outcome, runPlan } from './run.ts'

interface Shrunk {
  readonly plan: Plan
  readonly hours: number
  readonly outcome: Outcome
  readonly tries: number
}

const triesMax = 40

/** @param goal the rule that has to be broken, and the hours in which it was. */
export function shrink(
  plan: Plan,
  goal: { readonly hours: number; readonly rule: string },
): Shrunk {
  let tries = 0
  const attempt = (candidate: Plan, hours: number): Outcome | null => {
    if (tries >= triesMax) return null
    tries++
    const outcome = runPlan(candidate, { hours })
    return outcome.violations[0]?.rule === goal.rule ? outcome : null
  }
  const first = runPlan(plan, { hours: goal.hours })
  let best = { plan, hours: goal.hours, outcome: first }
  const take = (candidate: Plan) => {
    const outcome = attempt(candidate, best.hours)
    if (outcome === null) return
    const hours = Math.ceil((outcome.simulatedMs / 3_600_000) * 100) / 100
    best = { plan: candidate, hours: Math.min(best.hours, hours), outcome }
  }
  for (const kind of plan.faults) {
    const faults = best.plan.faults.filter((one) => one !== kind)
    if (faults.length > 0) take({ ...best.plan, faults })
  }
  for (const phones of [2, 4]) if (phones < best.plan.phones) take({ ...best.plan, phones })
  for (const links of [1, 2]) if (links < best.plan.links) take({ ...best.plan, links })
  if (best.plan.calmMs > 5_000) take({ ...best.plan, calmMs: 5_000 })
  if (best.plan.chaosMs > 20_000) take({ ...best.plan, chaosMs: 20_000 })
  return { ...best, tries }
}
