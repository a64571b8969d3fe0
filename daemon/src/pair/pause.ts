//! Maintenance: `vccs pause` ends the automatic changes of role of the whole pair, `vccs resume` allows
//! them again. The role stays at the node where it is, over a restart of its units, of its pair process
//! and of the node itself.
//!
//! | while paused | |
//! |---|---|
//! | the primary dies, is silent, or cannot serve | nobody takes over; the standby raises `nobody-serves` |
//! | the primary's own unit dies | it stays primary; the unit is started again |
//! | the pair process of the primary starts again | it becomes primary again, and only it |
//! | a node starts that did not have the role | it follows, or waits without a role |
//! | two standbys, two starting nodes, two primaries hear each other | the rule between equals decides |
//! | `vccs switchover` | as always |
//! | `vccs failover` | also at a standby whose primary is dead or silent: this ends `nobody-serves` |
//!
//! `served` says at which node the role was: it is kept on disk. A node that has lost its disk knows it
//! from its peer: beside a paused standby the role can only have been here.
import { isNewerPause, isPauseCount, nextPauseCount } from './pause-count.ts'
import type { PairEvent, PairState } from './state.ts'
import { change, hasListened, record, type Turn } from './turn.ts'

export function isPaused(state: PairState): boolean {
  return isPauseCount(state.pause.count)
}

/** The peer, if there is one, does not serve, as far as this node knows. */
export function nobodyServes(state: PairState, now: number): boolean {
  if (state.role === 'primary' || !hasListened(state, now)) return false
  return state.peer === null || state.peerLost || state.peer.role !== 'primary'
}

/** The order of this node's operator. */
export function orderPause(turn: Turn, event: PairEvent & { kind: 'pause' }): void {
  const { ref, on, reason } = event
  const { state } = turn
  const word = on ? 'paused' : 'resumed'
  const finish = (detail: string) =>
    turn.effects.push({ kind: 'operation-result', ref, ok: true, detail, tookMs: 0 })
  if (isPaused(state) === on) {
    finish(on ? 'the pair was paused already' : 'the pair was not paused')
    return
  }
  setPause(turn, nextPauseCount(state.pause.count, on), reason)
  turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
  const because = reason === '' ? 'ordered by the operator' : reason
  record(turn, state.role, { rule: word, because, alternatives: [] })
  const heard = state.peer !== null && !state.peerLost
  finish(heard ? `${word} on both nodes` : `${word} here; the peer follows when it is heard`)
}

/** The peer may have heard of an order first. */
export function hearPause(turn: Turn, count: number): void {
  const { state } = turn
  if (!isNewerPause(count, state.pause.count)) return
  const before = isPaused(state)
  setPause(turn, count, `ordered at ${state.peer?.node ?? 'the peer'}`)
  if (isPaused(turn.state) === before) return
  const rule = before ? 'resumed' : 'paused'
  record(turn, state.role, { rule, because: turn.state.pause.reason, alternatives: [] })
}

function setPause(turn: Turn, count: number, reason: string): void {
  change(turn, { pause: { count, reason } })
  turn.effects.push({ kind: 'persist' })
}
