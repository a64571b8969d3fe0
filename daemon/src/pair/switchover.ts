//! The planned switchover and the forced failover.
//!
//! ```text
//! standby   command -> asking  --take-->          (the primary goes on as below, or says refused)
//! primary   command or take -> flushing --flushed--> handing --handover--> standby becomes primary
//!           heard the new primary: standby, done.   refused, silence, too late: stays primary, told why
//! ```
//!
//! Done or undone within a second, wherever it was asked for: the standby asks for `takeMsMax`, the
//! primary flushes for `flushMsMax`, offers the role for `offerMsMax`, and waits for `handoverMsMax` in all.
//! Undone is: the primary serves on in its term, and its switch lets the held work go on
//! (`operation-result`). What was offered is taken before that, or never: an offer that answers no
//! heartbeat of the last `offerAgeMsMax` may be one that waited in a buffer, and is asked for again.
import { assert } from '../assert.ts'
import { limits } from '../limits.ts'
import { linkState } from './links.ts'
import { isPaused, nobodyServes } from './pause.ts'
import { failoverObstacles, type SafetyView, switchoverSafety } from './safety.ts'
import type { Operation, PairEvent, PairState } from './state.ts'
import { become, change, isPeerReady, isReady, linkView, record, type Turn } from './turn.ts'

type Command = Pick<Operation, 'ref' | 'force' | 'reason' | 'forPeer'>

function safetyView(state: PairState, now: number): SafetyView {
  const { peer } = state
  const heard = peer !== null && !state.peerLost
  const at = linkView(state, now)
  return {
    role: state.role,
    ready: isReady(state, now),
    inStep: state.own.inStep,
    links: state.links.map((link) => ({ name: link.name, state: linkState(link, at) })),
    peer: heard ? { role: peer.role, ready: isPeerReady(state, now), inStep: peer.inStep } : null,
    busy: state.operation !== null,
  }
}

/** A command of this node's operator, or of the peer's (`forPeer`). */
export function command(turn: Turn, order: Command): void {
  const { state, now } = turn
  if (order.force && isPaused(state) && nobodyServes(state, now) && isReady(state, now)) {
    serveAtOnce(turn, order)
    return
  }
  const view = safetyView(state, now)
  const { reasons, warnings } = switchoverSafety(view)
  const obstacles = order.force ? failoverObstacles(view) : reasons
  if (obstacles.length > 0) {
    refuse(turn, order, obstacles.join('; '))
    return
  }
  const warning = warnings.join('; ')
  if (state.role === 'standby') ask(turn, { ...order, warning })
  else flush(turn, { ...order, warning })
}

/** The way out of a pause in which the primary died. */
function serveAtOnce(turn: Turn, { ref, reason }: Command): void {
  if (turn.state.operation !== null) fail(turn, 'a failover came instead')
  const because = reason || 'ordered by the operator, and nobody serves'
  const idle = 'stay paused: nobody would serve'
  become(turn, 'primary', { rule: 'failover', because, alternatives: [idle] })
  const detail = 'this node is primary'
  turn.effects.push({ kind: 'operation-result', ref, ok: true, detail, tookMs: 0 })
}

function refuse(turn: Turn, order: Command, detail: string): void {
  if (order.forPeer) turn.effects.push({ kind: 'send', heartbeat: 'refused' })
  else {
    const { ref } = order
    turn.effects.push({ kind: 'operation-result', ref, ok: false, detail, tookMs: 0 })
  }
  record(turn, turn.state.role, {
    rule: 'switchover-refused',
    because: detail,
    alternatives: order.force ? [] : ['failover, which skips all but the peer being ready'],
  })
}

type Warned = Command & Pick<Operation, 'warning'>

function ask(turn: Turn, order: Warned): void {
  begin(turn, { ...order, stage: 'asking' }, limits.switchoverMsMax)
  sendTake(turn)
}

function sendTake(turn: Turn): void {
  const forced = turn.state.operation?.force === true
  turn.effects.push({ kind: 'send', heartbeat: forced ? 'take-forced' : 'take' })
}

function flush(turn: Turn, order: Warned): void {
  const waitMs = order.force ? limits.flushForcedMsMax : limits.flushMsMax
  begin(turn, { ...order, stage: 'flushing' }, waitMs)
  turn.effects.push({ kind: 'flush', ref: order.ref })
}

