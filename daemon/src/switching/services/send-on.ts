//! Where a call goes on that has rung already and that somebody has forwarded: to another terminal, to a
//! group, into a conference, or out over a trunk.
import type { Leg } from '../../tables/wired-conference.ts'
import { enterConference, mayEnter } from '../conference/enter.ts'
import { forwardToGroup } from '../conference/group.ts'
import { destinationOf } from '../numbering.ts'
import type { ConferencePlan } from '../plan.ts'
import { calleeOutside } from '../trunk/outgoing.ts'
import type { Call } from '../wired/call.ts'
import { lineState } from '../wired/line.ts'
import { callerOf, leaveOut, redirect } from '../wired/redirect.ts'
import { directoryOf } from '../wired/setup.ts'

interface Onward {
  readonly number: string
  /** With whose rights it goes out. */
  readonly payer: string
  /** Who was called was not heard of. */
  readonly silent: boolean
}

/** @param leg who was called. @returns false when nobody can be called there; nothing is changed then. */
export function sendOn(call: Call, leg: Leg, { number, payer, silent }: Onward): boolean {
  const { exchange, now } = call
  const destination = destinationOf(number, directoryOf(exchange))
  switch (destination.kind) {
    case 'terminal': {
      const line = lineState(exchange, destination.entry, now)
      return line.kind === 'free' && redirect(call, leg, { callee: line.user, silent })
    }
    case 'trunk': {
      const callee = calleeOutside(exchange, destination, { payer, now })
      return typeof callee !== 'number' && redirect(call, leg, { callee, silent })
    }
    case 'group':
      return forwardToGroup(call, leg, { group: destination.group, silent })
    case 'conference':
      return intoConference(call, leg, { plan: destination.conference, silent })
    default:
      return false
  }
}

/** The caller is answered by the conference. */
function intoConference(
  call: Call,
  leg: Leg,
  { plan, silent }: { readonly plan: ConferencePlan; readonly silent: boolean },
): boolean {
  const caller = callerOf(call)
  if (mayEnter(call, call.member(caller).user, plan) !== 0) return false
  leaveOut(call, leg, silent)
  call.respond(caller, 'pendingServer', 181)
  enterConference(call, caller, { conference: plan.number, plan, replaced: null })
  return true
}
