//! REFER of a member to the focus (RFC 4579): it calls one more member, those of a group, or somebody behind
//! a trunk; with `method=BYE` of its owner it drops one. It tells by NOTIFY what becomes of it. How far it
//! is, is in the record of the session, as with a transfer.
import { assert } from '../../assert.ts'
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import { ownContact } from '../dialog/dialog.ts'
import { destinationOf } from '../numbering.ts'
import { setProgress } from '../services/refer-progress.ts'
import { type Referral, referralOf } from '../services/refer-to.ts'
import { calleeOutside } from '../trunk/outgoing.ts'
import type { Call } from '../wired/call.ts'
import type { OpenedRequest } from '../wired/events.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { directoryOf } from '../wired/setup.ts'
import { invite, inviteOutside } from './invite.ts'
import { leave } from './leave.ts'
import { isConnected } from './seat.ts'

export function onMemberRefer(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const referral = referralOf(call, request)
  const status = 'status' in referral ? referral.status : refusalOf(call, leg, referral)
  const { focus } = call.session
  if ('status' in referral || status !== null || focus === null) {
    call.refuse(opened, status ?? 400)
    return
  }
  // A dialog of another session is no member that can be called.
  if (referral.replaces !== null) {
    call.refuse(opened, 400)
    return
  }
  const { isSilent, number } = referral
  call.accept(leg, 'relayServer', { id, pending })
  call.respond(leg, 'relayServer', 202, {
    contact: [ownContact(call.exchange.options, focus.number)],
    headers: isSilent ? [{ name: 'Refer-Sub', value: 'false' }] : [],
  })
  const startedAtMs = call.now.wallMs
  const progress = { referSeq: request.cseq.number, status: 100, told: 0, isSilent, startedAtMs }
  const nobody = { by: leg, returnsTo: null, target: null, also: null, joins: null }
  call.change({ transfer: { ...nobody, ...progress } })
  if (referral.method === 'BYE') {
    drop(call, number)
    return
  }
  const called = callAll(call, leg, number)
  if (typeof called === 'number') {
    setProgress(call, called)
    return
  }
  const { legs, joins } = called
  const [target = null, ...also] = legs
  const targets = { target, also: also.length === 0 ? null : also, joins: joins || null }
  call.change({ transfer: { ...nobody, ...targets, ...progress } })
  setProgress(call, 100)
}

/** They are out at once, whatever their terminals say to that. */
function drop(call: Call, number: string): void {
  const found = call.session.members.filter((one) => one.user === number && isPresent(one))
  setProgress(call, found.length === 0 ? 404 : 200)
  for (const member of found) {
    if (isOver(call.session)) return
    leave(call, legOf(member), { status: isConnected(member) ? 200 : 487 })
  }
}

/** Legs that are called for the number, of a group several, or the status that says why there is none. */
function callAll(
  call: Call,
  by: Leg,
  number: string,
): { readonly legs: Leg[]; readonly joins: boolean } | number {
  const { exchange, now } = call
  const destination = destinationOf(number, directoryOf(exchange))
  switch (destination.kind) {
    case 'terminal': {
      const status = invite(call, number)
      return status === 0 ? { legs: [newest(call)], joins: false } : status
    }
    case 'trunk': {
      // With the rights of who sends the call out.
      const { user: payer } = call.member(by)
      const callee = calleeOutside(exchange, destination, { payer, now })
      const status = typeof callee === 'number' ? callee : inviteOutside(call, callee)
      return status === 0 ? { legs: [newest(call)], joins: false } : status
    }
    case 'group': {
      const { members, mode } = destination.group
      const legs: Leg[] = []
      const statuses = members.map((user) => {
        const status = invite(call, user)
        if (status === 0) legs.push(newest(call))
        return status
      })
      if (legs.length > 0) return { legs, joins: mode === 'all' }
      return statuses.includes(486) ? 486 : 480
    }
    case 'refusal':
      return destination.status
    // A conference is no member of another one, and what is dialled for a service is for who dials it.
    default:
      return 403
  }
}

function newest({ session }: Call): Leg {
  const member = session.members.at(-1)
  assert(member !== undefined, 'somebody was called')
  return legOf(member)
}

/** A locked conference is for its owner to open, and the members of any are his to drop. */
function refusalOf(call: Call, leg: Leg, { method }: Referral): number | null {
  const { focus, transfer } = call.session
  const { user, seat } = call.member(leg)
  const isOwner = focus?.owner === user
  if (seat === null || seat.room !== null) return 403
  if (method === 'BYE' ? !isOwner : !seat.mayTalk) return 403
  if (focus?.locked === true && !isOwner) return 403
  if (transfer !== null) return 491
  return call.dialog(leg).relayServer?.final === null ? 500 : null
}
