//! Sessions as records, for the tests of a merge.
import type { Dialog } from '../../src/tables/dialog.ts'
import type { Conference, Member } from '../../src/tables/wired-conference.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { plainLeg } from '../tables/plain-records.ts'

interface Draft {
  /** Caller and callee. */
  readonly users: readonly [string, string]
  readonly ports: readonly [number, number]
  readonly number: number
  readonly answeredAtMs?: number | null
  readonly startedAtMs?: number
  readonly state?: Conference['state']
  /** CSeq of the caller. */
  readonly callerSeq?: number
}

export function sessionOf(sessionId: string, draft: Draft): Conference {
  const { users, ports, number, callerSeq = 1, state = 'communicating' } = draft
  const answeredAtMs = draft.answeredAtMs === undefined ? 5 : draft.answeredAtMs
  const over = state === 'released'
  const member = (side: Member['side'], index: 0 | 1): Member => ({
    user: users[index],
    side,
    leg: side === 'caller' ? 'a' : 'b',
    state: over ? 'released' : 'talking',
    mediaId: `${sessionId}-${side === 'caller' ? 'a' : 'b'}`,
    localPort: ports[index] + 20_000,
    lastDigit: null,
    seat: null,
    movedFrom: null,
    forks: null,
    refusal: null,
    glare: null,
    isToAlign: null,
    trunk: null,
    dialog: dialog(`${sessionId}-${side}`, side === 'caller' ? callerSeq : null),
  })
  return {
    sessionId,
    type: 'ordinary',
    state: over ? 'released' : state,
    startedAtMs: draft.startedAtMs ?? 1,
    answeredAtMs,
    conferenceId: number,
    callType: 'da-ida',
    subject: '',
    priority: '',
    wg67Version: '',
    ended: over ? { atMs: 9, status: 200, by: 'caller' } : null,
    legCount: null,
    diversions: null,
    received: null,
    queued: null,
    intrusion: null,
    interruption: null,
    history: null,
    focus: null,
    transfer: null,
    attendant: null,
    failure: null,
    callBack: null,
    members: [member('caller', 0), member('callee', 1)],
  }
}

function dialog(callId: string, remoteSeq: number | null): Dialog {
  return {
    callId,
    localTag: 'l',
    remoteTag: 'r',
    localUri: '<sip:a@x>',
    remoteUri: '<sip:b@x>',
    localSeq: 1,
    remoteSeq,
    routeSet: [],
    remoteTarget: 'sip:b@10.0.0.1',
    destination: { address: '10.0.0.1', port: 5060 },
    sdpSession: 1,
    sdpVersion: 1,
    localSdp: '',
    remoteSdp: '',
    timer: null,
    early: null,
    pendingServer: null,
    pendingClient: null,
    relayServer: null,
    relayClient: null,
  }
}

export function dialogOf(member: Member): Dialog {
  return member.dialog
}

export function memberOf(
  session: Conference | undefined,
  side: Member['side'],
): Member | undefined {
  return session?.members.find((member) => member.side === side)
}

export function legOf(session: Conference, side: Member['side']): WiredMedia {
  const member = memberOf(session, side)
  return plainLeg({
    mediaId: member?.mediaId ?? '',
    sessionId: session.sessionId,
    conferenceId: session.conferenceId,
    localPort: member?.localPort ?? 1,
    seq0: 4096,
  })
}
