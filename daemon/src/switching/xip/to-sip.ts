//! XIP to SIP (S1.22, S1.46): the ED-137 part of requests and responses, from the session record, which
//! keeps the XIP of its INVITE.
import type { Conference } from '../../tables/wired-conference.ts'
import type { SipHeader } from '../../wire/sip/message.ts'
import { type ResponseExtras, reasonPhrase } from '../../wire/sip/write.ts'
import { versionsFor } from './ed137.ts'
import { type CallType, callTypes, type Xip, type XipRefusal } from './xip.ts'

/** The fields of a session record that hold its XIP. */
type XipRecord = Pick<
  Conference,
  'callType' | 'subject' | 'priority' | 'wg67Version' | 'diversions' | 'received'
>

export function xipRecord(xip: Xip): XipRecord {
  return {
    callType: xip.callType,
    subject: xip.subject,
    priority: xip.priority,
    wg67Version: xip.wg67Versions.join(', '),
    diversions: xip.diversions.length === 0 ? null : [...xip.diversions],
    received: xip.received,
  }
}

/** The versions that the caller named; empty for an ordinary telephone. */
export function offeredVersions(session: XipRecord): string[] {
  return session.wg67Version === '' ? [] : session.wg67Version.split(', ')
}

export function callTypeOfRecord(session: Pick<XipRecord, 'callType'>): CallType {
  return callTypes.find((known) => known === session.callType) ?? 'da-ida'
}

/** What a request to either side says of the session. A caller without ED-137 headers makes a DA/IDA
 * call of normal priority, and we name the versions that we speak. */
export function sessionHeaders(session: XipRecord): {
  versions: readonly string[]
  subject: string
  callType: CallType
  priority: string
} {
  const offered = offeredVersions(session)
  const callType = callTypeOfRecord(session)
  return {
    versions: offered.length > 0 ? offered : [...versionsFor(callType)].reverse(),
    subject: session.subject,
    callType,
    priority: session.priority,
  }
}

/** A refusal as the parts of its response. */
export function refusalExtras(refusal: XipRefusal): ResponseExtras {
  const headers: SipHeader[] =
    refusal.reason === null ? [] : [{ name: 'Reason', value: refusal.reason }]
  return { reason: reasonPhrase(refusal.status), headers }
}