function begin(turn: Turn, order: Warned & Pick<Operation, 'stage'>, waitMs: number): void {
  const operation = { ...order, startedAt: turn.now, deadlineAt: turn.now + waitMs }
  change(turn, { operation })
}

/** The switch has nothing more that the peer does not have, or says why it cannot come to that. */
export function flushed(turn: Turn, event: PairEvent & { kind: 'flushed' }): void {
  const { operation } = turn.state
  if (operation?.stage !== 'flushing' || operation.ref !== event.ref) return
  if (event.ok || operation.force) handOver(turn, operation)
  else fail(turn, `replication was not completed: ${event.detail}`)
}

function handOver(turn: Turn, operation: Operation): void {
  const { now } = turn
  const deadlineAt = now + limits.handoverMsMax
  const offer = { term: turn.state.term, endsAt: now + limits.offerMsMax + limits.offerAgeMsMax }
  change(turn, { operation: { ...operation, stage: 'handing', deadlineAt }, offer })
  turn.effects.push({ kind: 'send', heartbeat: 'handover' })
}

/** An offer may be lost, or reach a standby that cannot tell its age until it is said again. */
export function isOffering({ state, now }: Turn): boolean {
  const { operation } = state
  if (operation?.stage !== 'handing') return false
  const offeredAt = operation.deadlineAt - limits.handoverMsMax
  return now - offeredAt <= limits.offerMsMax
}

/** The peer serves in a newer term, after this node had offered it the role. */
export function handedOver(turn: Turn): void {
  become(turn, 'standby', {
    rule: 'handed-over',
    because: turn.state.operation?.reason || 'planned switchover',
    alternatives: ['stay primary: two nodes would serve'],
  })
}

/** The peer cannot do what this node asked it to. */
export function refused(turn: Turn): void {
  const { operation, peer } = turn.state
  if (operation === null || operation.stage === 'flushing') return
  fail(turn, `${peer?.node ?? 'the peer'} refused; \`vccs why --node peer\` there says why`)
}

/** Time limits of an operation, at every check. */
export function checkOperation(turn: Turn): void {
  const { operation } = turn.state
  if (operation === null || turn.state.stopped) return
  if (turn.state.peerLost) fail(turn, 'the peer was lost')
  else if (turn.now >= operation.deadlineAt) expire(turn, operation)
}

function expire(turn: Turn, operation: Operation): void {
  switch (operation.stage) {
    case 'flushing': {
      if (operation.force) handOver(turn, operation)
      else fail(turn, 'replication was not completed in time')
      return
    }
    case 'handing': {
      fail(turn, 'the peer did not take over in time')
      return
    }
    case 'asking':
      fail(turn, 'the primary did not hand over in time')
  }
}

/** Once a period: what may have been lost on the way is said again. */
export function repeatOperation(turn: Turn): void {
  const { operation } = turn.state
  if (isOffering(turn)) turn.effects.push({ kind: 'send', heartbeat: 'handover' })
  // A primary that is asked later than this could end after this node has given up.
  const inTime = operation !== null && turn.now - operation.startedAt <= limits.takeMsMax
  if (inTime && operation.stage === 'asking') sendTake(turn)
}

/** After every turn: an operation ends with the role it wanted, or with another one. */
export function settleOperation(turn: Turn): void {
  const { operation, role } = turn.state
  if (operation === null) return
  const at = operation.stage === 'asking' ? 'standby' : 'primary'
  if (role === at) return
  const wanted = operation.stage === 'asking' ? 'primary' : 'standby'
  if (role !== wanted || operation.stage === 'flushing') {
    fail(turn, `the role became ${role} for another reason`)
    return
  }
  const done = role === 'primary' ? 'this node is primary' : 'the peer is primary'
  const { warning } = operation
  finish(turn, true, warning === '' ? done : `${done}; ${warning}`)
}

export function fail(turn: Turn, detail: string): void {
  const { operation, role } = turn.state
  assert(operation !== null, 'only a running operation fails')
  if (operation.forPeer) turn.effects.push({ kind: 'send', heartbeat: 'refused' })
  finish(turn, false, detail)
  record(turn, role, { rule: 'switchover-failed', because: detail, alternatives: [] })
}

function finish(turn: Turn, ok: boolean, detail: string): void {
  const { operation } = turn.state
  assert(operation !== null, 'only a running operation ends')
  const tookMs = turn.now - operation.startedAt
  turn.effects.push({ kind: 'operation-result', ref: operation.ref, ok, detail, tookMs })
  change(turn, { operation: null })
}
