//! 422 (RFC 4028 7.3): a terminal wants a longer time between the refreshes of its session than our INVITE has
//! asked for. It gets the same INVITE once more with that time, whichever branch of a call it is.
import { limits } from '../../limits.ts'
import type { PendingClient } from '../../tables/dialog.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import type { SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { requestIn } from '../dialog/pending.ts'
import { minSeOf, sessionExpiresOf, timerOffer } from '../dialog/session-timer.ts'
import { shownAgainIn } from '../trunk/sign-in.ts'
import type { Call } from './call.ts'
import type { Failed } from './events.ts'
import { isPresent } from './sessions.ts'

/** The branch that is the leg's own. @returns true: it is asked again. */
export function asksForLonger(call: Call, { leg, response }: Failed): boolean {
  const { pendingClient } = call.dialog(leg)
  if (response === null || pendingClient === null) return false
  const again = longer(call, leg, { response, pending: pendingClient })
  if (again === null) return false
  const { method, body, maxForwards } = again
  const headers = shownAgainIn(call, leg, again)
  if (call.dialog(leg).remoteTag === null) call.changeDialog(leg, { early: null })
  const hops = maxForwards === null ? {} : { maxForwards }
  call.request(leg, 'pendingClient', { method, headers, body, ...hops })
  return true
}

/** The INVITE with the time that the terminal wants, which the dialog remembers.
 * @returns null: it is no 422, or asks for nothing longer, or for too much. */
export function longer(
  call: Call,
  leg: Leg,
  { response, pending }: { readonly response: SipResponse; readonly pending: PendingClient },
): SipRequest | null {
  if (response.status !== 422 || pending.cancelled || !isPresent(call.member(leg))) return null
  const intervalS = minSeOf(response)
  const request = requestIn(pending)
  const asked = sessionExpiresOf(request)
  const isLonger = intervalS > (asked?.seconds ?? 0) && intervalS <= limits.sessionTimerMaxS
  if (!isLonger) return null
  const { timer } = call.dialog(leg)
  const { refresher, atMs } = timer ?? { refresher: 'us' as const, atMs: call.now.wallMs }
  const longest = Math.max(intervalS, timer?.intervalS ?? 0)
  call.changeDialog(leg, { timer: { intervalS: longest, refresher, atMs } })
  const offer = timerOffer(intervalS, intervalS, refresher === 'us' ? 'uac' : 'uas')
  const others = request.headers.filter(({ name }) => !/^(session-expires|min-se)$/i.test(name))
  return { ...request, headers: [...others, ...offer] }
}
