//! A re-INVITE of ours that met one of the terminal's is refused with 491, and sent again after a while (RFC
//! 3261 14.1). What is to be sent again, and when, is in the record of the member.
import { limits } from '../../limits.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import type { Call } from './call.ts'
import type { Failed } from './events.ts'

function clockOf(call: Call, leg: Leg) {
  return { sessionId: call.sessionId, timer: 'service', service: 'glare', leg } as const
}

/** Who owns the Call-ID waits 2.1 to 4 s, the other one up to 2 s, both in steps of 10 ms: they hardly meet
 * again. */
function waitMs(isOwner: boolean, random: number): number {
  return isOwner ? 2_100 + 10 * (random % 191) : 10 * (random % 201)
}

/** @returns true: it will be sent again. */
export function triesAgain(call: Call, { leg, status }: Pick<Failed, 'leg' | 'status'>): boolean {
  if (status !== 491) return false
  const { glare, side } = call.member(leg)
  const tries = (glare?.tries ?? 0) + 1
  if (tries > limits.glareTriesMax) {
    call.changeMember(leg, { glare: null })
    return false
  }
  const ms = waitMs(side === 'callee', call.exchange.options.random32())
  call.changeMember(leg, { glare: { tries, atMs: call.now.wallMs + ms }, isToAlign: null })
  call.exchange.timers.start(clockOf(call, leg), call.now.monotonicMs + ms)
  return true
}

/** After a take-over. */
export function watchGlare(call: Call, leg: Leg): void {
  const { glare } = call.member(leg)
  if (glare === null) return
  // The wall clocks of the nodes may differ; the wait is never longer than the longest.
  const ms = Math.min(Math.max(glare.atMs - call.now.wallMs, 0), 4_000)
  call.exchange.timers.start(clockOf(call, leg), call.now.monotonicMs + ms)
}

/** The terminal has taken one: the next glare is a new one. */
export function settleGlare(call: Call, leg: Leg): void {
  if (call.member(leg).glare === null) return
  call.changeMember(leg, { glare: null })
  call.exchange.timers.stop(clockOf(call, leg))
}
