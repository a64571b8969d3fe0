//! What an operator does to a conference, and a member who may do so by its telephone.
import { failure, type Result, success } from '../../result.ts'
import { type Conference, legOf, type Member, type Seat } from '../../tables/wired-conference.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { reconnect } from '../wired/media.ts'
import { endCall } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { makeConference, mayConvert } from './convert.ts'
import { invite, whyNotInvited } from './invite.ts'
import { leave } from './leave.ts'

export type ConferenceOrder =
  /** Calls one more member, or one again who did not come. A call of two becomes a conference. */
  | { readonly kind: 'add'; readonly user: string }
  | { readonly kind: 'drop'; readonly user: string }
  | { readonly kind: 'mute'; readonly user: string; readonly muted: boolean }
  | { readonly kind: 'gain'; readonly user: string; readonly gainDb: number }
  | { readonly kind: 'lock'; readonly locked: boolean }
  | { readonly kind: 'end' }

/** @param name number of the conference, or the ID of a session
 * @returns what leaves because of it. `not-found`: no such conference or member; `operation-failed`. */
export function carryOutOrder(
  exchange: Exchange,
  { name, order }: { readonly name: string; readonly order: ConferenceOrder },
  now: Now,
): Result<CoreEffect[]> {
  const session = exchange.sessions.conference(name) ?? exchange.sessions.get(name)
  if (session === undefined || isOver(session)) {
    return failure('not-found', `no conference ${name}`)
  }
  if (session.focus === null && order.kind !== 'add') {
    return failure('not-found', `${name} is a call, no conference`)
  }
  let problem: string | null = null
  const effects = withSession(exchange, { sessionId: session.sessionId, now }, (call) => {
    problem = carryOut(call, order)
  })
  if (problem === noMember) return failure('not-found', noMember)
  return problem === null ? success(effects) : failure('operation-failed', problem)
}

const noMember = 'there is no such member'

/** @returns why not; null: it is done. */
function carryOut(call: Call, order: ConferenceOrder): string | null {
  switch (order.kind) {
    case 'add':
      return add(call, order.user)
    case 'drop':
      return each(call, order.user, (member) => leave(call, legOf(member), { status: 480 }))
    case 'mute':
      return each(call, order.user, (member) => setSeat(call, member, { muted: order.muted }))
    case 'gain':
      return each(call, order.user, (member) => setSeat(call, member, { gainDb: order.gainDb }))
    case 'lock':
      return setLock(call, order.locked)
    case 'end':
      endCall(call, { by: 'switch', status: 200 })
      return null
  }
}

function add(call: Call, user: string): string | null {
  const owner = ownerOf(call.session)
  const isCall = call.session.focus === null
  if (!mayConvert(call)) return 'the call is not answered, or it is being changed'
  // A call of two stays one when nobody comes to it.
  const refusal = isCall ? whyNotInvited(call, user) : 0
  if (refusal === 0) makeConference(call, owner)
  const status = refusal || invite(call, user)
  return status === 0 ? null : `${user} cannot be called: ${status}`
}

function ownerOf({ members, focus }: Conference): string {
  return focus?.owner ?? members.find(({ side }) => side === 'caller')?.user ?? ''
}

function each(call: Call, user: string, work: (member: Member) => void): string | null {
  const found = call.session.members.filter((one) => one.user === user && isPresent(one))
  for (const member of found) if (!isOver(call.session)) work(member)
  return found.length === 0 ? noMember : null
}

export function setSeat(call: Call, member: Member, patch: Partial<Seat>): void {
  if (member.seat === null) return
  call.changeMember(legOf(member), { seat: { ...member.seat, ...patch } })
  reconnect(call, legOf(member))
}

export function setLock(call: Call, locked: boolean): string | null {
  const { focus } = call.session
  if (focus !== null) call.change({ focus: { ...focus, locked } })
  return null
}
