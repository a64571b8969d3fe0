//! The list of positions for people: who is logged in where, and what he has set (S1.79, S1.136).
import type { PhoneBookEntry } from '../tables/phone-book.ts'
import type { Position } from '../tables/position.ts'
import { type Profile, profileOf } from '../tables/profile.ts'
import type { User } from '../tables/user.ts'
import type { Conference } from '../tables/wired-conference.ts'

interface PositionItem {
  readonly position: string
  readonly name: string
  readonly role: string
  /** Number of its account. */
  readonly account: string
  readonly connection: Position['connection']
  readonly loginName: string
  /** ISO 8601; null: nobody is logged in. */
  readonly expiresAt: string | null
  /** `address:port` of each terminal. */
  readonly terminals: readonly string[]
  /** Live calls of the account. */
  readonly calls: number
  readonly doNotDisturb: boolean
  readonly forward: Profile['settings']['forward']
}

interface PositionSources {
  /** Positions of the plan. */
  readonly places: Iterable<{
    readonly position: string
    readonly displayName: string
    readonly role: string
    readonly account: string
  }>
  readonly positions: { get(position: string): Position | undefined }
  readonly users: { get(user: string): User | undefined }
  readonly phoneBook: { get(number: string): PhoneBookEntry | undefined }
  readonly conferences: Iterable<Conference>
}

/** Every position of the site, by name. Tables 1, 2 and 7 are the same on the standby. */
export function listPositions(sources: PositionSources): PositionItem[] {
  const { places, positions, users, phoneBook } = sources
  const calls = callsByUser(sources.conferences)
  const items = [...places].map(({ position, displayName, role, account }): PositionItem => {
    const record = positions.get(position)
    const entry = phoneBook.get(account)
    const user = users.get(account)
    const isIn = record?.connection === 'connected'
    const { doNotDisturb, forward } = profileOf(
      entry ?? { type: 'position', profile: null },
    ).settings
    return {
      position,
      name: displayName,
      role,
      account,
      connection: record?.connection ?? 'disconnected',
      loginName: record?.loginName ?? '',
      expiresAt: isIn ? new Date(record.expiresAtMs).toISOString() : null,
      terminals: isIn && user !== undefined ? terminalsOf(user) : [],
      calls: calls.get(account) ?? 0,
      doNotDisturb,
      forward,
    }
  })
  return items.sort((a, b) => (a.position < b.position ? -1 : 1))
}

function terminalsOf(user: User): string[] {
  return [user, ...(user.others ?? [])].map(({ address, port }) =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
  )
}

function callsByUser(conferences: Iterable<Conference>): Map<string, number> {
  const calls = new Map<string, number>()
  for (const { state, members } of conferences) {
    if (state === 'released') continue
    const there = members.filter((one) => one.state !== 'releasing' && one.state !== 'released')
    for (const user of new Set(there.map((one) => one.user))) {
      calls.set(user, (calls.get(user) ?? 0) + 1)
    }
  }
  return calls
}
