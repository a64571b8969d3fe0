//! Health of the one to three links between the nodes. A link is up while it delivers heartbeats; what
//! it lost is counted from the sequence numbers. Pure: the time is an argument, in milliseconds of
//! CLOCK_MONOTONIC.
import { limits } from '../limits.ts'

export interface LinkHealth {
  readonly name: string
  /** Null: never heard since the node began to listen. */
  readonly heardAt: number | null
  /** Newest sequence number of the present boot of the peer on this link. */
  readonly sequence: number
  readonly rttMs: number | null
  /** Datagrams of the peer that did not come on this link. */
  readonly lost: number
  /** The newest of them: they may only be late. */
  readonly missing: readonly number[]
  /** The last two stretches of `limits.linkLossMs`, the older one first. */
  readonly counts: readonly LossCount[]
  /** Since when the peer says that it does not hear this node on the link; null: it does, or says
   * nothing. */
  readonly deafFrom: number | null
}

interface LossCount {
  readonly from: number
  readonly heard: number
  readonly lost: number
}

export type LinkState = 'up' | 'down' | 'unknown'

const missingKept = 16

export function newLink(name: string): LinkHealth {
  const nothing = { heardAt: null, sequence: 0, rttMs: null, lost: 0 }
  return { name, ...nothing, missing: [], counts: [], deafFrom: null }
}

/** One valid datagram came on the link. The sender gives each datagram of a period, one a link, its
 * own number, so that a whole step on one link is the number of links. */
export function hearLink(
  link: LinkHealth,
  heard: {
    readonly sequence: number
    readonly links: number
    readonly now: number
    readonly silentMsMax: number
  },
): LinkHealth {
  const { sequence, links, now, silentMsMax } = heard
  const wasSilent = link.heardAt === null || now - link.heardAt >= silentMsMax
  const gap = link.sequence === 0 ? 0 : Math.ceil((sequence - link.sequence - links) / links)
  const lost = Math.max(0, gap)
  const missing = [...link.missing]
  for (let back = Math.min(lost, missingKept); back > 0; back -= 1) {
    missing.push(sequence - back * links)
  }
  return {
    ...link,
    heardAt: now,
    sequence,
    lost: link.lost + lost,
    missing: missing.slice(-missingKept),
    counts: count(link.counts, { heard: 1, lost }, now),
    // What the peer does not hear on a link that does not work is no news.
    deafFrom: wasSilent ? null : link.deafFrom,
  }
}

/** A datagram that is older than the newest of its link; one that was missed is no loss any more. A
 * second copy is nothing. */
export function hearLateOnLink(link: LinkHealth, sequence: number): LinkHealth {
  if (!link.missing.includes(sequence)) return link
  const missing = link.missing.filter((one) => one !== sequence)
  const counts = link.counts.map((one, index) =>
    index === link.counts.length - 1
      ? { ...one, heard: one.heard + 1, lost: Math.max(0, one.lost - 1) }
      : one,
  )
  return { ...link, lost: link.lost - 1, missing, counts }
}

/** The peer began a new boot: its numbers begin again. */
export function meetBootOnLink(link: LinkHealth): LinkHealth {
  return { ...link, sequence: 0, missing: [], deafFrom: null }
}

function count(
  counts: readonly LossCount[],
  more: { readonly heard: number; readonly lost: number },
  now: number,
): readonly LossCount[] {
  const last = counts.at(-1)
  if (last === undefined || now - last.from >= limits.linkLossMs) {
    const old = last !== undefined && now - last.from < 2 * limits.linkLossMs ? [last] : []
    return [...old, { from: now, ...more }]
  }
  const added = { ...last, heard: last.heard + more.heard, lost: last.lost + more.lost }
  return [...counts.slice(0, -1), added]
}

/** Loss of the last stretches in percent, with what is overdue now; null: nothing was due. */
export function lossPercent(link: LinkHealth, now: number, heartbeatMs: number): number | null {
  if (link.heardAt === null) return null
  const overdue = Math.max(0, Math.floor((now - link.heardAt) / heartbeatMs) - 1)
  const fresh = link.counts.filter(({ from }) => now - from < 2 * limits.linkLossMs)
  const heard = fresh.reduce((sum, one) => sum + one.heard, 0)
  const lost = fresh.reduce((sum, one) => sum + one.lost, overdue)
  return heard + lost === 0 ? null : Math.round((1_000 * lost) / (heard + lost)) / 10
}

/** @param linksHeard a bit for each link on which the peer hears this node. */
export function noteHeardByPeer(
  links: readonly LinkHealth[],
  linksHeard: number,
  now: number,
): readonly LinkHealth[] {
  return links.map((link, index) => {
    const hears = (linksHeard & (1 << index)) !== 0
    if (hears) return link.deafFrom === null ? link : { ...link, deafFrom: null }
    return link.deafFrom === null ? { ...link, deafFrom: now } : link
  })
}

/** Since when the peer hears this node on no link at all; null: it hears it, or says nothing. */
export function deafFrom(links: readonly LinkHealth[]): number | null {
  let since: number | null = null
  for (const link of links) {
    if (link.deafFrom === null) return null
    since = Math.max(since ?? link.deafFrom, link.deafFrom)
  }
  return since
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
