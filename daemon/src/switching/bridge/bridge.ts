//! The conference bridge as one record (S1.17, S1.39): a view over the session and media tables.
//! Every call is a bridge; it exists as long as it has a media member.
import type { Conference, Member } from '../../tables/wired-conference.ts'
import type { Direction, WiredMedia } from '../../tables/wired-media.ts'
import type { CoreTables } from '../core-types.ts'
import { endLeg } from './leg-changes.ts'

interface BridgeMember {
  readonly user: string
  readonly mediaId: string
  /** Media port number on the service address. */
  readonly localPort: number
  /** Routing address: where the mix of this member goes. */
  readonly address: string
  readonly port: number
  readonly codec: string
  readonly direction: Direction
}

interface Bridge {
  readonly conferenceId: number
  readonly sessionId: string
  readonly members: readonly BridgeMember[]
}

/** Null when the session has no bridge: it rings, or it is over. */
function bridgeOf(tables: CoreTables, session: Conference): Bridge | null {
  const members = session.members.flatMap((member): BridgeMember[] => {
    const leg = tables.wiredMedia.get(member.mediaId)
    return leg === undefined ? [] : [bridgeMember(member.user, leg)]
  })
  if (members.length === 0) return null
  return { conferenceId: session.conferenceId, sessionId: session.sessionId, members }
}

export function bridges(tables: CoreTables): Bridge[] {
  return [...tables.wiredConference.values()].flatMap((session) => bridgeOf(tables, session) ?? [])
}

/** Takes one member out, while the others go on: from a tick on, for both nodes at once. Its record goes
 * a moment later (`EndingLegs`). @returns false when it has no leg. */
export function takeOut(tables: CoreTables, { mediaId }: Member, tick: number): boolean {
  const leg = tables.wiredMedia.get(mediaId)
  return leg !== undefined && tables.wiredMedia.put(endLeg(leg, tick)).ok
}

/** Takes every member out; the media units end the bridge with the last one. */
export function dissolve(tables: CoreTables, session: Conference): void {
  for (const member of session.members) tables.wiredMedia.delete(member.mediaId)
}

function bridgeMember(user: string, leg: WiredMedia): BridgeMember {
  return {
    user,
    mediaId: leg.mediaId,
    localPort: leg.localPort,
    address: leg.terminalAddress,
    port: leg.remotePort,
    codec: leg.codec,
    direction: leg.direction,
  }
}
