//! The lists of groups, conferences and trunks: what the site says, and who is in them now.
import type { BodyOf } from '../control/api.ts'
import type { Plan } from '../switching/plan.ts'
import type { User } from '../tables/user.ts'
import { type Conference, legOf, type Member } from '../tables/wired-conference.ts'

type Groups = BodyOf<'groups'>['groups']
type Conferences = BodyOf<'conferences'>['conferences']
type ConferenceItem = Conferences[number]
type Trunks = BodyOf<'trunks'>['trunks']

interface Now {
  readonly sessions: readonly Conference[]
  readonly users: { get(user: string): User | undefined }
  readonly wallMs: number
}

export function listGroups({ groups }: Plan, { sessions, users, wallMs }: Now): Groups {
  const calls = callsOf(sessions)
  const isOnline = (number: string) => {
    const user = users.get(number)
    return user?.status === 'online' && user.expiresAtMs > wallMs
  }
  return [...groups].sort(byName).map(({ members, ...group }) => ({
    ...group,
    members: members.map((number) => {
      return { number, online: isOnline(number), calls: calls.get(number) ?? 0 }
    }),
  }))
}

/** Those of the site by name, then those that were made from calls. */
export function listConferences({ conferences }: Plan, { sessions }: Now): Conferences {
  const live = sessions.filter(({ type, state }) => type !== 'ordinary' && state !== 'released')
  const taken = new Set<string>()
  const planned = [...conferences].sort(byName).map((plan): ConferenceItem => {
    const session = live.find((one) => numberOf(one) === plan.number)
    if (session !== undefined) taken.add(session.sessionId)
    const { name, displayName, number, kind, membersMax } = plan
    const locked = session?.focus?.locked ?? plan.locked
    const absent = { leg: null, state: 'absent', muted: false }
    const seats = plan.members.map((seat) => ({ ...seat, ...absent }))
    return {
      ...{ name, displayName, number, kind, locked, membersMax },
      hasPin: plan.pinHash !== null,
      ...sessionOf(session),
      members: joined(seats, session?.members ?? []),
    }
  })
  const others = live.filter(({ sessionId }) => !taken.has(sessionId))
  return [...planned, ...others.map(unplanned)]
}

function unplanned(session: Conference): ConferenceItem {
  const { type } = session
  const kind = type === 'group' || type === 'preset' ? type : 'temporary'
  const { name = '', displayName = '', locked = false, membersMax = 0 } = session.focus ?? {}
  const number = numberOf(session)
  const facts = { name, displayName, number: number === '' ? null : number, locked, membersMax }
  const hasPin = (session.focus?.pinHash ?? null) !== null
  return { ...facts, kind, hasPin, ...sessionOf(session), members: joined([], session.members) }
}

function numberOf({ focus, history }: Conference): string {
  return focus?.number ?? history?.called ?? ''
}

function sessionOf(session: Conference | undefined) {
  if (session === undefined) return { session: null, startedAt: null }
  const { sessionId, startedAtMs } = session
  return { session: sessionId, startedAt: new Date(startedAtMs).toISOString() }
}

type Seat = ConferenceItem['members'][number]

/** Each seat with who sits there; whoever has none is behind them. */
function joined(seats: readonly Seat[], members: readonly Member[]): Seat[] {
  const there = members.filter(({ state }) => state !== 'releasing' && state !== 'released')
  const isSeated = (member: Member) => seats.some(({ number }) => number === member.user)
  return [
    ...seats.map((seat) => {
      const member = there.find(({ user }) => user === seat.number)
      return member === undefined ? seat : { ...seat, ...placeIn(member) }
    }),
    ...there.filter((member) => !isSeated(member)).map(placeIn),
  ]
}

function placeIn(member: Member): Seat {
  const { mayTalk = true, gainDb = 0 } = member.seat ?? {}
  const muted = member.seat?.muted === true || member.seat?.selfMuted === true
  return { number: member.user, leg: legOf(member), state: member.state, mayTalk, muted, gainDb }
}

interface TrunkState {
  readonly state: Trunks[number]['state']
  readonly detail: string
}

/** @param stateOf what the probes say of a trunk */
export function listTrunks(
  { trunks, routes }: Plan,
  { sessions }: Now,
  stateOf: (trunk: string) => TrunkState,
): Trunks {
  const calls = callsOf(sessions)
  return [...trunks].sort(byName).map(({ name, displayName, peer, account, capacity }) => ({
    ...{ name, displayName, account, capacity },
    peer: peer === null ? null : placeOf(peer.address, peer.port),
    calls: account === null ? callsTo(sessions, peer) : (calls.get(account) ?? 0),
    ...stateOf(name),
    routes: routes.flatMap(({ name: route, pattern, priority, class: name2, trunks: ways }) => {
      const place = ways.indexOf(name) + 1
      return place === 0 ? [] : [{ name: route, pattern, priority, class: name2, place }]
    }),
  }))
}

/** Legs whose signalling goes to this address. */
function callsTo(
  sessions: readonly Conference[],
  peer: { readonly address: string; readonly port: number } | null,
): number {
  const legs = sessions.filter(isLive).flatMap(({ members }) => members)
  return legs.filter(({ dialog: { destination } }) => {
    return destination.address === peer?.address && destination.port === peer.port
  }).length
}

function callsOf(sessions: readonly Conference[]): Map<string, number> {
  const calls = new Map<string, number>()
  for (const { members } of sessions.filter(isLive)) {
    for (const user of new Set(members.map((member) => member.user))) {
      calls.set(user, (calls.get(user) ?? 0) + 1)
    }
  }
  return calls
}

function isLive({ state }: Conference): boolean {
  return state !== 'released'
}

function placeOf(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true })
}
