//! A new member of a session: of an INVITE that came, or for a terminal that is to be invited.
import type { User } from '../../tables/user.ts'
import type { Conference, Leg, Member } from '../../tables/wired-conference.ts'
import type { NameAddress } from '../../wire/sip/message.ts'
import { parseUri } from '../../wire/sip/write.ts'
import { dialogOfInvite, dialogToTerminal, ownContact } from '../dialog/dialog.ts'
import { isReadable } from '../dialog/pending.ts'
import { isFromContact } from '../registrar/bindings.ts'
import type { Invitation } from './caller.ts'
import type { Exchange } from './exchange.ts'
import { type CallerNames, type LegNames, legNamesOf } from './names.ts'

interface Place {
  readonly sessionId: string
  readonly leg: Leg
  readonly localPort: number
}

/** The member that an INVITE makes.
 * @returns null when its Contact is not usable, or it is larger than a record. */
export function memberOfInvite(
  exchange: Exchange,
  { request, source, now }: Invitation,
  { names, ...place }: Place & { readonly names: CallerNames },
): Member | null {
  const user = request.from.uri.user ?? ''
  const registered = exchange.options.tables.user.get(user)
  const isThere = registered === undefined || isFromContact(registered, source, now.wallMs)
  const dialog = dialogOfInvite(request, {
    localTag: names.callerTag,
    sdpSession: names.callerSdp,
    fallback: isThere ? source : endpointOf(registered),
  })
  if (dialog === null || !isReadable(dialog)) return null
  return { user, side: 'caller', ...newMember(place), dialog }
}

interface Invited {
  readonly callee: User
  /** Who calls, as the terminal shows it. */
  readonly from: { readonly user: string; readonly displayName: string | null }
  /** Absent: those of the leg. */
  readonly names?: LegNames
}

/** The member for a terminal that is to be invited; nothing is sent yet.
 * @returns null when its registration cannot be used. */
export function memberToInvite(
  exchange: Exchange,
  place: Place,
  {
    callee,
    from,
    names = legNamesOf(place.sessionId, place.leg, exchange.options.secret),
  }: Invited,
): Member | null {
  if (parseUri(callee.contact) === null) return null
  const dialog = dialogToTerminal({
    callId: `${names.callId}@${exchange.commonAddress}`,
    localTag: names.tag,
    sdpSession: names.sdp,
    localUri: addressOf(exchange, from.user, from.displayName),
    remoteUri: addressOf(exchange, callee.user, null),
    remoteTarget: callee.contact,
    routeSet: callee.path ?? [],
    destination: endpointOf(callee),
  })
  if (!isReadable(dialog)) return null
  return { user: callee.user, side: 'callee', ...newMember(place), dialog }
}

/** The name of the next leg of a session. Two nodes that serve apart name different ones. */
export function nextLeg(exchange: Exchange, session: Conference): { leg: Leg; legCount: number } {
  const { half } = exchange.options
  let index = session.legCount ?? session.members.length
  const parity = half === 'upper' ? 1 : 0
  if (half !== undefined && index % 2 !== parity) index += 1
  return { leg: letters(index), legCount: index + 1 }
}

/** 0: a, 25: z, 26: aa. */
function letters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26))
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last
}

function newMember({ sessionId, leg, localPort }: Place) {
  const mediaId = `${sessionId}-${leg}`
  return { leg, state: 'calling' as const, mediaId, localPort, lastDigit: null, seat: null }
}

function addressOf(exchange: Exchange, user: string, displayName: string | null): NameAddress {
  const { uri, parameters } = ownContact(exchange.options, user)
  const known = exchange.options.tables.phoneBook.get(user)?.displayName
  return { displayName: displayName ?? (known || null), uri: { ...uri, port: null }, parameters }
}

function endpointOf({ address, port }: User) {
  return { address, port }
}
