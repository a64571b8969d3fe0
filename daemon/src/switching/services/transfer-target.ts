//! Who the target of a transfer is: a number that is called, or the other party of another call of the one
//! who transfers.
import type { User } from '../../tables/user.ts'
import { type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { SipHeader } from '../../wire/sip/message.ts'
import { parseNameAddress } from '../../wire/sip/write.ts'
import { type Entrance, mayEnter } from '../conference/enter.ts'
import { freeMembers } from '../conference/group.ts'
import { type ReplacedLeg, type Replaces, replacedLeg } from '../dialog/replaces.ts'
import { destinationOf } from '../numbering.ts'
import { calleeOutside } from '../trunk/outgoing.ts'
import type { Call } from '../wired/call.ts'
import { lineState } from '../wired/line.ts'
import { offerTo } from '../wired/media.ts'
import { memberToInvite, nextLeg } from '../wired/member.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { directoryOf } from '../wired/setup.ts'
import { hasRoom } from '../wired/setup-terminal.ts'
import { viewOf } from './forward.ts'
import { forwardFrom } from './forward-choice.ts'
import { moveMember } from './move-member.ts'
import type { Referral } from './refer-to.ts'

/** The legs of the target, of a group several; the conference that the other party comes into; or the
 * status that says why there is none. */
export type Target =
  | { readonly target: Leg; readonly also: readonly Leg[]; readonly isThere: boolean }
  | Entrance
  | number

/** Somebody with a trunk is outside. */
type Callee = User & { readonly trunk?: Member['trunk'] }

/** Blind: the number is called for the other party, whose calls the target knows it by. */
export function callTarget(call: Call, by: Leg, { number, referredBy }: Referral): Target {
  const called = calleesOf(call, by, number)
  if (typeof called === 'number' || 'conference' in called) return called
  const legs = called.flatMap((callee) => addTarget(call, by, callee, referredBy) ?? [])
  const [target, ...also] = legs
  return target === undefined ? 503 : { target, also, isThere: false }
}

/** One more terminal rings for the other party. @returns null when there is no room for it */
export function addTarget(
  call: Call,
  by: Leg,
  callee: Callee,
  referredBy: string | null = null,
): Leg | null {
  const value = referredBy ?? (call.has(by) ? call.member(by).dialog.remoteUri : null)
  return ringFor(call, by, {
    callee,
    headers: value === null ? [] : [{ name: 'Referred-By', value }],
  })
}

/** Who has sent the call to somebody who does not come. RFC 7462: its telephone may ring another way.
 * @returns null: it is not there, or busy. */
export function addRecalled(call: Call, by: Leg, number: string): Leg | null {
  const { exchange, now } = call
  const entry = exchange.options.tables.phoneBook.get(number)
  const line = entry === undefined ? null : lineState(exchange, entry, now)
  if (line?.kind !== 'free') return null
  return ringFor(call, by, { callee: line.user, headers: [recalled] })
}

const recalled = { name: 'Alert-Info', value: '<urn:alert:service:recall:transfer>' }

function ringFor(
  call: Call,
  by: Leg,
  { callee, headers }: { readonly callee: Callee; readonly headers: readonly SipHeader[] },
): Leg | null {
  const { exchange, session, sessionId } = call
  const party = partyOf(call, by)
  if (party === null || !hasRoom(exchange, 1)) return null
  const next = nextLeg(exchange, session)
  const { displayName } = parseNameAddress(party.dialog.remoteUri) ?? { displayName: null }
  const place = { sessionId, leg: next.leg, localPort: 1 }
  const from = { user: party.user, displayName }
  const made = memberToInvite(exchange, place, { callee, from })
  const localPort = made === null ? null : exchange.resources.takePort(sessionId)
  if (made === null || localPort === null) return null
  call.change({ members: [...session.members, { ...made, localPort }], legCount: next.legCount })
  const codec = exchange.options.tables.wiredMedia.get(party.mediaId)?.codec ?? 'PCMA'
  call.invite(next.leg, offerTo(call, next.leg, 'sendrecv', codec), { headers })
  return next.leg
}

/** Who stays: he talks already. */
export function partyOf({ session }: Call, by: Leg): Member | null {
  const others = session.members.filter((one) => isPresent(one) && legOf(one) !== by)
  return others.find(isTalking) ?? null
}

/** Where a call to the number would ring, forwarding included. */
function calleesOf(call: Call, by: Leg, number: string): Callee[] | Entrance | number {
  const { exchange, session, now } = call
  const choice = forwardFrom(
    number,
    [],
    viewOf(exchange, { priority: session.priority, received: null }, now),
  )
  if (choice.kind === 'refused') return choice.status
  const destination = destinationOf(choice.number, directoryOf(exchange))
  const party = call.member(call.far(by))
  const { user } = call.member(by)
  switch (destination.kind) {
    case 'terminal': {
      if (choice.number === party.user) return 486
      const line = lineState(exchange, destination.entry, now)
      if (line.kind === 'free') return [line.user]
      return { 'not-registered': 480, loop: 482, busy: 486 }[line.kind]
    }
    case 'trunk': {
      // With the rights of who sends the call out.
      const payer = choice.diversions.at(-1)?.from ?? user
      const callee = calleeOutside(exchange, destination, { payer, now })
      return typeof callee === 'number' ? callee : [callee]
    }
    case 'group': {
      const without = [party.user, user]
      const free = freeMembers(exchange, destination.group, {
        without,
        priority: session.priority,
        now,
      })
      return free.length === 0 ? 480 : free
    }
    case 'conference': {
      const plan = destination.conference
      const status = isAsking(party) ? 491 : mayEnter(call, party.user, plan)
      return status === 0 ? { conference: plan.number, plan, replaced: null } : status
    }
    case 'refusal':
      return destination.status
    // What is dialled for a service is for who dials it.
    case 'feature':
      return 403
  }
}

/** Attended: the dialog is another one of who transfers, and its other end comes here. */
export function takeTarget(call: Call, by: Leg, replaces: Replaces): Target {
  const { exchange, sessionId } = call
  const found = replacedLeg(exchange.sessions, replaces)
  if (found === null || found.session.sessionId === sessionId || isOver(found.session)) return 481
  const { session, member: own } = found
  if (own.user !== call.member(by).user) return 403
  if (session.focus !== null) return giveSeat(call, by, found)
  const others = session.members.filter((one) => one !== own && isPresent(one))
  const [other] = others
  if (!isPresent(own) || other === undefined || others.length > 1) return 481
  if (session.callType !== 'da-ida' || session.transfer !== null) return 491
  if (isAsking(other)) return 491
  const isThere = isTalking(other)
  if (isThere && replaces.isEarlyOnly) return 486
  const target = moveMember(call, { sessionId: session.sessionId, leg: legOf(other) })
  return target === null ? 481 : { target, also: [], isThere }
}

/** Its own seat in a conference goes to the other party. */
function giveSeat(call: Call, by: Leg, { session, member }: ReplacedLeg): Target {
  if (!isTalking(member) || member.seat === null || member.seat.room !== null) return 481
  const party = call.member(call.far(by))
  if (isAsking(party)) return 491
  const { number } = session.focus ?? { number: '' }
  const plan = call.exchange.plan.conferences.find((one) => one.number === number)
  return { conference: number, plan, replaced: legOf(member) }
}

function isTalking({ state }: Member): boolean {
  return state === 'talking' || state === 'hold'
}

/** Its INVITE or re-INVITE waits for the one whose place is taken. */
function isAsking({ dialog }: Member): boolean {
  const { pendingServer } = dialog
  return pendingServer !== null && pendingServer.method === 'INVITE' && pendingServer.final === null
}
