//! Every INVITE of a known caller leaves a call record (S1.138): one that was refused becomes a session
//! that is over, so that both nodes have it before the refusal leaves, and repeat the refusal.
import type { Conference } from '../../tables/wired-conference.ts'
import { callRecordOf, newHistory, withHistory, withReason } from '../call-record.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect } from '../effects.ts'
import { callerFrom, trunkOfRequest } from '../trunk/places.ts'
import type { Xip } from '../xip/xip.ts'
import { Call } from './call.ts'
import type { Invitation } from './caller.ts'
import type { Exchange } from './exchange.ts'
import { memberOfInvite } from './member.ts'
import type { CallerNames, SessionNames } from './names.ts'
import { linger } from './release.ts'
import { newSession } from './setup-terminal.ts'

interface Handled {
  readonly invitation: Invitation
  readonly names: SessionNames
  /** Null: it could not be read as a call. */
  readonly xip: Xip | null
}

/** Statuses after which the same call is tried again as it was asked for (RFC 3261 22.2, RFC 4028 6): that
 * one has the record. */
const askedAgain = [401, 407, 422]

/** @param effects what became of the INVITE; no session of it yet when it was refused */
export function recorded(
  exchange: Exchange,
  handled: Handled,
  effects: CoreEffect[],
): CoreEffect[] {
  const { sessionId } = handled.names
  const called = handled.invitation.request.uri.user ?? ''
  const session = exchange.sessions.get(sessionId)
  if (session !== undefined) {
    if (session.history?.called !== called) {
      const history = session.history ?? newHistory(called)
      exchange.sessions.save({ ...session, history: { ...history, called } })
    }
    return effects
  }
  const refusal = effects.find((effect) => effect.kind === 'send' && statusOf(effect) >= 300)
  if (refusal?.kind !== 'send' || askedAgain.includes(statusOf(refusal))) return effects
  const text = refusal.outgoing.text
  const refused = refusedSession(exchange, withTrunk(exchange, handled), text)
  if (refused === null || !exchange.sessions.save(refused)) return effects
  const { invitation } = handled
  linger(new Call(exchange, refused, invitation.now))
  const record = callRecordOf(refused)
  const others = effects.filter((effect) => effect !== refusal)
  const told: CoreEffect = { ...refusal, session: sessionId, afterReplication: true }
  return record === null ? [...others, told] : [...others, { kind: 'call-record', record }, told]
}

/** A call from another system was refused before or after the trunk that it came over was known. */
function withTrunk({ plan, options }: Exchange, handled: Handled): Handled {
  const { invitation } = handled
  const { tables } = options
  const trunk = trunkOfRequest(invitation, { plan, tables }, invitation.now.wallMs)
  if (trunk === null) return handled
  const user = callerFrom(trunk, invitation.request.from.uri.user ?? '', tables)
  return { ...handled, invitation: { ...invitation, caller: { user, trunk: trunk.name } } }
}

function statusOf({ outgoing }: CoreEffect & { kind: 'send' }): number {
  return outgoing.text.startsWith('SIP/2.0 ') ? Number(outgoing.text.slice(8, 11)) : 0
}

/** @param text the final answer that leaves
 * @returns null when there is nothing that a record could name. */
function refusedSession(
  exchange: Exchange,
  { invitation, names, xip }: Handled,
  text: string,
): Conference | null {
  const { request, source, now } = invitation
  const { sessionId } = names
  const callerNames: CallerNames = names
  const place = { sessionId, leg: 'a', localPort: 1 }
  const member = memberOfInvite(exchange, invitation, { ...place, names: callerNames })
  const pending = pendingServerOf(request, source)
  if (member === null || pending === null) return null
  const dialog = { ...member.dialog, pendingServer: { ...pending, final: text } }
  const session: Conference = {
    ...newSession(xip ?? unreadable(invitation, sessionId), { conferenceId: 0, now }),
    state: 'released',
    ended: { atMs: now.wallMs, status: Number(text.slice(8, 11)), by: 'switch' },
    history: newHistory(request.uri.user ?? ''),
    members: [{ ...member, state: 'released', dialog }],
  }
  return withHistory(withReason(session, reasonIn(text)), now.wallMs)
}

/** What is known of an INVITE that is no call. */
function unreadable({ request, source }: Invitation, sessionId: string): Xip {
  return {
    sessionId,
    sourceUser: request.from.uri.user ?? '',
    sourceEnd: source,
    destinationUser: request.uri.user ?? '',
    destinationEnd: null,
    subject: '',
    priority: 'normal',
    callType: 'da-ida',
    wg67Versions: [],
    urge: null,
    diversions: [],
    received: null,
    media: null,
  }
}

function reasonIn(text: string): string {
  const line = text.split('\r\n').find((one) => one.startsWith('Reason: '))
  return line?.slice('Reason: '.length) ?? ''
}
