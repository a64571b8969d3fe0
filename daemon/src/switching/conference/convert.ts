//! A temporary conference (临时会议, S1.81): built from a call that stands. Who only goes on talking notices
//! nothing but a re-INVITE whose Contact has `isfocus` (RFC 4579 5.2); its voice goes on.
import { limits } from '../../limits.ts'
import { type Focus, legOf, type Member } from '../../tables/wired-conference.ts'
import { isSuccess } from '../dialog/pending.ts'
import { stopTones } from '../services/call-tones.ts'
import type { Call } from '../wired/call.ts'
import { offerTo } from '../wired/media.ts'
import { isPresent } from '../wired/sessions.ts'
import { newSeat } from './seat.ts'

/** False when the call cannot become one: it is not answered, or a change of it is under way; an instantaneous
 * access call and monitoring are no conversation. */
export function mayConvert({ session }: Call): boolean {
  const { type, callType, answeredAtMs, focus, members } = session
  if (focus !== null) return true
  if (type !== 'ordinary' || callType !== 'da-ida' || answeredAtMs === null) return false
  const present = members.filter(isPresent)
  return present.length >= 2 && present.every(isFree)
}

/** @returns false when the call cannot become one, and is as it was. */
export function makeConference(call: Call, owner: string): boolean {
  const { session } = call
  if (session.focus !== null) return true
  if (!mayConvert(call)) return false
  const present = session.members.filter(isPresent)
  call.change({ type: 'temporary', state: 'communicating', focus: newFocus(call, owner) })
  for (const member of present) {
    const { user } = member
    const seat = newSeat(undefined, { user, wg67Version: session.wg67Version, now: call.now })
    call.changeMember(legOf(member), { seat })
  }
  // Nobody is held any more: who holds is only away from the others.
  stopTones(call)
  for (const member of present) tellFocus(call, member)
  return true
}

/** No offer of either side is open. */
function isFree({ dialog, state }: Member): boolean {
  const { pendingClient, pendingServer } = dialog
  if (state !== 'talking' && state !== 'hold') return false
  if (pendingClient !== null) return false
  if (pendingServer === null || pendingServer.method !== 'INVITE') return true
  return pendingServer.final !== null && !isSuccess(pendingServer.final)
}

function newFocus({ session, sessionId, exchange }: Call, owner: string): Focus {
  const owned = exchange.options.tables.phoneBook.get(owner)?.displayName
  return {
    // Nobody else can tell it: the number of the session comes from a secret.
    number: `conf-${sessionId.slice(0, 12)}`,
    displayName: owned ?? '',
    owner,
    locked: false,
    membersMax: limits.conferenceMembersMax,
    membersMin: session.members.length < 2 ? 1 : 2,
    pinHash: null,
    name: '',
    away: [],
  }
}

/** Who is on hold stays so; everybody else may speak again, held or not by the other one before. */
export function tellFocus(call: Call, member: Member): void {
  const leg = legOf(member)
  if (member.state === 'hold' || !isFree(member)) return
  call.invite(leg, offerTo(call, leg, 'sendrecv', codecOf(call, member)))
}

function codecOf({ exchange }: Call, { mediaId }: Member) {
  return exchange.options.tables.wiredMedia.get(mediaId)?.codec ?? 'PCMA'
}
