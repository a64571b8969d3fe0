//! Session timers (RFC 4028) of every leg: what we refresh, and what ends when nobody refreshes it. A
//! terminal that vanished without BYE holds its call, its ports and its busy state no longer than that.
import { type Conference, type Leg, legOf } from '../../tables/wired-conference.ts'
import { leave } from '../conference/leave.ts'
import { isSuccess } from '../dialog/pending.ts'
import { timerDueMs } from '../dialog/session-timer.ts'
import type { Now } from '../effects.ts'
import type { Call } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { endCall } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import type { Service } from './service.ts'

const name = 'session-timer'

export const sessionTimers: Service = {
  name,
  timer: onDue,
  changed: (exchange, { previous, next }, now) => {
    if (next !== null) start(exchange, { previous, next }, now)
    return []
  },
  restore: (call) => start(call.exchange, { previous: null, next: call.session }, call.now),
}

function start(
  exchange: Exchange,
  { previous, next }: { readonly previous: Conference | null; readonly next: Conference },
  now: Now,
): void {
  if (isOver(next)) return
  for (const member of next.members) {
    const { timer } = member.dialog
    if (timer === null || !isPresent(member)) continue
    const leg = legOf(member)
    const before = previous?.members.find((one) => legOf(one) === leg)?.dialog.timer
    if (before?.atMs === timer.atMs) continue
    // The wall clocks of the nodes may differ; the wait is never longer than a whole one.
    const dueMs = timerDueMs(timer)
    const passedMs = Math.min(Math.max(now.wallMs - timer.atMs, 0), dueMs)
    const { sessionId } = next
    const clock = { sessionId, timer: 'service', service: name, leg } as const
    exchange.timers.start(clock, now.monotonicMs + dueMs - passedMs)
  }
}

/** Time to refresh, or nobody has. */
function onDue(call: Call, leg: Leg): void {
  const { timer } = call.dialog(leg)
  if (timer === null || isOver(call.session) || !isPresent(call.member(leg))) return
  const isLate = call.now.wallMs - timer.atMs >= timer.intervalS * 1_000 - lateMs
  if (timer.refresher === 'them' || isLate) {
    expire(call, leg)
    return
  }
  // One that is under way refreshes as well, or this one follows it.
  if (isFree(call, leg)) call.invite(leg, call.dialog(leg).localSdp)
  const { sessionId, now } = call
  const clock = { sessionId, timer: 'service', service: name, leg } as const
  call.exchange.timers.start(clock, now.monotonicMs + againMs)
}

/** A refresh that could not be sent, or has no answer, is tried again; so close to the end, no more. */
const againMs = 34_000
const lateMs = 10_000

function isFree(call: Call, leg: Leg): boolean {
  const { pendingClient, pendingServer } = call.dialog(leg)
  // After a glare it comes again by itself.
  if (pendingClient !== null || call.member(leg).glare !== null) return false
  if (pendingServer === null || pendingServer.method !== 'INVITE') return true
  return pendingServer.final !== null && !isSuccess(pendingServer.final)
}

function expire(call: Call, leg: Leg): void {
  call.log('warn', 'a session is over because nobody has refreshed it', { leg })
  const headers = [{ name: 'Reason', value: 'SIP;cause=408;text="Session Expired"' }]
  if (call.session.focus !== null) {
    leave(call, leg, { status: 408, headers })
    return
  }
  endCall(call, { by: 'switch', status: 408, headers })
}
