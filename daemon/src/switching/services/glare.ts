//! Two who want the same at once. A re-INVITE of ours that met one of the terminal's is sent again (RFC 3261
//! 14.1). And two who call each other at the same time are connected: each has asked for the other (ED-137
//! sheet 5.3).

import { type Conference, legOf, type Member } from '../../tables/wired-conference.ts'
import { tellFocus } from '../conference/convert.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import type { Call } from '../wired/call.ts'
import { settleGlare, watchGlare } from '../wired/glare.ts'
import { sendAgain } from '../wired/modify.ts'
import { isOver, isPresent, isSettingUp } from '../wired/sessions.ts'
import { directoryOf, type SetUp } from '../wired/setup.ts'
import { priorityRank } from '../xip/xip.ts'
import { takePlace } from './replaces.ts'
import type { Service } from './service.ts'

export const glares: Service = {
  name: 'glare',
  invited,
  timer: onWaited,
  restore: (call) => {
    for (const member of call.session.members) {
      if (isPresent(member)) watchGlare(call, legOf(member))
    }
  },
}

function onWaited(call: Call, leg: string): void {
  const member = call.member(leg)
  if (isOver(call.session) || !isPresent(member) || member.glare === null) return
  if (isSettingUp(member)) settleGlare(call, leg)
  else if (call.session.focus !== null) tellFocus(call, member)
  else if (call.session.transfer === null) sendAgain(call, leg)
}

/** The one who is called has called the caller at the same time. His call takes the place of the leg that
 * rings for him, whichever came first; the higher priority stays. */
function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  if (xip.callType !== 'da-ida' || invitation.caller !== undefined) return null
  const destination = destinationOf(xip.destinationUser, directoryOf(exchange))
  if (destination.kind !== 'terminal') return null
  const { number } = destination.entry
  for (const session of exchange.sessions.of(xip.sourceUser)) {
    const member = ringingFor(session, { called: xip.sourceUser, caller: number })
    if (member === null) continue
    const [priority] = [session.priority, xip.priority].toSorted(
      (a, b) => priorityRank(a) - priorityRank(b),
    )
    const merged = { ...session, priority: priority ?? session.priority }
    return takePlace(work, { session: merged, member }, 'glare')
  }
  return null
}

function ringingFor(
  { state, type, callType, queued, intrusion, transfer, members }: Conference,
  { called, caller }: { readonly called: string; readonly caller: string },
): Member | null {
  if (state !== 'ringing' || type !== 'ordinary' || callType !== 'da-ida') return null
  if (queued !== null || intrusion !== null || transfer !== null) return null
  const present = members.filter(isPresent)
  const from = present.find(({ side, user }) => side === 'caller' && user === caller)
  const to = present.find(({ side, user }) => side === 'callee' && user === called)
  return from === undefined || to === undefined || !isSettingUp(to) ? null : to
}
