//! INVITE with Replaces (RFC 3891) and pick-up (代答): a new dialog takes the place of another one in its
//! session. Who takes a call that rings has answered it; who takes one that talks goes on with it. The
//! far end hears nothing of it but the voice.
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import type { Conference, Leg, Member } from '../../tables/wired-conference.ts'
import { legOf } from '../../tables/wired-conference.ts'
import { header } from '../../wire/sip/message.ts'
import { beginWith, groupOf, isForAll } from '../conference/group.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import { type ReplacedLeg, type Replaces, readReplaces, replacedLeg } from '../dialog/replaces.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { answerNewcomer } from '../wired/answer.ts'
import { Call } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { memberOfInvite, nextLeg } from '../wired/member.ts'
import { align } from '../wired/modify.ts'
import { refuse } from '../wired/refuse.ts'
import { dropMember } from '../wired/release.ts'
import { isOver, isPresent, isSettingUp, isTarget } from '../wired/sessions.ts'
import { directoryOf, type SetUp } from '../wired/setup.ts'
import { hasRoom } from '../wired/setup-terminal.ts'
import { priorityRank } from '../xip/xip.ts'
import { setHoldTones } from './call-tones.ts'
import type { Service } from './service.ts'
import { comeInstead } from './transfer.ts'

export const replacing: Service = { name: 'replaces', invited }

/** RFC 3326: the telephone that stops ringing does not show a missed call. */
const elsewhere = 'SIP;cause=200;text="Call completed elsewhere"'

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation } = work
  const text = header(invitation.request, 'Replaces')
  if (text === undefined) return pickUpByNumber(work)
  const replaces = readReplaces(text)
  // RFC 3911 3: one of them.
  if (replaces === null || header(invitation.request, 'Join') !== undefined) {
    return refuse(exchange, invitation, 400)
  }
  const found = replacedLeg(exchange.sessions, replaces)
  const status = found === null ? 481 : refusalOf(work, found, replaces)
  return found === null || status !== null
    ? refuse(exchange, invitation, status ?? 481)
    : takePlace(work, found)
}

/** RFC 3891 3. */
function refusalOf(
  { exchange, xip }: SetUp,
  { session, member }: ReplacedLeg,
  { isEarlyOnly }: Replaces,
): number | null {
  if (isOver(session) || !isPresent(member)) return 603
  const isMoving = session.transfer !== null && !isTarget(session, legOf(member))
  if (isMoving || !isCall(session)) return 491
  if (!isSettingUp(member)) {
    if (isEarlyOnly) return 486
    return member.user === xip.sourceUser ? null : 403
  }
  if (member.side === 'caller') return 481
  return mayPickUp(exchange, xip.sourceUser, member.user) ? null : 403
}

/** Of two, or one that rings at a group. Who rings for a conference that runs is meant himself. */
function isCall({ type }: Conference): boolean {
  return type === 'ordinary' || type === 'group'
}

/** One's own other telephone, and those of one's pick-up group. */
function mayPickUp(exchange: Exchange, picker: string, called: string): boolean {
  if (picker === called) return true
  const group = pickupGroupOf(exchange, picker)
  return group !== null && group === pickupGroupOf(exchange, called)
}

function pickupGroupOf({ options }: Exchange, number: string): string | null {
  const entry: PhoneBookEntry | undefined = options.tables.phoneBook.get(number)
  return entry === undefined ? null : profileOf(entry).line.pickupGroup
}

/** The digits of the two services: what rings in the own group, or at a number of it. */
function pickUpByNumber(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  const destination = destinationOf(xip.destinationUser, directoryOf(exchange))
  if (destination.kind !== 'feature') return null
  const { feature, argument } = destination
  if (feature !== 'pickup' && feature !== 'pickupOf') return null
  if (feature === 'pickupOf' && !mayPickUpAt(exchange, xip.sourceUser, argument)) {
    return refuse(exchange, invitation, 403)
  }
  const found = ringingFor(exchange, xip.sourceUser, feature === 'pickup' ? null : argument)
  if (found === null) return refuse(exchange, invitation, 480)
  return takePlace(work, found)
}

/** @param number of an account, or of a group: for one of its members */
function mayPickUpAt(exchange: Exchange, picker: string, number: string): boolean {
  const group = exchange.plan.groups.find((one) => one.number === number)
  const called = group?.members ?? [number]
  return called.some((one) => mayPickUp(exchange, picker, one))
}

