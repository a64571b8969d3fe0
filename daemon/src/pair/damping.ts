//! Damping: what keeps a fault that comes again and again from moving the role again and again.
//!
//! A node counts the changes of its role that no operator asked for: into primary, and out of it. More
//! than two a minute, and the role is held: the node says so in its heartbeats, both obey, and the
//! alarm `role-held` stands at both until a minute has passed since the last but one. A node that loses a
//! peer which holds the role keeps the alarm meanwhile, for a minute at most.
//!
//! Held can only be what is a choice. Every change falls into one of two kinds:
//!
//! | change | kind | when held |
//! |---|---|---|
//! | a standby hears nobody, a goodbye, or a node that does not serve | without it nobody serves | done |
//! | a primary cannot serve and its peer can | without it nobody serves | done |
//! | a starting node finds that nobody serves | without it nobody serves | done |
//! | two primaries hear each other: one of them steps back | a choice | the role stays where it was |
//! | a primary that its peer cannot hear steps back | ends two primaries | done |
//! | an operator's switchover or failover | asked for | done, and not counted |
//!
//! So a held role never means that nobody serves: nothing that ends in service is put off, not even for
//! a moment. What flaps without need is who of two primaries stays. Links that come and go make the
//! standby stand in each time, as it cannot know that its peer lives (ADR 0001); when they heal, the
//! rule between equals would prefer the newer term, that is, the one that stood in: the role would
//! move at each flap. Held, it stays with the node that had it before: who stood in steps back.
//!
//! A crash loop moves the role once: the node that returns finds a primary and follows it. Only when both
//! nodes crash in turn does each crash move it, since each leaves a dead node behind; the supervisor's
//! growing pause before each new start bounds how often that can be.
import { limits } from '../limits.ts'
import { lastHeardAt } from './links.ts'
import type { PairState } from './state.ts'

/** The counted times with one more, without those that are too old. */
export function noteChange(changes: readonly number[], now: number): readonly number[] {
  return [...recent(changes, now), now]
}

/** What this node says of itself; it must not repeat what the peer says, or a hold would never end. */
export function isOwnHeld(state: PairState, now: number): boolean {
  return recent(state.changes, now).length >= limits.roleChangesMax
}

/** Ages of the counted times that still count. */
export function changesMsAgo(changes: readonly number[], now: number): number[] {
  return recent(changes, now).map((at) => now - at)
}

/** The role of the pair is held. */
export function isHeld(state: PairState, now: number): boolean {
  return isOwnHeld(state, now) || isHeldByPeer(state, now)
}

/** A peer that is lost goes on with its hold; when that ends it can not say. */
function isHeldByPeer({ peer, peerLost, links }: PairState, now: number): boolean {
  if (peer === null || !peer.held) return false
  const last = lastHeardAt(links)
  return !peerLost || (last !== null && now - last < limits.roleChangesMs)
}

function recent(changes: readonly number[], now: number): readonly number[] {
  return changes.filter((at) => now - at < limits.roleChangesMs).slice(-limits.roleChangesMax)
}
