//! Pre-emption (S1.32): an emergency call that finds no port, no bridge, no line of a trunk or of a terminal
//! takes it from the call that is least urgent. Its terminals are told why (Reason WG-67, cause 2000), and
//! so is its call record. Emergency calls and conferences are left alone, and so are conversations of an
//! account that nobody may enter; nothing is ended when it would not help.
import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import type { Conference, Member } from '../../tables/wired-conference.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { type Destination, destinationOf } from '../numbering.ts'
import { crowdedTrunk } from '../trunk/outgoing.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import type { Exchange } from '../wired/exchange.ts'
import { lineState, telephoneCalls } from '../wired/line.ts'
import { endCall, forgetOldest } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { directoryOf, dispatch, type SetUp } from '../wired/setup.ts'
import { hasRoom } from '../wired/setup-terminal.ts'
import { wg67Reasons } from '../xip/ed137.ts'
import { priorityRank } from '../xip/xip.ts'
import { isOpen } from './conversations.ts'
import { canWait, pressesAtOnce } from './queue.ts'
import { ringsBeside, waitsOn } from './ring-beside.ts'
import type { Service } from './service.ts'

export const preempting: Service = { name: 'preempt', invited, refused: onRefused }

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  if (xip.priority !== 'emergency' || xip.callType !== 'da-ida') return null
  const victim = victimFor(work, destinationOf(xip.destinationUser, directoryOf(exchange)))
  if (victim === null) return null
  const cleared = clear(exchange, victim, invitation.now)
  // One victim may not be enough: this service is asked again.
  return [...cleared, ...dispatch(work)]
}

/** Whose end makes room for the call; null: it needs none, or nothing would help. */
function victimFor(work: SetUp, destination: Destination): Conference | null {
  const { exchange, invitation, xip } = work
  switch (destination.kind) {
    case 'terminal': {
      const { entry } = destination
      const line = lineState(exchange, entry, invitation.now)
      const isBusy = line.kind === 'busy' || exchange.queue.length(entry.number) > 0
      if (entry.number === xip.sourceUser || (line.kind !== 'free' && line.kind !== 'busy')) {
        return null
      }
      if (!isBusy) return forLegs(work, 2)
      return canWait(work, entry) ? forLegs(work, legsOfWait(work, entry)) : onLine(work, entry)
    }
    case 'group':
      return forLegs(work, 2)
    case 'conference':
      return forLegs(work, 1)
    case 'trunk': {
      const trunk = crowdedTrunk(work, destination.routes)
      return trunk === null ? forLegs(work, 2) : onTrunk(exchange, trunk, xip.sourceUser)
    }
    default:
      return null
  }
}

/** The caller, and who rings for him beside the calls of the line. */
function legsOfWait(work: SetUp, entry: PhoneBookEntry): number {
  const presses = pressesAtOnce(work, entry)
  return ringsBeside(work.xip.priority, entry, { presses }) ? 2 : 1
}

/** Ports, a bridge and places in the tables. */
function forLegs({ exchange, xip }: SetUp, count: number): Conference | null {
  // An ended call keeps its place in the table for a while: that place is free for this one.
  const isFull = exchange.sessions.size >= limits.sessionsMax
  if (isFull && !forgetOldest(exchange)) return null
  if (hasRoom(exchange, count) && exchange.resources.has(count)) return null
  const victims = victimsIn(exchange.sessions.values(), xip.sourceUser)
  const legs = victims.reduce((sum, { members }) => sum + members.filter(isPresent).length, 0)
  return legs >= count ? (victims[0] ?? null) : null
}

/** Another call is about to enter or end the conversation already: that one goes first. */
function onLine({ exchange, xip }: SetUp, entry: PhoneBookEntry): Conference | null {
  if (exchange.queue.isPressed(entry.number)) return null
  const { rights, line } = profileOf(entry)
  // The line was wider once: the end of one call would not free it.
  if (telephoneCalls(exchange, entry.number).length > line.calls) return null
  const calls = victimsIn(exchange.sessions.of(entry.number), xip.sourceUser)
  const mayEnd = (one: Conference) => rights.beIntruded && isOpen(exchange, one)
  return calls.find((one) => one.answeredAtMs === null || mayEnd(one)) ?? null
}

/** A terminal that takes no second call: what only rings there, or calls from there, makes room. Where somebody
 * talks, the call waits on. */
function onRefused(call: Call, failed: Failed): boolean {
  const { exchange, session } = call
  if (!waitsOn(call, failed)) return false
  const number = session.queued?.number ?? ''
  const caller = session.members.find(({ side }) => side === 'caller')?.user ?? ''
  exchange.followUps.push((now) => {
    const calls = telephoneCalls(exchange, number)
    if (calls.some(({ answeredAtMs }) => answeredAtMs !== null)) return []
    const [victim] = victimsIn(calls, caller)
    return victim === undefined ? [] : clear(exchange, victim, now)
  })
  return true
}

function onTrunk(exchange: Exchange, trunk: string, caller: string): Conference | null {
  const capacity = exchange.plan.trunks.find(({ name }) => name === trunk)?.capacity ?? 0
  if (exchange.trunkLoad.of(trunk) > capacity) return null
  const goesOver = ({ members }: Conference) => members.some((one) => isOn(one, trunk))
  return victimsIn(exchange.sessions.values().filter(goesOver), caller)[0] ?? null
}

function isOn(member: Member, trunk: string): boolean {
  return member.trunk?.name === trunk && isPresent(member)
}

/** A call that comes in over a trunk without a free line: the other system may use a line that is less
 * urgent. @returns what leaves because of it; null: there is none. */
export function clearTrunk(exchange: Exchange, trunk: string, now: Now): CoreEffect[] | null {
  const victim = onTrunk(exchange, trunk, '')
  return victim === null ? null : clear(exchange, victim, now)
}

/** The least urgent one first, of these one that nobody has answered, and then the youngest.
 * @param caller who makes the emergency call: his own calls are his to end */
function victimsIn(sessions: readonly Conference[], caller: string): Conference[] {
  return sessions
    .filter((session) => isVictim(session) && !hasIn(session, caller))
    .sort(
      (a, b) =>
        priorityRank(b.priority) - priorityRank(a.priority) ||
        answered(a) - answered(b) ||
        b.startedAtMs - a.startedAtMs,
    )
}

function isVictim(session: Conference): boolean {
  const { callType, focus, priority, state } = session
  const isTelephone = callType === 'da-ida' || callType === ''
  if (isOver(session) || state === 'idle' || focus !== null || !isTelephone) return false
  return priority !== 'emergency'
}

function hasIn({ members }: Conference, user: string): boolean {
  return members.some((one) => one.user === user && isPresent(one))
}

function answered({ answeredAtMs }: Conference): number {
  return answeredAtMs === null ? 0 : 1
}

function clear(exchange: Exchange, { sessionId }: Conference, now: Now): CoreEffect[] {
  const effects = withSession(exchange, { sessionId, now }, (call) => {
    call.log('warn', 'a call is pre-empted by an emergency call')
    call.used('pre-empted')
    const headers = [{ name: 'Reason', value: wg67Reasons.preempted }]
    const status = call.session.answeredAtMs === null ? 480 : 200
    endCall(call, { by: 'switch', status, headers })
  })
  // The call that needs the room is set up before anybody else looks at this one.
  exchange.trunkLoad.note(sessionId, exchange.sessions.get(sessionId) ?? null)
  return effects
}