/** The call of the highest priority, of these the one that waits longest.
 * @param called null: anybody whom the picker may pick up, but for himself */
function ringingFor(
  exchange: Exchange,
  picker: string,
  called: string | null,
): { session: Conference; member: Member } | null {
  const isMeant = (session: Conference, { user }: Member) => {
    if (called === null) return user !== picker && mayPickUp(exchange, picker, user)
    if (session.type !== 'group' || groupOf(exchange, session)?.number !== called) {
      return user === called
    }
    return mayPickUp(exchange, picker, user)
  }
  const ringing = exchange.sessions.values().flatMap((session) => {
    if (!isRinging(session) || !isCall(session) || takesPart(session, picker)) return []
    return calledIn(session)
      .filter((member) => isMeant(session, member))
      .map((member) => ({ session, member }))
  })
  ringing.sort(
    (one, other) =>
      priorityRank(one.session.priority) - priorityRank(other.session.priority) ||
      one.session.startedAtMs - other.session.startedAtMs,
  )
  return ringing[0] ?? null
}

/** Also for a transfer: at the target, or again at who has sent the call there. */
function isRinging({ state, transfer }: Conference): boolean {
  return state === 'ringing' || (transfer !== null && transfer.target !== null)
}

/** Whoever calls, or is to be transferred, would talk to himself. */
function takesPart(session: Conference, user: string): boolean {
  const called = calledIn(session)
  return session.members.some((one) => {
    return one.user === user && isPresent(one) && !called.includes(one)
  })
}

const taken = {
  pickup: 'a call is picked up',
  glare: 'two who call each other are connected',
} as const

/** @param service by which it takes the place of a leg that rings */
export function takePlace(
  work: SetUp,
  { session, member: former }: { session: Conference; member: Member },
  service: 'pickup' | 'glare' = 'pickup',
): CoreEffect[] {
  const { exchange, invitation, names } = work
  const { sessionId } = session
  const pending = pendingServerOf(invitation.request, invitation.source)
  if (pending === null) return refuse(exchange, invitation, 513)
  const { leg, legCount } = nextLeg(exchange, session)
  const made = memberOfInvite(exchange, invitation, { sessionId, leg, localPort: 1, names })
  if (made === null) return refuse(exchange, invitation, 400)
  const localPort = hasRoom(exchange, 1) ? exchange.resources.takePort(sessionId) : null
  if (localPort === null) return refuse(exchange, invitation, 503)
  const call = new Call(exchange, session, invitation.now)
  call.change({ members: [...session.members, { ...made, localPort }], legCount })
  call.accept(leg, 'pendingServer', { id: invitation.id, pending })
  const isEarly = isSettingUp(former)
  const joins = isEarly && isForAll(exchange, session)
  call.used(isEarly ? service : 'replacement')
  const called = calledIn(session)
  // Where all come who answer, the others ring on.
  const left = joins ? called.filter((one) => one === former || one.user === made.user) : called
  for (const one of isEarly ? left : [former]) {
    const headers = isEarly ? [{ name: 'Reason', value: elsewhere }] : []
    dropMember(call, legOf(one), { status: 487, headers })
  }
  if (joins) beginWith(call, leg, work.xip.wg67Versions)
  else if (isEarly && session.transfer !== null) comeInstead(call, leg)
  else if (isEarly) answer(call, leg)
  else goOn(call, leg)
  call.log('info', isEarly ? taken[service] : 'a dialog is replaced', { of: former.user })
  return call.commit()
}

/** All who ring for the call. */
function calledIn({ members }: Conference): Member[] {
  return members.filter((one) => one.side === 'callee' && isPresent(one) && isSettingUp(one))
}

/** The call has its answer, and is one of two. */
function answer(call: Call, leg: Leg): void {
  const { exchange, sessionId, now } = call
  exchange.timers.stop({ sessionId, timer: 'no-answer' })
  exchange.answered += 1
  answerNewcomer(call, leg)
  call.change({ type: 'ordinary', state: 'communicating', answeredAtMs: now.wallMs })
}

/** The far end talks already. */
function goOn(call: Call, leg: Leg): void {
  const far = call.far(leg)
  answerNewcomer(call, leg)
  const isHeld = call.member(far).state === 'hold'
  call.change({ state: isHeld ? 'hold' : 'communicating' })
  setHoldTones(call)
  align(call, far)
}
