//! The call types of ED-137 volume 2 beside DA/IDA: instantaneous access and monitoring (sheet 5.4, 5.5).
//! The terminal answers them by itself; the switch sees to rights and resources, which are not those of
//! the telephone line: a controller is heard on his speaker although he talks to somebody else. They go to and
//! come from other systems, too.
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import type { CoreEffect } from '../effects.ts'
import { type Destination, destinationOf } from '../numbering.ts'
import { callTrunk } from '../trunk/outgoing.ts'
import { withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { lineState } from '../wired/line.ts'
import { refuse } from '../wired/refuse.ts'
import { endCall } from '../wired/release.ts'
import { isPresent } from '../wired/sessions.ts'
import { directoryOf, dispatch, type SetUp } from '../wired/setup.ts'
import { openSession } from '../wired/setup-terminal.ts'
import { causes } from '../xip/causes.ts'
import type { Service } from './service.ts'

export const callTypeService: Service = { name: 'call-types', invited }

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  if (xip.callType === 'da-ida') return byDialling(work)
  const destination = destinationOf(xip.destinationUser, directoryOf(exchange))
  // Groups and conferences have telephone calls only.
  if (destination.kind !== 'terminal' && destination.kind !== 'trunk') {
    return refuse(exchange, invitation, 404)
  }
  return xip.callType === 'ia' ? instantAccess(work, destination) : monitoring(work, destination)
}

/** A key of an ordinary telephone, or its hot line, has nothing but a number to say what it wants. */
function byDialling(work: SetUp): CoreEffect[] | null {
  const { exchange, xip } = work
  const dialled = destinationOf(xip.destinationUser, directoryOf(exchange))
  if (dialled.kind !== 'feature' || dialled.feature !== 'instantAccess') return null
  const call = { callType: 'ia', priority: 'urgent', subject: '' } as const
  return dispatch({ ...work, xip: { ...xip, ...call, destinationUser: dialled.argument } })
}

type Callee = Extract<Destination, { readonly kind: 'terminal' | 'trunk' }>

/** A new one of the same caller takes the place of the old one; one more than the callee can hear is 486. How
 * many somebody outside can hear, the other system knows. */
function instantAccess(work: SetUp, callee: Callee): CoreEffect[] {
  const { exchange, invitation, xip } = work
  const { destinationUser: number, sourceUser } = xip
  const calls = callsTo(exchange, number, ({ callType }) => callType === 'ia')
  const former = calls.filter((session) => callerOf(session) === sourceUser)
  const most = callee.kind === 'trunk' ? null : profileOf(callee.entry).line.instantAccess
  if (most !== null && calls.length - former.length >= most) {
    return refuse(exchange, invitation, 486, { headers: causes.busy })
  }
  const ended = former.flatMap(({ sessionId }) =>
    withSession(exchange, { sessionId, now: invitation.now }, (call) =>
      endCall(call, { by: 'switch', status: 200 }),
    ),
  )
  return [...ended, ...call(work, callee)]
}

/** Both sides must have the right: who listens, and who is heard. Of somebody outside the other system says
 * whether he may be heard. */
function monitoring(work: SetUp, callee: Callee): CoreEffect[] {
  const isOpen = callee.kind === 'trunk' || profileOf(callee.entry).rights.beMonitored
  if (!isOpen || !mayMonitor(work)) return refuse(work.exchange, work.invitation, 403)
  return call(work, callee)
}

/** Who calls from another system has the right of the trunk that he comes over. */
function mayMonitor({ exchange, invitation, xip }: SetUp): boolean {
  const { caller } = invitation
  if (caller !== undefined) {
    return exchange.plan.trunks.some(({ name, monitor }) => monitor && name === caller.trunk)
  }
  const entry = exchange.options.tables.phoneBook.get(xip.sourceUser)
  return entry !== undefined && profileOf(entry).rights.monitor
}

function call(work: SetUp, callee: Callee): CoreEffect[] {
  return callee.kind === 'trunk' ? callTrunk(work, callee) : callAccount(work, callee.entry)
}

function callAccount(work: SetUp, entry: PhoneBookEntry): CoreEffect[] {
  const { exchange, invitation, xip } = work
  if (entry.number === xip.sourceUser) return refuse(exchange, invitation, 486)
  const line = lineState(exchange, entry, invitation.now)
  if (line.kind === 'not-registered') {
    return refuse(exchange, invitation, 480, { headers: causes.notRegistered })
  }
  if (line.kind === 'loop') return refuse(exchange, invitation, 482)
  return openSession(work, line.user)
}

function callsTo(
  exchange: Exchange,
  number: string,
  isWanted: (session: Conference) => boolean,
): Conference[] {
  return exchange.sessions
    .of(number)
    .filter((session) => isWanted(session) && callerOf(session) !== number)
}

function callerOf({ members }: Conference): string | undefined {
  return members.find((member) => member.side === 'caller' && isPresent(member))?.user
}
