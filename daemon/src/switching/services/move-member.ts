//! A member that goes from one session to another, with its dialog, its port and its voice: no SIP, and no
//! lost packet. The session that it leaves ends.
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import type { SipHeader } from '../../wire/sip/message.ts'
import { changeLeg } from '../bridge/leg-changes.ts'
import type { Call } from '../wired/call.ts'
import { withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { nextLeg } from '../wired/member.ts'
import { endCall } from '../wired/release.ts'
import { isOver, type LegName } from '../wired/sessions.ts'

/** @param from a member of another session.
 * @returns its name in this one. */
export function moveMember(call: Call, from: LegName): Leg | null {
  const leg = takeMember(call, from)
  if (leg === null) return null
  call.exchange.followUps.push((now) =>
    withSession(call.exchange, { sessionId: from.sessionId, now }, (left) =>
      leaveTogether(left, [from.leg]),
    ),
  )
  return leg
}

/** As `moveMember`; the session that it leaves is the caller's to end, by `leaveTogether`. */
export function takeMember(call: Call, from: LegName): Leg | null {
  const { exchange, session, sessionId } = call
  const former = exchange.sessions.memberOf(from)
  if (former === undefined) return null
  const { leg, legCount } = nextLeg(exchange, session)
  const member = { ...former, leg, movedFrom: from.sessionId }
  exchange.resources.movePort(member.localPort, sessionId)
  exchange.links.move(from, { sessionId, leg })
  call.change({ members: [...session.members, member], legCount })
  moveVoice(call, member.mediaId)
  return leg
}

/** Both nodes know the tick of the change in time. */
function moveVoice({ exchange, session, sessionId, now }: Call, mediaId: string): void {
  const { wiredMedia } = exchange.options.tables
  const record = wiredMedia.get(mediaId)
  if (record === undefined) return
  const { conferenceId } = session
  wiredMedia.put(changeLeg(record, { sessionId, conferenceId }, now.tick))
}

/** These have moved; the others of the session have nobody to talk to any more. */
export function leaveTogether(
  call: Call,
  gone: readonly Leg[],
  headers: readonly SipHeader[] = [],
): void {
  const members = call.session.members.filter((member) => !gone.includes(legOf(member)))
  call.change({ members })
  const status = call.session.answeredAtMs === null ? 487 : 200
  if (!isOver(call.session)) endCall(call, { by: 'switch', status, headers })
}

/** A take-over between the records of a move: the member is in both sessions, and belongs to the newer
 * one. No transaction is restored yet. */
export function tidyMoved(exchange: Exchange): void {
  for (const session of exchange.sessions.values()) {
    if (isOver(session)) continue
    for (const { movedFrom, dialog, localPort } of session.members) {
      const former = movedFrom === null ? undefined : exchange.sessions.get(movedFrom)
      if (former === undefined || isOver(former)) continue
      const { callId, localTag } = dialog
      const members = former.members.filter(
        (one) => one.dialog.callId !== callId || one.dialog.localTag !== localTag,
      )
      if (members.length === former.members.length) continue
      exchange.sessions.save({ ...former, members })
      exchange.sessions.save(session)
      exchange.resources.movePort(localPort, session.sessionId)
      exchange.followUps.push((now) =>
        withSession(exchange, { sessionId: former.sessionId, now }, (left) =>
          leaveTogether(left, []),
        ),
      )
    }
  }
}
