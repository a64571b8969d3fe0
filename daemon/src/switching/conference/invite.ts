//! Members who are called by the conference: those of a preset one, and whom somebody adds.
import { limits } from '../../limits.ts'
import type { User } from '../../tables/user.ts'
import type { Leg, Member } from '../../tables/wired-conference.ts'
import type { Call } from '../wired/call.ts'
import { lineState, mayRing } from '../wired/line.ts'
import { offerTo } from '../wired/media.ts'
import { memberToInvite, nextLeg } from '../wired/member.ts'
import { isPresent } from '../wired/sessions.ts'
import { hasRoom } from '../wired/setup-terminal.ts'
import { leave } from './leave.ts'
import { newSeat, seatsOf, withAway, withoutAway } from './seat.ts'

/** Somebody with a trunk is outside. */
type Callee = User & { readonly trunk?: Member['trunk'] }

/** Calls one more member. Who cannot be called is shown as away.
 * @returns 0, or the status that says why not. */
export function invite(call: Call, user: string): number {
  const callee = calleeOf(call, user)
  const status = typeof callee === 'number' ? callee : send(call, callee)
  const { focus } = call.session
  if (focus === null || status === 0) return status
  call.change({
    focus: { ...focus, away: withAway(focus, { user, status, atMs: call.now.wallMs }) },
  })
  return status
}

/** Of a call that may become a conference: what `invite` would say then. Nothing is changed.
 * @returns 0, or the status that says why not. */
export function whyNotInvited(call: Call, user: string): number {
  const { exchange, sessionId } = call
  const callee = calleeOf(call, user)
  if (typeof callee === 'number') return callee
  const from = { user, displayName: null }
  const place = { sessionId, leg: 'none', localPort: 1 }
  if (memberToInvite(exchange, place, { callee, from }) === null) return 480
  return exchange.resources.hasPort() ? 0 : 503
}

/** The registration of whom is called, or the status that says why not. It is he who is invited: his
 * forwarding is not followed. */
function calleeOf({ exchange, session, now }: Call, user: string): User | number {
  const entry = exchange.options.tables.phoneBook.get(user)
  if (entry === undefined || entry.type === 'radio') return 404
  if (seatsOf(session, entry).length > 0) return 486
  if (!mayRing(entry, session.priority)) return 480
  const line = lineState(exchange, entry, now)
  if (line.kind === 'not-registered') return 480
  if (line.kind === 'loop') return 482
  if (line.kind === 'busy') return 486
  return isFull({ exchange, session }) ? 503 : line.user
}

function isFull({ exchange, session }: Pick<Call, 'exchange' | 'session'>): boolean {
  const present = session.members.filter(isPresent).length
  const most = session.focus?.membersMax ?? limits.conferenceMembersMax
  return present >= most || !hasRoom(exchange, 1)
}

/** Calls somebody behind another system.
 * @returns as above. */
export function inviteOutside(call: Call, callee: Callee): number {
  return isFull(call) ? 503 : send(call, callee)
}

function send(call: Call, callee: Callee): number {
  const { exchange, sessionId, session, now } = call
  const { focus } = session
  const { user } = callee
  if (focus === null) return 480
  const { leg, legCount } = nextLeg(exchange, session)
  const from = { user: focus.number, displayName: focus.displayName || null }
  const made = memberToInvite(exchange, { sessionId, leg, localPort: 1 }, { callee, from })
  if (made === null) return 480
  const localPort = exchange.resources.takePort(sessionId)
  if (localPort === null) return 503
  const plan = exchange.plan.conferences.find(({ number }) => number === focus.number)
  const seat = newSeat(plan, { user, wg67Version: '', now })
  call.change({
    legCount,
    members: [...session.members, { ...made, localPort, seat }],
    focus: { ...focus, away: withoutAway(focus, user) },
  })
  const direction = seat.mayTalk ? 'sendrecv' : 'sendonly'
  call.invite(leg, offerTo(call, leg, direction, 'PCMA'))
  startRinging(call, leg, limits.conferenceRingMs)
  return 0
}

/** @param ms until it counts as not answered. */
export function startRinging({ exchange, sessionId, now }: Call, leg: Leg, ms: number): void {
  exchange.timers.start(clockOf(sessionId, leg), now.monotonicMs + ms)
}

export function stopRinging({ exchange, sessionId }: Call, leg: Leg): void {
  exchange.timers.stop(clockOf(sessionId, leg))
}

/** The one clock of a member: how long it rings, or how long it may dial its PIN. */
function clockOf(sessionId: string, leg: Leg) {
  return { sessionId, timer: 'service', service: 'conference', leg } as const
}

export function onNotAnswered(call: Call, leg: Leg): void {
  leave(call, leg, { status: 408 })
}
