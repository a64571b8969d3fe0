//! Calls over trunks, as a service: those that come in get numbers and rights here; those that go out wait
//! for an answer (`outgoing.ts`).
import type { Conference, Leg } from '../../tables/wired-conference.ts'
import { legOf } from '../../tables/wired-conference.ts'
import { onMemberSilent } from '../conference/outside.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { clearTrunk } from '../services/preempt.ts'
import type { Service } from '../services/service.ts'
import { onTargetSilent } from '../services/transfer.ts'
import type { Exchange } from '../wired/exchange.ts'
import { refuse } from '../wired/refuse.ts'
import { isPresent, isTarget } from '../wired/sessions.ts'
import { directoryOf, dispatch, type SetUp } from '../wired/setup.ts'
import { priorities } from '../xip/xip.ts'
import { translated } from './numbers.ts'
import { onTrunkRefused, onTrunkSilent } from './outgoing.ts'
import { callerFrom, trunkOfRequest } from './places.ts'
import { receivedOver } from './received.ts'

const name = 'trunk'

export const trunkCalls: Service = {
  name,
  invited,
  refused: onTrunkRefused,
  timer: (call, leg) => {
    if (call.session.focus !== null) onMemberSilent(call, leg)
    else if (isTarget(call.session, leg)) onTargetSilent(call, leg)
    else onTrunkSilent(call, leg)
  },
  changed: (exchange, { previous, next }, now) => {
    const sessionId = (next ?? previous)?.sessionId ?? ''
    exchange.trunkLoad.note(sessionId, next)
    if (next !== null) watch(exchange, { previous, next }, now)
    return []
  },
  restore: ({ exchange, session, now }) => {
    exchange.trunkLoad.note(session.sessionId, session)
    watch(exchange, { previous: null, next: session }, now)
  },
}

/** A call from another system: its numbers become those of this site, and it has no rights but those of its
 * trunk. */
function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  const { plan, options } = exchange
  if (invitation.caller !== undefined) return null
  const site = { plan, tables: options.tables }
  const trunk = trunkOfRequest(invitation, site, invitation.now.wallMs)
  if (trunk === null) return null
  const destinationUser = translated(xip.destinationUser, trunk.incoming.called)
  const { kind } = destinationOf(destinationUser, directoryOf(exchange))
  const priority =
    xip.callType === 'da-ida' ? within(xip.priority, trunk.priorityMax) : xip.priority
  const isFull = exchange.trunkLoad.of(trunk.name) >= trunk.capacity
  // The services that are dialled belong to the telephones of this site.
  const isSomebody = kind !== 'feature' && kind !== 'refusal'
  const mayClear = isFull && isSomebody && priority === 'emergency'
  const cleared = mayClear ? clearTrunk(exchange, trunk.name, invitation.now) : null
  if (isFull && cleared === null) {
    return refuse(exchange, invitation, 503, { reason: 'Trunk Full' })
  }
  if (kind === 'feature') return refuse(exchange, invitation, 404)
  const user = callerFrom(trunk, xip.sourceUser, options.tables)
  const received = receivedOver(exchange, trunk, invitation)
  const effects = dispatch({
    ...work,
    invitation: { ...invitation, caller: { user, trunk: trunk.name } },
    xip: { ...xip, sourceUser: user, destinationUser, priority, received },
  })
  return [...(cleared ?? []), ...effects]
}

function within<P extends string>(priority: P, ceiling: string): P {
  const order: readonly string[] = priorities
  const at = Math.max(order.indexOf(priority), order.indexOf(ceiling))
  return (order[at] ?? priority) as P
}

/** Starts the clock of a call that begins to go out. */
function watch(
  exchange: Exchange,
  { previous, next }: { previous: Conference | null; next: Conference },
  now: Now,
): void {
  for (const member of next.members) {
    const { trunk, side, state } = member
    const leg: Leg = legOf(member)
    if (trunk === null || side !== 'callee' || state !== 'calling' || !isPresent(member)) continue
    if (next.state !== 'ringing' && !isTarget(next, leg)) continue
    if (previous?.members.some((one) => legOf(one) === leg)) continue
    const plan = exchange.plan.trunks.find((one) => one.name === trunk.name)
    if (plan === undefined) continue
    const timer = { sessionId: next.sessionId, timer: 'service', service: name, leg } as const
    exchange.timers.start(timer, now.monotonicMs + plan.responseSeconds * 1_000)
  }
}
