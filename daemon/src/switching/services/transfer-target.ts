//! Who the target of a transfer is: a number that is called, or the other party of another call of the one
//! who transfers.
import { type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { parseNameAddress } from '../../wire/sip/write.ts'
import { type Replaces, replacedLeg } from '../dialog/replaces.ts'
import { destinationOf } from '../numbering.ts'
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

/** The leg of the target, or the status that says why there is none. */
type Target = { readonly target: Leg; readonly isThere: boolean } | number

/** Blind: the number is called for the other party, whose calls the target knows it by. */
export function callTarget(call: Call, by: Leg, { number, referredBy }: Referral): Target {
  const { exchange, session, sessionId } = call
  const user = terminalOf(call, by, number)
  if (typeof user === 'number') return user
  if (!hasRoom(exchange, 1)) return 503
  const party = call.member(call.far(by))
  const next = nextLeg(exchange, session)
  const { displayName } = parseNameAddress(party.dialog.remoteUri) ?? { displayName: null }
  const place = { sessionId, leg: next.leg, localPort: 1 }
  const made = memberToInvite(exchange, place, {
    callee: user,
    from: { user: party.user, displayName },
  })
  const localPort = made === null ? null : exchange.resources.takePort(sessionId)
  if (made === null || localPort === null) return made === null ? 480 : 503
  call.change({ members: [...session.members, { ...made, localPort }], legCount: next.legCount })
  const codec = exchange.options.tables.wiredMedia.get(party.mediaId)?.codec ?? 'PCMA'
  const value = referredBy ?? call.member(by).dialog.remoteUri
  call.invite(next.leg, offerTo(call, next.leg, 'sendrecv', codec), {
    headers: [{ name: 'Referred-By', value }],
  })
  return { target: next.leg, isThere: false }
}

/** Where a call to the number would ring, forwarding included. */
function terminalOf(call: Call, by: Leg, number: string) {
  const { exchange, session, now } = call
  const choice = forwardFrom(number, [], viewOf(exchange, session.priority, now))
  if (choice.kind === 'refused') return choice.status
  const destination = destinationOf(choice.number, directoryOf(exchange))
  if (destination.kind === 'refusal') return destination.status
  // A call of its own can be made to any number, but only a terminal can be put in the place of one.
  if (destination.kind !== 'terminal') return 403
  if (choice.number === call.member(call.far(by)).user) return 486
  const line = lineState(exchange, destination.entry, now)
  if (line.kind === 'not-registered') return 480
  if (line.kind === 'loop') return 482
  return line.kind === 'busy' ? 486 : line.user
}

/** Attended: the dialog is another one of who transfers, and its other end comes here. */
export function takeTarget(call: Call, by: Leg, replaces: Replaces): Target {
  const { exchange, sessionId } = call
  const found = replacedLeg(exchange.sessions, replaces)
  if (found === null || found.session.sessionId === sessionId || isOver(found.session)) return 481
  const { session, member: own } = found
  if (own.user !== call.member(by).user) return 403
  const others = session.members.filter((one) => one !== own && isPresent(one))
  const [other] = others
  if (!isPresent(own) || other === undefined || others.length > 1) return 481
  if (session.callType !== 'da-ida' || session.transfer !== null) return 491
  if (isAsking(other)) return 491
  const isThere = isTalking(other)
  if (isThere && replaces.isEarlyOnly) return 486
  const target = moveMember(call, { sessionId: session.sessionId, leg: legOf(other) })
  return target === null ? 481 : { target, isThere }
}

function isTalking({ state }: Member): boolean {
  return state === 'talking' || state === 'hold'
}

/** Its INVITE or re-INVITE waits for the one whose place is taken. */
function isAsking({ dialog }: Member): boolean {
  const { pendingServer } = dialog
  return pendingServer !== null && pendingServer.method === 'INVITE' && pendingServer.final === null
}
