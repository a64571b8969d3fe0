//! What pair tells switch about itself, ten times a second and at each change.
import type { BusMessageOf, DecisionRecord } from '../bus/messages.ts'
import { changesMsAgo, isHeld } from './damping.ts'
import { lastHeardAt, linkState, lossPercent } from './links.ts'
import type { PairClock } from './pair-clock.ts'
import { isPaused } from './pause.ts'
import type { PairState } from './state.ts'
import { isAlone, isMediaProven, isPeerReady, isSwitchProven, linkView, peerProof } from './turn.ts'

interface StatusFacts {
  readonly bootId: string
  readonly clock: PairClock
  readonly realtime: boolean
  /** The newest last. */
  readonly decisions: readonly DecisionRecord[]
}

export function pairStatus(
  state: PairState,
  facts: StatusFacts,
  now: number,
): BusMessageOf<'pair-status'> {
  const at = linkView(state, now)
  const heard = state.peer !== null && !state.peerLost
  const links = state.links.map((link, index) => ({
    name: link.name,
    own: state.options.links[index]?.own ?? '',
    peer: state.options.links[index]?.peer ?? '',
    state: linkState(link, at),
    heardMsAgo: link.heardAt === null ? null : now - link.heardAt,
    rttMs: link.rttMs,
    lost: link.lost,
    lossPercent: lossPercent(link, now, state.options.heartbeatMs),
    heardByPeer: linkState(link, at) === 'up' && heard ? link.deafFrom === null : null,
  }))
  const alarms = state.alarms.map(({ code, subject, detail }) => ({ code, subject, detail }))
  if (!facts.realtime) {
    alarms.push({ code: 'no-realtime', subject: 'pair', detail: 'pair runs with normal priority' })
  }
  return {
    kind: 'pair-status',
    role: state.role,
    alone: isAlone(state),
    term: state.term,
    bootId: facts.bootId,
    sinceMs: state.since,
    links,
    own: ownStatus(state, now),
    peer: peerStatus(state, now),
    clockOffsetMs: facts.clock.offsetMs,
    clockSkewMs: facts.clock.skewMs,
    realtime: facts.realtime,
    paused: isPaused(state),
    held: isHeld(state, now),
    decisions: [...facts.decisions],
    alarms,
  }
}

function ownStatus(state: PairState, now: number): BusMessageOf<'pair-status'>['own'] {
  const { sessions, syncPending, inStep } = state.own
  return {
    switchAlive: isSwitchProven(state, now),
    mediaAlive: isMediaProven(state, now),
    sessions,
    syncPending,
    inStep,
    stoodIn: state.stoodIn,
    changesMsAgo: changesMsAgo(state.changes, now),
  }
}

/** Null when the peer is lost: unknown, never the last known role. */
function peerStatus(state: PairState, now: number): BusMessageOf<'pair-status'>['peer'] {
  const { peer } = state
  const last = lastHeardAt(state.links)
  if (peer === null || state.peerLost || last === null) return null
  const proof = peerProof(state, now)
  return {
    node: peer.node,
    role: peer.role,
    term: peer.term,
    heardMsAgo: now - last,
    sessions: peer.sessions,
    inStep: peer.inStep,
    ready: isPeerReady(state, now),
    switchAlive: proof.switch,
    mediaAlive: proof.media,
    held: peer.held,
    stoodIn: peer.stoodIn,
  }
}
