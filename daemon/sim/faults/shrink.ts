//! Makes a failing run smaller, as long as the same rule is broken: fewer telephones and links, shorter
//! times, and then of its single faults only those that it needs.
import type { Plan } from '../plan.ts'
import { type Outcome, runPlan } from '../run.ts'

/** What a plan leads to; a test may put something else in its place. */
type Trial = (plan: Plan, hours: number) => Outcome

interface Shrunk {
  readonly plan: Plan
  readonly hours: number
  readonly outcome: Outcome
  readonly tries: number
}

const triesMax = 80

class Shrinker {
  readonly #trial: Trial
  readonly #rule: string
  best: { readonly plan: Plan; readonly hours: number; readonly outcome: Outcome }
  tries = 0

  constructor(trial: Trial, failed: Shrinker['best']) {
    this.#trial = trial
    this.#rule = failed.outcome.violations[0]?.rule ?? ''
    this.best = { ...failed, hours: Math.min(failed.hours, hoursOf(failed.outcome)) }
  }

  /** Takes the smaller plan when it breaks the same rule. */
  try(patch: Partial<Plan>): boolean {
    if (this.tries >= triesMax) return false
    this.tries++
    const plan = { ...this.best.plan, ...patch }
    const outcome = this.#trial(plan, this.best.hours)
    if (outcome.violations[0]?.rule !== this.#rule) return false
    this.best = { plan, hours: Math.min(this.best.hours, hoursOf(outcome)), outcome }
    return true
  }

  /** Delta debugging (Zeller): leaves out halves of the faults, then quarters, and so on. */
  dropFaults(): void {
    if (this.try({ strikes: [] })) return
    let parts = 2
    let kept = this.best.outcome.struck
    while (kept.length > 1 && this.tries < triesMax) {
      const size = Math.ceil(kept.length / parts)
      const smaller = this.#without(kept, size)
      if (smaller !== null) {
        kept = smaller
        parts = Math.max(2, parts - 1)
      } else if (size === 1) return
      else parts = Math.min(kept.length, 2 * parts)
    }
  }

  /** Leaves out one part of this size. @returns what is left; null: each of them is needed. */
  #without(kept: readonly number[], size: number): readonly number[] | null {
    for (let from = 0; from < kept.length; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)]
      if (rest.length > 0 && this.try({ strikes: rest })) return this.best.outcome.struck
    }
    return null
  }
}

/** @param failed a plan, the hours for which it ran, and what came of it. */
export function shrink(failed: Shrinker['best'], trial: Trial = runHours): Shrunk {
  const shrinker = new Shrinker(trial, failed)
  const { plan } = failed
  for (const phones of [2, 4]) {
    if (phones < shrinker.best.plan.phones && shrinker.try({ phones })) break
  }
  for (const links of [1, 2]) {
    if (links < shrinker.best.plan.links && shrinker.try({ links })) break
  }
  if (plan.calmMs > 5_000) shrinker.try({ calmMs: 5_000 })
  if (plan.chaosMs > 20_000) shrinker.try({ chaosMs: 20_000 })
  shrinker.dropFaults()
  return { ...shrinker.best, tries: shrinker.tries }
}

function runHours(plan: Plan, hours: number): Outcome {
  return runPlan(plan, { hours })
}

/** Rounded up: the same run, not a shorter one. */
function hoursOf({ simulatedMs }: Outcome): number {
  return Math.ceil((simulatedMs / 3_600_000) * 1_000) / 1_000
}
