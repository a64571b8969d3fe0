//! Members of a conference behind another system: it may want a password, or be reached another way.
import type { Leg } from '../../tables/wired-conference.ts'
import { nextWay, signsIn } from '../trunk/outgoing.ts'
import type { Call } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import { dropMember } from '../wired/release.ts'
import { inviteOutside, stopRinging } from './invite.ts'
import { leave } from './leave.ts'
import { referred, referredElsewhere } from './referred.ts'

/** The other system refuses. @returns true: the member is called on. */
export function goesOnOutside(call: Call, failed: Failed): boolean {
  return signsIn(call, failed) || goesOtherWay(call, failed, failed.leg)
}

/** It has said nothing in its time. */
export function onMemberSilent(call: Call, leg: Leg): void {
  const { state, dialog } = call.member(leg)
  if (state !== 'calling' || dialog.pendingClient === null) return
  if (dialog.pendingClient.proceeding || dialog.pendingClient.cancelled) return
  if (goesOtherWay(call, { leg, status: 408, response: null })) return
  stopRinging(call, leg)
  referred(call, leg, 408)
  leave(call, leg, { status: 408 })
}

/** @param gone the leg, when it was heard of: there is nothing to cancel. */
function goesOtherWay(call: Call, failed: Failed, gone?: Leg): boolean {
  const callee = nextWay(call, failed)
  if (callee === null || inviteOutside(call, callee) !== 0) return false
  const { leg, status } = failed
  const next = call.session.members.at(-1)?.leg ?? ''
  stopRinging(call, leg)
  dropMember(call, leg, { status, ...(gone === undefined ? {} : { gone }) })
  referredElsewhere(call, leg, next)
  return true
}
