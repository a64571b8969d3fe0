//! A call that nobody has answered goes to somebody else: the one who was called leaves it, another
//! terminal is invited, and the caller waits on.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { User } from '../../tables/user.ts'
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import { parseNameAddress } from '../../wire/sip/write.ts'
import { mediaOf } from '../xip/media.ts'
import type { Call } from './call.ts'
import { offerTo } from './media.ts'
import { memberToInvite, nextLeg } from './member.ts'
import { dropMember } from './release.ts'
import { isPresent } from './sessions.ts'

/** RFC 3326: why an INVITE is cancelled. */
const elsewhere = [{ name: 'Reason', value: 'SIP;cause=302;text="Moved Temporarily"' }]

/** @param leg who was called; `silent`: he was not heard of, so his INVITE is cancelled; `unsaid`: the
 * caller is not told of it.
 * @returns false when there is no port for the new leg or no usable registration; nothing is changed
 * then. */
export function redirect(
  call: Call,
  leg: Leg,
  how: { readonly callee: User; readonly silent: boolean; readonly unsaid?: boolean },
): boolean {
  const { callee, silent, unsaid = false } = how
  const next = addCallee(call, callee)
  if (next === null) return false
  leaveOut(call, leg, silent)
  if (!unsaid) call.respond(callerOf(call), 'pendingServer', 181)
  ring(call, next)
  return true
}

/** The one who was called is called no more. @param silent he was not heard of */
export function leaveOut(call: Call, leg: Leg, silent: boolean): void {
  dropMember(call, leg, { status: 487, headers: elsewhere, ...(silent ? {} : { gone: leg }) })
}

/** All of these ring, and the caller is told that he goes elsewhere.
 * @returns false as above. */
export function redirectToAll(
  call: Call,
  leg: Leg,
  how: { readonly callees: readonly User[]; readonly silent: boolean },
): boolean {
  const added = how.callees.flatMap((callee) => addCallee(call, callee) ?? [])
  if (added.length === 0) return false
  leaveOut(call, leg, how.silent)
  call.respond(callerOf(call), 'pendingServer', 181)
  for (const next of added) ring(call, next)
  return true
}

/** Nobody was called yet.
 * @returns false as above. */
export function callFirst(call: Call, callee: User): boolean {
  const next = addCallee(call, callee)
  if (next !== null) ring(call, next)
  return next !== null
}

/** Who waits for an answer. */
export function callerOf({ session }: Call): Leg {
  const caller = session.members.find((one) => one.side === 'caller' && isPresent(one))
  assert(caller !== undefined, 'a call that nobody has answered has its caller')
  return legOf(caller)
}

function addCallee(call: Call, callee: User): Leg | null {
  const { exchange, sessionId, session } = call
  const caller = call.member(callerOf(call))
  const next = nextLeg(exchange, session)
  const localPort = exchange.resources.takePort(sessionId)
  if (localPort === null) return null
  const { displayName } = parseNameAddress(caller.dialog.remoteUri) ?? { displayName: null }
  const place = { sessionId, leg: next.leg, localPort }
  const from = { user: caller.user, displayName }
  const member = memberToInvite(exchange, place, { callee, from })
  if (member === null) {
    exchange.resources.giveBackPort(sessionId, localPort)
    return null
  }
  call.change({ members: [...session.members, member], legCount: next.legCount })
  return next.leg
}

function ring(call: Call, called: Leg): void {
  const { exchange, sessionId, now } = call
  const { pendingServer } = call.dialog(callerOf(call))
  const media = pendingServer === null ? null : mediaOf(pendingServer.body)
  const first = media?.codecs[0]?.name ?? 'PCMA'
  const steps = call.session.diversions?.length ?? 0
  const offer = offerTo(call, called, media?.direction ?? 'sendrecv', first)
  call.invite(called, offer, { maxForwards: limits.sipMaxForwards - 1 - steps })
  exchange.timers.start({ sessionId, timer: 'no-answer' }, now.monotonicMs + limits.noAnswerMs)
}
