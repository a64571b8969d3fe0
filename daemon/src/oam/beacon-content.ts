//! What the state beacon says (S2.13), taken from the node's own status. Pure.
import type { StatusResult } from '../control/status-schema.ts'
import type { Beacon } from '../wire/beacon.ts'

interface BeaconIdentity {
  readonly boot: string
  readonly sequence: number
  readonly periodMs: number
  /** The site's own elements, by name. */
  readonly tags: Readonly<Record<string, string>>
}

/** @param status of this node alone. @returns null while it has no role. */
export function beaconOf(status: StatusResult, identity: BeaconIdentity): Beacon | null {
  const self = status.nodes.find(({ asked }) => asked === 'self')
  if (self === undefined || self.role === null || self.term === null) return null
  const { boot, sequence, periodMs, tags } = identity
  const { peerSeen, sync, service } = self
  const peer = status.nodes.find(({ asked }) => asked === 'peer')
  const alarms = { critical: 0, urgent: 0, notUrgent: 0, informative: 0 }
  for (const { severity } of status.alarms) {
    alarms[severity === 'not-urgent' ? 'notUrgent' : severity] += 1
  }
  return {
    site: status.site,
    node: self.name,
    boot,
    sequence,
    sentAt: status.asOf,
    periodMs,
    role: self.role,
    alone: self.alone,
    term: self.term,
    peer:
      peerSeen === null || peer === undefined
        ? null
        : {
            node: peer.name,
            role: peerSeen.role,
            term: peerSeen.term,
            heardMsAgo: peerSeen.heardMsAgo,
          },
    links: self.links.map(({ name, state, heardMsAgo, rttMs }) => {
      return { name, state, heardMsAgo, rttMs }
    }),
    sync: { inStep: sync?.inStep ?? false, pending: sync?.pending ?? 0 },
    service: {
      calls: service?.calls ?? 0,
      usersOnline: service?.usersOnline ?? 0,
      users: service?.users ?? 0,
    },
    alarms,
    extension: Object.entries(tags).map(([name, text]) => {
      return { name, attributes: new Map(), children: text === '' ? [] : [text] }
    }),
  }
}
