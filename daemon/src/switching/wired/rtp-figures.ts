//! What became of the voice of a leg, in the record of its session (ADR 0026).
import type { RtpFigures } from '../../tables/call-record.ts'
import { type Conference, legOf } from '../../tables/wired-conference.ts'
import { withStatistics } from '../call-record.ts'
import type { Sessions } from './sessions.ts'

type LegFigures = RtpFigures & { readonly mediaId: string }

/** A session that is gone already has its record without them. The legs of one session, which mostly end
 * together, are one change of it. */
export function noteRtp(sessions: Sessions, legs: readonly LegFigures[]): void {
  const noted = new Map<string, Conference>()
  for (const leg of legs) {
    const sessionId = sessions.ofMedia(leg.mediaId)
    const session = noted.get(sessionId ?? '') ?? sessions.get(sessionId ?? '')
    const member = session?.members.find(({ mediaId }) => mediaId === leg.mediaId)
    if (session === undefined || member === undefined) continue
    noted.set(session.sessionId, withStatistics(session, legOf(member), figuresOf(leg)))
  }
  for (const session of noted.values()) sessions.save(session)
}

function figuresOf(leg: LegFigures): RtpFigures {
  const { packetsSent, packetsReceived, packetsLost } = leg
  const { packetsLate, jitterMsMax, farPacketsLost } = leg
  const received = { packetsReceived, packetsLost, packetsLate, jitterMsMax }
  return { packetsSent, ...received, farPacketsLost }
}
