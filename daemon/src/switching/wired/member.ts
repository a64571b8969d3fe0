//! A new member of a session: of an INVITE that came, or for a terminal that is to be invited.
import type { User } from '../../tables/user.ts'
import type { Conference, Leg, Member } from '../../tables/wired-conference.ts'
import type { NameAddress } from '../../wire/sip/message.ts'
import { harmlessText } from '../../wire/sip/scan.ts'
import { parseUri } from '../../wire/sip/write.ts'
import { dialogOfInvite, dialogToTerminal, ownContact } from '../dialog/dialog.ts'
import { isReadable } from '../dialog/pending.ts'
import { isFromContact } from '../registrar/bindings.ts'
import { translated } from '../trunk/numbers.ts'
import type { Invitation } from './caller.ts'
import type { Exchange } from './exchange.ts'
import { forksOf } from './forks.ts'
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
  { request, source, now, caller }: Invitation,
  { names, ...place }: Place & { readonly names: CallerNames },
): Member | null {
  const user = caller?.user ?? request.from.uri.user ?? ''
  const registered = exchange.options.tables.user.get(user)
  const isThere = registered === undefined || isFromContact(registered, source, now.wallMs)
  const dialog = dialogOfInvite(request, {
    localTag: names.callerTag,
    sdpSession: names.callerSdp,
    fallback: isThere ? source : endpointOf(registered),
  })
  if (dialog === null || !isReadable(dialog)) return null
  const trunk =
    caller === undefined
      ? null
      : { name: caller.trunk, route: '', ways: [], hops: 0, credentials: null }
  return { user, side: 'caller', ...newMember(place), trunk, dialog }
}

interface Invited {
  /** Of somebody outside: over which trunk. */
  readonly callee: User & { readonly trunk?: Member['trunk'] }
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
  const target = parseUri(callee.contact)
  if (target === null) return null
  const trunk = callee.trunk ?? null
  const dialog = dialogToTerminal({
    callId: `${names.callId}@${exchange.commonAddress}`,
    localTag: names.tag,
    sdpSession: names.sdp,
    localUri: addressOf(exchange, from.user, {
      ...from,
      shown: shownTo(exchange, trunk, from.user),
    }),
    remoteUri:
      trunk === null
        ? addressOf(exchange, callee.user, { displayName: null })
        : { displayName: null, uri: target, parameters: new Map() },
    remoteTarget: callee.contact,
    routeSet: callee.path ?? [],
    destination: endpointOf(callee),
  })
  if (!isReadable(dialog)) return null
  const forks = trunk === null ? forksOf(callee) : null
  return { user: callee.user, side: 'callee', ...newMember(place), trunk, forks, dialog }
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
  return {
    leg,
    state: 'calling' as const,
    mediaId,
    localPort,
    lastDigit: null,
    seat: null,
    movedFrom: null,
    forks: null,
    refusal: null,
    glare: null,
    isToAlign: null,
  }
}

/** The number of a caller as another system knows it. */
function shownTo({ plan }: Exchange, trunk: Member['trunk'], user: string): string {
  const rules = plan.trunks.find(({ name }) => name === trunk?.name)?.outgoing.caller ?? []
  return translated(user, rules)
}

/** @param how `shown`: the number that stands there in the place of the user's. */
function addressOf(
  exchange: Exchange,
  user: string,
  { displayName, shown = user }: { readonly displayName: string | null; readonly shown?: string },
): NameAddress {
  const { uri, parameters } = ownContact(exchange.options, shown)
  const known = exchange.options.tables.phoneBook.get(user)?.displayName
  const name = displayName === null ? known : harmlessText(displayName)
  return { displayName: name || null, uri: { ...uri, port: null }, parameters }
}

function endpointOf({ address, port }: User) {
  return { address, port }
}
