//! The PIN of a conference: who is no member by the plan is let in by the right digits and `#`. Until
//! then it is alone in a bridge of its own.
import { createHash, timingSafeEqual } from 'node:crypto'
import { limits } from '../../limits.ts'
import type { Leg, Seat } from '../../tables/wired-conference.ts'
import { infoDigit } from '../../wire/info-digit.ts'
import { header } from '../../wire/sip/message.ts'
import type { ConferencePlan } from '../plan.ts'
import { takesInfoDigit } from '../services/digits.ts'
import type { Call } from '../wired/call.ts'
import type { OpenedRequest } from '../wired/events.ts'
import { reconnect } from '../wired/media.ts'
import { startRinging, stopRinging } from './invite.ts'
import { leave } from './leave.ts'
import { isPlanned } from './seat.ts'

/** Puts a new member apart. @returns false when there is no bridge for it: it must not get in then. */
export function askForPin(call: Call, leg: Leg): boolean {
  const { exchange, sessionId } = call
  const { seat } = call.member(leg)
  const room = seat === null ? null : exchange.resources.takeRoom(sessionId)
  if (seat === null || room === null) return false
  call.changeMember(leg, { seat: { ...seat, room } })
  startRinging(call, leg, limits.conferencePinMs)
  return true
}

/** Who is no member by the plan has to dial the PIN, if there is one. */
export function isAskedForPin(
  pinHash: string | null,
  plan: ConferencePlan | undefined,
  user: string,
): boolean {
  return pinHash !== null && !isPlanned(plan, user)
}

/** A digit that a member has dialled, in its voice or by INFO. @returns whether it was for the PIN. */
export function onPinDigit(call: Call, leg: Leg, digit: string): boolean {
  const { seat } = call.member(leg)
  if (seat === null || seat.room === null) return false
  if (digit === '#') check(call, leg, seat)
  else if (digit === '*') call.changeMember(leg, { seat: { ...seat, digits: '' } })
  else {
    const digits = (seat.digits + digit).slice(-limits.conferencePinDigitsMax)
    call.changeMember(leg, { seat: { ...seat, digits } })
  }
  return true
}

function check(call: Call, leg: Leg, seat: Seat): void {
  const { focus } = call.session
  if (focus === null) return
  if (isRight(`${focus.name}:${seat.digits}`, focus.pinHash)) {
    letIn(call, leg, seat)
    return
  }
  const failures = seat.failures + 1
  call.changeMember(leg, { seat: { ...seat, digits: '', failures } })
  if (failures >= limits.conferencePinTries) leave(call, leg, { status: 403 })
}

function isRight(text: string, pinHash: string | null): boolean {
  const hash = createHash('sha256').update(text).digest()
  const wanted = Buffer.from(pinHash ?? '', 'hex')
  return wanted.length === hash.length && timingSafeEqual(wanted, hash)
}

/** From its own bridge to that of the others: no packet is lost. */
function letIn(call: Call, leg: Leg, seat: Seat): void {
  const { exchange, sessionId, now } = call
  stopRinging(call, leg)
  if (seat.room !== null) exchange.resources.giveBackRoom(sessionId, seat.room)
  call.changeMember(leg, { seat: { ...seat, room: null, digits: '', sinceMs: now.wallMs } })
  reconnect(call, leg)
}

/** A digit is answered, wanted or not; other bodies concern nobody here. */
export function onMemberInfo(call: Call, opened: OpenedRequest): void {
  if (takesInfoDigit(call, opened)) return
  const { leg, id, request, pending } = opened
  if (infoDigit(header(request, 'Content-Type'), request.body) === null) {
    call.refuse(opened, 415, { headers: [{ name: 'Accept', value: 'application/dtmf-relay' }] })
    return
  }
  call.accept(leg, 'relayServer', { id, pending })
  call.respond(leg, 'relayServer', 200)
}
