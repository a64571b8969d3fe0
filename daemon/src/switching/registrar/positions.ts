//! Positions (席位, S1.79): somebody is logged in at a position as long as its account is registered. Logging
//! in is the REGISTER of the position's terminal, logging out its end; without another REGISTER the
//! time-out of the last one ends it, on whichever node serves then. Follows table 1 into table 2.
import type { Position } from '../../tables/position.ts'
import type { User } from '../../tables/user.ts'
import type { CoreTables, RecordTable } from '../core-types.ts'
import type { Plan } from '../plan.ts'
import { bindingsOf } from './bindings.ts'

type Places = Plan['positions']
type PositionTables = Pick<CoreTables, 'user' | 'position'>

/** The tables of a core in which a change of table 1 changes the positions of that account.
 * @param places of the present plan. */
export function withPositions<T extends PositionTables>(tables: T, places: () => Places): T {
  const { user, position } = tables
  const seat = (account: string) => {
    const record = user.get(account)
    for (const place of places()) if (place.account === account) sit(position, place, record)
  }
  const followed: RecordTable<User> = {
    get: (key) => user.get(key),
    put(record) {
      const result = user.put(record)
      seat(record.user)
      return result
    },
    delete(key) {
      const result = user.delete(key)
      seat(key)
      return result
    },
    values: () => user.values(),
    get size() {
      return user.size
    },
  }
  return { ...tables, user: followed }
}

/** All positions anew: the site or the serving node has changed. */
export function seatAll({ user, position }: PositionTables, places: Places): void {
  for (const place of places) sit(position, place, user.get(place.account))
}

function sit(
  table: RecordTable<Position>,
  { position }: Places[number],
  user: User | undefined,
): void {
  const next =
    user === undefined || user.status === 'offline' ? empty(position) : of(position, user)
  const now = table.get(position)
  const isSame =
    now?.connection === next.connection &&
    now.loginName === next.loginName &&
    now.expiresAtMs === next.expiresAtMs
  if (!isSame) table.put(next)
}

function of(position: string, user: User): Position {
  const expiresAtMs = Math.max(...bindingsOf(user).map((binding) => binding.expiresAtMs))
  return { position, loginName: user.user, connection: 'connected', expiresAtMs }
}

function empty(position: string): Position {
  return { position, loginName: '', connection: 'disconnected', expiresAtMs: 0 }
}
