//! The set-up of a call (S1.43, S1.44): who calls whom and may they; then what the called number is
//! decides who goes on with it.
import { callGroup } from '../conference/group.ts'
import { callConference } from '../conference/open.ts'
import type { CoreEffect } from '../effects.ts'
import { type Destination, type Directory, destinationOf } from '../numbering.ts'
import { withFailureTones } from '../services/failure-tones.ts'
import { callTrunk } from '../trunk/outgoing.ts'
import { xipFromInvite } from '../xip/from-sip.ts'
import { refusalExtras } from '../xip/to-sip.ts'
import type { Xip } from '../xip/xip.ts'
import type { Invitation } from './caller.ts'
import type { Exchange } from './exchange.ts'
import { namesOf, type SessionNames } from './names.ts'
import { recorded } from './recorded.ts'
import { refuse } from './refuse.ts'
import { callTerminal } from './setup-terminal.ts'

/** An INVITE that may be a call. */
export interface SetUp {
  readonly exchange: Exchange
  readonly invitation: Invitation
  readonly xip: Xip
  readonly names: SessionNames
  /** The number is that of a hot line, whatever the caller has dialled. */
  readonly isHotline?: true
}

/** An INVITE outside of dialogs. */
export function setUp(exchange: Exchange, invitation: Invitation): CoreEffect[] {
  const { request, source } = invitation
  const names = namesOf(request, exchange.options.secret)
  // RFC 3261 8.2.2.2: the same request on another way; repetitions end in the transaction layer.
  if (exchange.sessions.leg(request.callId, names.callerTag) !== undefined) {
    return refuse(exchange, invitation, 482)
  }
  const parsed = xipFromInvite(request, names.sessionId, source)
  if (!parsed.ok) {
    const { refusal } = parsed
    const effects: CoreEffect[] = [
      ...refuse(exchange, invitation, refusal.status, refusalExtras(refusal)),
      { kind: 'log', level: 'info', text: refusal.why, fields: { callId: request.callId } },
    ]
    return recorded(exchange, { invitation, names, xip: null }, effects)
  }
  const { xip } = parsed
  const effects = dispatch({ exchange, invitation, xip, names })
  return recorded(exchange, { invitation, names, xip }, effects)
}

/** To the service that takes the call, or to what the called number is. A service that has found
 * another number comes here with it. */
export function dispatch(asked: SetUp): CoreEffect[] {
  const work = withFailureTones(asked)
  const { exchange, xip } = work
  for (const { invited } of exchange.services) {
    const effects = invited?.(work) ?? null
    if (effects !== null) return effects
  }
  return goTo(work, destinationOf(xip.destinationUser, directoryOf(exchange)))
}

/** What numbers mean at this site. */
export function directoryOf({ plan, options }: Exchange): Directory {
  const { phoneBook } = options.tables
  return { plan, phoneBook: (number) => phoneBook.get(number) }
}

function goTo(work: SetUp, destination: Destination): CoreEffect[] {
  const { exchange, invitation } = work
  switch (destination.kind) {
    case 'terminal':
      return callTerminal(work, destination.entry)
    case 'trunk':
      return callTrunk(work, destination)
    case 'refusal':
      return refuse(exchange, invitation, destination.status)
    case 'conference':
      return callConference(work, destination.conference)
    case 'group':
      return callGroup(work, destination.group)
    // No service has taken the number.
    case 'feature':
      return refuse(exchange, invitation, 404)
  }
}
