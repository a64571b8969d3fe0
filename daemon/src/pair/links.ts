//! Health of the one to three links between the nodes. A link is up while it delivers heartbeats; what
//! it lost is counted from the sequence numbers. Pure: the time is an argument, in milliseconds of
//! CLOCK_MONOTONIC.

export interface LinkHealth {
  readonly name: string
  /** Null: never heard since the node began to listen. */
  readonly heardAt: number | null
  /** Newest sequence number of the present boot of the peer on this link. */
  readonly sequence: number
  readonly rttMs: number | null
  /** Datagrams of the peer that did not come on this link. */
  readonly lost: number
}

export type LinkState = 'up' | 'down' | 'unknown'

export function newLink(name: string): LinkHealth {
  return { name, heardAt: null, sequence: 0, rttMs: null, lost: 0 }
}

/** One valid datagram came on the link. The sender gives each datagram of a period, one a link, its
 * own number, so that a whole step on one link is the number of links. */
export function hearLink(
  link: LinkHealth,
  heard: { readonly sequence: number; readonly links: number; readonly now: number },
): LinkHealth {
  const missing = link.sequence === 0 ? 0 : heard.sequence - link.sequence - heard.links
  const lost = link.lost + Math.max(0, Math.ceil(missing / heard.links))
  return { ...link, heardAt: heard.now, sequence: heard.sequence, lost }
}

/** Silent since `silentMsMax` or longer is down; never heard is unknown while the node is younger than
 * that. */
export function linkState(
  link: LinkHealth,
  at: { readonly now: number; readonly startedAt: number; readonly silentMsMax: number },
): LinkState {
  if (link.heardAt !== null) return at.now - link.heardAt >= at.silentMsMax ? 'down' : 'up'
  return at.now - at.startedAt >= at.silentMsMax ? 'down' : 'unknown'
}

/** When the peer was last heard on any link; null: never. */
export function lastHeardAt(links: readonly LinkHealth[]): number | null {
  let last: number | null = null
  for (const { heardAt } of links) {
    if (heardAt !== null && (last === null || heardAt > last)) last = heardAt
  }
  return last
}
