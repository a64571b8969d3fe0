//! What became of the voice of a leg, in the record of its session (ADR 0026).
import type { RtpFigures } from '../../tables/call-record.ts'
import { type Conference, legOf } from '../../tables/wired-conference.ts'
import { withStatistics } from '../call-record.ts'
import type { Sessions } from './sessions.ts'

/** A session that is gone already has its record without them. */
export function noteRtp(
  sessions: Sessions,
  figures: RtpFigures & { readonly mediaId: string },
): void {
  const { mediaId, packetsSent, packetsReceived, packetsLost } = figures
  const { packetsLate, jitterMsMax, farPacketsLost } = figures
  const found = sessionWith(sessions, mediaId)
  if (found === null) return
  const received = { packetsReceived, packetsLost, packetsLate, jitterMsMax }
  sessions.save(
    withStatistics(found.session, found.leg, { packetsSent, ...received, farPacketsLost }),
  )
}

/** A leg keeps its media when it moves to another session, so that its name says only where it began. */
function sessionWith(
  sessions: Sessions,
  mediaId: string,
): { session: Conference; leg: string } | null {
  const first = sessions.get(mediaId.slice(0, mediaId.lastIndexOf('-')))
  for (const session of first === undefined ? sessions.values() : [first, ...sessions.values()]) {
    const member = session.members.find((one) => one.mediaId === mediaId)
    if (member !== undefined) return { session, leg: legOf(member) }
  }
  return null
}
