//! Memory that changes under a record, which frozen records do not allow by any other way.
import type { Tables } from '../../src/tables/tables.ts'
import type { User } from '../../src/tables/user.ts'
import { plainAccount } from '../tables/plain-records.ts'
import { calm, PairSimulation, user } from './pair-simulation.ts'

interface Damageable<R> {
  readonly record: R
  damage(): void
}

/** A copy of the record whose field reads as another value after `damage`. */
export function damageableField<R extends object>(
  original: R,
  field: keyof R & string,
  after: unknown,
): Damageable<R> {
  const record = { ...original }
  let value: unknown = original[field]
  Object.defineProperty(record, field, { enumerable: true, get: () => value })
  return {
    record,
    damage: () => {
      value = after
    },
  }
}

export function damageable(name: string): Damageable<User> {
  return damageableField(user(name) as User, 'cseq', 666)
}

/** A pair in step with users u0, u1 .. */
export function joinedPair(count: number, seed = 1): PairSimulation {
  const pair = new PairSimulation(seed, calm)
  pair.join()
  pair.change(pair.a, (tables) => {
    for (let n = 0; n < count; n++) tables.table('user').put(user(`u${n}`) as User)
  })
  if (!pair.runUntil(() => pair.settled(), 5_000)) throw new Error('the pair is not in step')
  return pair
}

export function bookOf(tables: Tables, number: string, priority: number): void {
  const displayName = `round ${priority}`
  tables.table('phone-book').put(plainAccount(number, { displayName, priority: 1 }))
}
