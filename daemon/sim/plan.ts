//! What a seed decides before the run begins: the size of the site, the habits of its people, which
//! faults may come and how often. A shrunk run is the same seed with some of it taken away.
import type { Habits } from './telephones/callers.ts'
import { Random } from './world/random.ts'

export const faultKinds = [
  'kill-node',
  'kill-unit',
  'power-loss',
  'stop-node',
  'freeze-unit',
  'freeze-node',
  'short-freezes',
  'cut-link',
  'cut-one-way',
  'partition',
  'bad-link',
  'damage',
  'bad-lan',
  'switchover',
  'forced-switchover',
  'corrupt-record',
  'failing-disk',
  'slow-disk',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Plan {
  readonly seed: number
  readonly profile: 'default' | 'fast'
  readonly links: number
  readonly phones: number
  readonly habits: Habits
  readonly faults: readonly FaultKind[]
  /** Of all the faults that the seed would bring, only those with these numbers, from 1; null: all. */
  readonly strikes: readonly number[] | null
  /** Milliseconds between two faults, on average. */
  readonly faultMsMean: number
  /** Longest of the faults that last. */
  readonly faultMsMax: number
  /** Milliseconds of chaos in one episode. */
  readonly chaosMs: number
  /** An episode begins with an ordinary time of this length. */
  readonly calmMs: number
}

/** @param mean of the time between the calls of one telephone, in milliseconds. */
function habitsOf(random: Random, mean: number): Habits {
  return {
    pauseMsMean: mean,
    talkMsMean: random.pick([5_000, 30_000, 180_000]),
    holdMsMean: random.pick([5_000, 30_000]),
    refuse: random.pick([0, 0.1]),
    giveUp: random.pick([0, 0.15]),
  }
}

/** The swarm: each seed gets a random part of the faults, at a rate of its own. */
export function planOf(seed: number, profile: Plan['profile']): Plan {
  const random = new Random(`plan ${seed}`)
  const some = random.pick([0.15, 0.35, 0.7])
  const faults = faultKinds.filter(() => random.chance(some))
  return {
    seed,
    profile,
    links: random.pick([1, 2, 3, 3, 3]),
    phones: random.pick([4, 6, 10, 20]),
    habits: habitsOf(random, random.pick([20_000, 60_000, 240_000])),
    faults: faults.length > 0 ? faults : [random.pick(faultKinds)],
    strikes: null,
    faultMsMean: random.pick([3_000, 10_000, 40_000]),
    faultMsMax: random.pick([800, 3_000, 12_000]),
    chaosMs: random.pick([30_000, 90_000, 240_000]),
    calmMs: random.pick([20_000, 120_000, 1_500_000]),
  }
}
