//! Session timers (RFC 4028): who refreshes a dialog, how often, and when it counts as dead. Without
//! them a terminal that vanished would hold its call, its port and its busy state for ever.
import { limits } from '../../limits.ts'
import type { PendingServer, SessionTimer } from '../../tables/dialog.ts'
import { header, type SipHeader, type SipMessage } from '../../wire/sip/message.ts'
import { headerList } from '../../wire/sip/write.ts'

type Refresher = 'uac' | 'uas'

interface SessionExpires {
  readonly seconds: number
  readonly refresher: Refresher | null
}

/** The value of Session-Expires; null when it is absent, or no delta-seconds of RFC 4028 4. */
export function sessionExpiresOf(message: SipMessage): SessionExpires | null {
  const value = header(message, 'Session-Expires')
  const match = value === undefined ? null : /^\s*(\d{1,10})\s*((?:;.*)?)$/.exec(value)
  if (match === null) return null
  const refresher = /;\s*refresher\s*=\s*"?(uac|uas)"?\s*(?:;|$)/i.exec(match[2] ?? '')?.[1]
  return {
    seconds: Number(match[1]),
    refresher: (refresher?.toLowerCase() as Refresher | undefined) ?? null,
  }
}

/** The value of Min-SE in seconds, at least the one of RFC 4028 5. */
export function minSeOf(message: SipMessage): number {
  const value = header(message, 'Min-SE')
  const seconds = /^\s*(\d{1,10})\s*(?:;.*)?$/.exec(value ?? '')?.[1]
  return Math.max(limits.sessionTimerMinS, seconds === undefined ? 0 : Number(seconds))
}

function supportsTimer(message: SipMessage): boolean {
  return listed(message, 'Supported') || listed(message, 'Require')
}

function listed(message: SipMessage, name: string): boolean {
  return headerList(message, name).some((option) => option.toLowerCase() === 'timer')
}

/** The headers of our INVITE or UPDATE. In a refresh the present refresher is named (RFC 4028 7.4). */
export function timerOffer(
  intervalS: number,
  minSeS: number = limits.sessionTimerMinS,
  refresher: Refresher | null = null,
): SipHeader[] {
  const named = refresher === null ? '' : `;refresher=${refresher}`
  return [
    { name: 'Session-Expires', value: `${Math.max(intervalS, minSeS)}${named}` },
    { name: 'Min-SE', value: String(minSeS) },
  ]
}

/** True when the session would be shorter than we allow: it is refused with 422 and our Min-SE
 * (RFC 4028 6). A terminal that knows nothing of session timers would not understand that. */
export function isTooShort(request: SipMessage): boolean {
  const asked = sessionExpiresOf(request)
  return asked !== null && asked.seconds < limits.sessionTimerMinS && supportsTimer(request)
}

export const minSeHeader: SipHeader = { name: 'Min-SE', value: String(limits.sessionTimerMinS) }

/** What our 2xx says to a request that opens or refreshes a session (RFC 4028 9, table 2). We refresh
 * unless the other side wants to, also for a terminal that knows nothing of session timers: the answer
 * to our refresh, or its silence, tells whether it lives. */
export function timerFor(request: SipMessage): NonNullable<PendingServer['timer']> {
  const asked = sessionExpiresOf(request)
  const said = supportsTimer(request)
  const intervalS = intervalFor(asked, minSeOf(request))
  return { intervalS, refresher: said && asked?.refresher === 'uac' ? 'them' : 'us', said }
}

export function timerHeaders({
  intervalS,
  refresher,
  said,
}: NonNullable<PendingServer['timer']>): SipHeader[] {
  if (!said) return []
  const name = refresher === 'them' ? 'uac' : 'uas'
  const headers = [{ name: 'Session-Expires', value: `${intervalS};refresher=${name}` }]
  // RFC 4028 9: the UAC has to know that it is the one.
  return refresher === 'them' ? [...headers, { name: 'Require', value: 'timer' }] : headers
}

/** The UAS may only shorten what was asked, and not below its Min-SE. */
function intervalFor(asked: SessionExpires | null, minSeS: number): number {
  const own = Math.max(limits.sessionTimerS, minSeS)
  return asked === null ? own : Math.max(Math.min(asked.seconds, own), minSeS)
}

/** What the 2xx to our INVITE or UPDATE settles. A terminal without session timers is refreshed by us. */
export function settleTimer(answer: SipMessage, askedS: number): Omit<SessionTimer, 'atMs'> {
  const agreed = sessionExpiresOf(answer)
  if (agreed === null) return { intervalS: askedS, refresher: 'us' }
  const intervalS = Math.min(Math.max(agreed.seconds, limits.sessionTimerMinS), askedS)
  return { intervalS, refresher: agreed.refresher === 'uas' ? 'them' : 'us' }
}

/** Milliseconds after the last refresh at which we refresh, or give up waiting for the other side
 * (RFC 4028 10: half of the interval; a third of it or 32 s before its end). */
export function timerDueMs({ intervalS, refresher }: Omit<SessionTimer, 'atMs'>): number {
  if (refresher === 'us') return (intervalS * 1_000) / 2
  return (intervalS - Math.min(32, intervalS / 3)) * 1_000
}
