//! After a take-over each dialog is asked once whether it lives (OPTIONS in the dialog, RFC 3261 11). A
//! primary that could not reach its peer may have ended a call and died: then this node has a call that
//! no terminal knows, with its ports and its busy lines. What the dead node did is never known for sure,
//! as its answers wait for its peer for a moment only (ADR 0004); so every call is asked about.
import { limits } from '../../limits.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { Call } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import { dropMember, endCall } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import type { Service } from './service.ts'

const name = 'probe'

export const probes: Service = { name, restore: plan, timer: ask }

/** Not at once. Whoever was asking for something repeats it for 64*T1, and it is handled without this. */
function plan(call: Call): void {
  const { session, exchange, now, sessionId } = call
  const spreadMs = exchange.options.tables.wiredConference.size * limits.probePaceMs
  // The same for all legs of a session, and all over the time for the sessions.
  const part = Number.parseInt(sessionId.slice(0, 6), 16) / 0x1000000 || 0
  for (const member of established(session)) {
    const clock = { sessionId, timer: 'service', service: name, leg: legOf(member) } as const
    exchange.timers.start(clock, now.monotonicMs + limits.probeAfterMs + part * spreadMs)
  }
}

function established(session: Conference): Member[] {
  if (isOver(session) || session.answeredAtMs === null) return []
  return session.members.filter((one) => isPresent(one) && one.dialog.remoteTag !== null)
}

function ask(call: Call, leg: Leg): void {
  const member = established(call.session).find((one) => legOf(one) === leg)
  // An INFO that is under way asks the same.
  if (member === undefined || member.dialog.relayClient !== null) return
  call.request(leg, 'relayClient', { method: 'OPTIONS', headers: [], body: '' })
}

export function isProbe(call: Call, leg: Leg): boolean {
  return call.dialog(leg).relayClient?.method === 'OPTIONS'
}

/** RFC 3261 12.2.1.2. Every other answer shows that the dialog is there, as a terminal need not know
 * OPTIONS. Silence shows nothing yet: the refresh of the session timer comes to the same. */
export function onProbed(call: Call, { leg, status, response }: Failed): void {
  call.close(leg, 'relayClient')
  if (response === null || (status !== 481 && status !== 408)) return
  if (isOver(call.session)) return
  call.log('warn', 'a terminal does not know its call any more', { leg, status })
  const end = { status: 408, gone: leg }
  if (call.session.members.filter(isPresent).length > 2) dropMember(call, leg, end)
  else endCall(call, { ...end, by: 'switch' })
}
