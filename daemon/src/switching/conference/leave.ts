//! How members leave a conference, and how it ends: with the last one.
import type { Leg, Member } from '../../tables/wired-conference.ts'
import { legOf } from '../../tables/wired-conference.ts'
import type { SipHeader } from '../../wire/sip/message.ts'
import type { Call } from '../wired/call.ts'
import type { OfLeg, OpenedRequest } from '../wired/events.ts'
import { answerBye, awaitsAck, dropMember, endCall } from '../wired/release.ts'
import { isOver } from '../wired/sessions.ts'
import { isConnected, withAway } from './seat.ts'

interface Leaving {
  /** 200: it was in; else why it is not. */
  readonly status: number
  readonly gone?: Leg
  readonly headers?: readonly SipHeader[]
}

/** One member less. Fewer than the conference needs: it ends. */
export function leave(call: Call, leg: Leg, leaving: Leaving): void {
  const { user, side } = call.member(leg)
  dropMember(call, leg, leaving)
  const { focus, members } = call.session
  if (focus !== null) {
    const away = { user, status: leaving.status, atMs: call.now.wallMs }
    call.change({ focus: { ...focus, away: withAway(focus, away) } })
  }
  const connected = members.filter(isConnected).length
  if (connected < (focus?.membersMin ?? 1)) endCall(call, { by: side, status: 200 })
}

/** The same user has come again. */
export function takePlace(call: Call, former: Member): void {
  dropMember(call, legOf(former), { status: 200 })
}

export function onMemberBye(call: Call, opened: OpenedRequest): void {
  const { leg } = opened
  answerBye(call, opened, () => leave(call, leg, { status: 200, gone: leg }))
}

/** 64*T1 without the ACK of our 2xx: RFC 3261 13.3.1.4. */
export function onMemberUnacknowledged(call: Call, { leg }: OfLeg): void {
  if (!awaitsAck(call, leg)) return
  call.close(leg, 'pendingServer')
  if (!isOver(call.session)) leave(call, leg, { status: 408 })
}

export function onConferenceReleased(call: Call): void {
  endCall(call, { by: 'switch', status: 200 })
}
