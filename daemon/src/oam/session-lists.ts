//! The lists of calls and users for people, made from tables 1 and 3.
import type { CallItem, UserItem } from '../control/api.ts'
import type { User } from '../tables/user.ts'
import type { Conference } from '../tables/wired-conference.ts'

/** Sessions that are not over, the oldest first. */
export function listCalls(conferences: Iterable<Conference>): CallItem[] {
  return [...conferences]
    .filter(({ state }) => state !== 'released')
    .sort((a, b) => a.startedAtMs - b.startedAtMs)
    .map((conference) => ({
      sessionId: conference.sessionId,
      state: conference.state,
      type: conference.type,
      ...partiesOf(conference),
      callType: conference.callType,
      priority: conference.priority,
      startedAt: iso(conference.startedAtMs),
      answeredAt: conference.answeredAtMs === null ? null : iso(conference.answeredAtMs),
      conferenceId: conference.conferenceId,
      members: conference.members.length,
    }))
}

/** Figures of `status`, of the same sessions. */
export function countCalls(conferences: Iterable<Conference>): {
  calls: number
  ringing: number
  held: number
} {
  const calls = [...conferences].filter(({ state }) => state !== 'released' && state !== 'idle')
  const count = (state: Conference['state']) => calls.filter((c) => c.state === state).length
  return { calls: calls.length, ringing: count('ringing'), held: count('hold') }
}

/** Every account, registered or not, by name. `registrations` may hold expired ones. */
export function listUsers(
  registrations: Iterable<User>,
  accounts: Iterable<{ readonly user: string; readonly type: string }>,
  nowWallMs: number,
): UserItem[] {
  const items = new Map<string, UserItem>()
  for (const { user, type } of accounts) items.set(user, { ...absent, user, type })
  for (const { user, type, status, ...rest } of registrations) {
    if (status === 'offline' || rest.expiresAtMs <= nowWallMs) {
      if (!items.has(user)) items.set(user, { ...absent, user, type })
      continue
    }
    items.set(user, {
      user,
      type,
      status,
      contact: rest.contact,
      address: rest.address,
      port: rest.port,
      registeredAt: iso(rest.registeredAtMs),
      expiresAt: iso(rest.expiresAtMs),
    })
  }
  return [...items.values()].sort((a, b) => a.user.localeCompare(b.user, 'en', { numeric: true }))
}

const absent = {
  status: 'offline',
  contact: null,
  address: null,
  port: null,
  registeredAt: null,
  expiresAt: null,
} as const

/** Of a call with the switch, of one that nobody is called for (yet), and of a call back that waits: who is meant. */
function partiesOf(conference: Conference): { caller: string; callee: string } {
  const { callBack, attendant } = conference
  if (callBack !== null) return { caller: callBack.asker, callee: callBack.number }
  const others = userOf(conference, 'callee') || (conference.history?.called ?? '')
  const callee = attendant?.number ?? others
  return { caller: userOf(conference, 'caller'), callee }
}

function userOf(conference: Conference, side: 'caller' | 'callee'): string {
  const users = conference.members.filter((member) => member.side === side).map(({ user }) => user)
  return users.join(', ')
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
