//! A call to the number of a conference (S1.28, S1.81): the first one opens it, all others join. The
//! switch answers at once: it is the focus, and the member talks to it alone (RFC 4579).
import { limits } from '../../limits.ts'
import type { Conference, Focus, Leg, Member } from '../../tables/wired-conference.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect } from '../effects.ts'
import type { ConferencePlan } from '../plan.ts'
import { Call } from '../wired/call.ts'
import { memberOfInvite, nextLeg } from '../wired/member.ts'
import { refuse } from '../wired/refuse.ts'
import { isPresent } from '../wired/sessions.ts'
import type { SetUp } from '../wired/setup.ts'
import { hasRoom, newSession } from '../wired/setup-terminal.ts'
import { answerMember } from './answer.ts'
import { makeConference } from './convert.ts'
import { invite } from './invite.ts'
import { leave, takePlace } from './leave.ts'
import { askForPin, isAskedForPin } from './pin.ts'
import { isPlanned, newSeat, seatsOf, withoutAway } from './seat.ts'

export function callConference(work: SetUp, plan: ConferencePlan): CoreEffect[] {
  const { exchange, invitation, xip } = work
  const running = exchange.sessions.conference(plan.number)
  const status = refusalOf(work, plan, running)
  if (status !== null) return refuse(exchange, invitation, status)
  const pending = pendingServerOf(invitation.request, invitation.source)
  if (pending === null) return refuse(exchange, invitation, 513)
  const { pinHash } = running?.focus ?? plan
  const isAsked = isAskedForPin(pinHash, plan, xip.sourceUser)
  // Nobody is let in unasked because there is no bridge to ask him in.
  const bridges = running === undefined ? 2 : 1
  if (isAsked && !exchange.resources.hasBridges(bridges)) return refuse(exchange, invitation, 503)
  const call = running === undefined ? open(work, plan) : join(work, plan, running)
  if (typeof call === 'number') return refuse(exchange, invitation, call)
  const leg = lastLeg(call.session)
  call.accept(leg, 'pendingServer', { id: invitation.id, pending })
  if (isAsked && !askForPin(call, leg)) {
    leave(call, leg, { status: 503 })
    return call.commit()
  }
  answerMember(call, leg)
  if (running === undefined && plan.kind === 'preset') {
    for (const { number } of plan.members) if (number !== xip.sourceUser) invite(call, number)
  }
  return call.commit()
}

/** Into a session that stands, of which the caller knows more than a number. */
export function joinConference(work: SetUp, running: Conference): CoreEffect[] {
  const { exchange, invitation } = work
  const plan = exchange.plan.conferences.find(({ number }) => number === running.focus?.number)
  const status = refusalOf(work, plan, running)
  const pending = pendingServerOf(invitation.request, invitation.source)
  if (status !== null || pending === null) return refuse(exchange, invitation, status ?? 513)
  const { sessionId } = running
  if (newMember(work, { plan, sessionId, leg: 'a' }) === null) {
    return refuse(exchange, invitation, 400)
  }
  if (!exchange.resources.hasPort()) return refuse(exchange, invitation, 503)
  const before = new Call(exchange, running, invitation.now)
  if (!makeConference(before, running.focus?.owner ?? ownerOf(running))) {
    return refuse(exchange, invitation, 480)
  }
  const effects = before.commit()
  const call = join(work, plan, before.session)
  if (typeof call === 'number') return [...effects, ...refuse(exchange, invitation, call)]
  const leg = lastLeg(call.session)
  call.accept(leg, 'pendingServer', { id: invitation.id, pending })
  answerMember(call, leg)
  return [...effects, ...call.commit()]
}

function ownerOf({ members }: Conference): string {
  return members.find(({ side }) => side === 'caller')?.user ?? ''
}

/** Who may not get in, and why. */
function refusalOf(
  { exchange, xip }: SetUp,
  plan: ConferencePlan | undefined,
  running: Conference | undefined,
): number | null {
  const isLocked = running?.focus?.locked ?? plan?.locked ?? false
  // ED-137 sheet 5.9: declined.
  if (isLocked && !isPlanned(plan, xip.sourceUser)) return 603
  if (!hasRoom(exchange, 1)) return 503
  const replaced = running === undefined ? [] : seatsOf(running, entryOf(exchange, xip.sourceUser))
  const count = (running?.members.filter(isPresent).length ?? 0) - replaced.length
  return count >= (running?.focus?.membersMax ?? membersMaxOf(plan)) ? 486 : null
}

function entryOf({ options }: SetUp['exchange'], user: string) {
  return options.tables.phoneBook.get(user)
}

export function membersMaxOf(plan: ConferencePlan | undefined): number {
  return Math.min(plan?.membersMax ?? Number.POSITIVE_INFINITY, limits.conferenceMembersMax)
}

/** @returns the session with its first member, or the status that refuses it. */
function open(work: SetUp, plan: ConferencePlan): Call | number {
  const { exchange, invitation, xip } = work
  const { now } = invitation
  const { sessionId } = xip
  const made = newMember(work, { plan, sessionId, leg: 'a' })
  if (made === null) return 400
  const taken = exchange.resources.take(sessionId, 1)
  if (taken === null) return 503
  const session: Conference = {
    ...newSession(xip, { conferenceId: taken.conferenceId, now }),
    type: 'preset',
    state: 'communicating',
    answeredAtMs: now.wallMs,
    focus: newFocus(plan, xip.sourceUser),
    members: [{ ...made, localPort: taken.ports[0] ?? made.localPort }],
  }
  if (!exchange.sessions.save(session)) {
    exchange.resources.giveBack(sessionId, taken)
    return 503
  }
  exchange.started += 1
  exchange.answered += 1
  return new Call(exchange, session, now)
}

export function newFocus(plan: ConferencePlan, owner: string): Focus {
  return {
    number: plan.number,
    displayName: plan.displayName,
    owner,
    locked: plan.locked,
    membersMax: membersMaxOf(plan),
    membersMin: 1,
    pinHash: plan.pinHash,
    name: plan.name,
    away: [],
  }
}

/** A telephone that calls again has lost its first call: that one makes way. */
function join(work: SetUp, plan: ConferencePlan | undefined, running: Conference): Call | number {
  const { exchange, invitation, xip } = work
  const call = new Call(exchange, running, invitation.now)
  const { sessionId } = running
  const { leg, legCount } = nextLeg(exchange, running)
  const made = newMember(work, { plan, sessionId, leg })
  if (made === null) return 400
  const localPort = exchange.resources.takePort(sessionId)
  if (localPort === null) return 503
  for (const former of seatsOf(running, entryOf(exchange, xip.sourceUser))) {
    takePlace(call, former)
  }
  const { members, focus } = call.session
  call.change({
    legCount,
    members: [...members, { ...made, localPort }],
    focus: focus === null ? null : { ...focus, away: withoutAway(focus, xip.sourceUser) },
  })
  return call
}

function newMember(
  { exchange, invitation, xip, names }: SetUp,
  place: {
    readonly plan: ConferencePlan | undefined
    readonly sessionId: string
    readonly leg: Leg
  },
): Member | null {
  const { plan, sessionId, leg } = place
  const member = memberOfInvite(exchange, invitation, { sessionId, leg, localPort: 1, names })
  if (member === null) return null
  const wg67Version = xip.wg67Versions.join(', ')
  const seat = newSeat(plan, { user: xip.sourceUser, wg67Version, now: invitation.now })
  return { ...member, seat }
}

function lastLeg({ members }: Conference): Leg {
  return members.at(-1)?.leg ?? 'a'
}
