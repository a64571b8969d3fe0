//! The contacts of a user (RFC 3261 10): those that are good now, in the order in which they count, and the
//! record of table 1 that they make.
import { limits } from '../../limits.ts'
import type { Binding, User } from '../../tables/user.ts'
import type { Endpoint } from '../../wire/sip/message.ts'

/** All contacts of the record, also those whose time is over. */
export function bindingsOf(user: User): Binding[] {
  const { contact, address, port, registeredAtMs, expiresAtMs } = user
  const { callId, cseq, q, path, instance } = user
  const place = { contact, address, port, registeredAtMs, expiresAtMs }
  const first = { ...place, callId, cseq, q, path, instance }
  return [first, ...(user.others ?? [])]
}

export function liveBindings(user: User | undefined, nowWallMs: number): Binding[] {
  if (user === undefined || user.status === 'offline') return []
  return bindingsOf(user).filter(({ expiresAtMs }) => expiresAtMs > nowWallMs)
}

/** The record of these contacts: the highest q first, of equal ones the newest.
 * @returns null for none. */
export function userWith(
  { user, type }: Pick<User, 'user' | 'type'>,
  bindings: readonly Binding[],
): User | null {
  const [first, ...others] = bindings.toSorted(byRank).slice(0, limits.contactsMax)
  if (first === undefined) return null
  return { user, type, status: 'online', ...first, others: others.length === 0 ? null : others }
}

/** True when the terminal at this address is registered for the user. What comes over a proxy shows only
 * that it is one of all behind the proxy. */
export function isFromContact(
  user: User | undefined,
  source: Endpoint,
  nowWallMs: number,
): boolean {
  return liveBindings(user, nowWallMs).some(
    ({ address, port, path }) =>
      path === null && address === source.address && port === source.port,
  )
}

function byRank(a: Binding, b: Binding): number {
  return (b.q ?? 1_000) - (a.q ?? 1_000) || b.registeredAtMs - a.registeredAtMs
}
