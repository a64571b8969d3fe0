//! The values of the next heartbeat: what this node says of itself.
import type { Heartbeat } from '../wire/heartbeat-types.ts'
import { isOwnHeld } from './damping.ts'
import { linkState } from './links.ts'
import type { PairState } from './state.ts'
import { isAlone, isReady, linkView } from './turn.ts'

interface BeatFrame {
  readonly kind: Heartbeat['kind']
  readonly link: number
  readonly bootId: string
  readonly sequence: number
  /** Pair time, milliseconds. */
  readonly sentAt: number
  readonly echoSentAt: number
  readonly echoReceivedAt: number
}

export function heartbeatOf(state: PairState, now: number, frame: BeatFrame): Heartbeat {
  const at = linkView(state, now)
  let linksHeard = 0
  for (const [index, link] of state.links.entries()) {
    if (linkState(link, at) === 'up') linksHeard |= 1 << index
  }
  return {
    ...frame,
    node: state.options.node,
    role: state.role,
    alone: isAlone(state),
    term: state.term,
    sessions: state.own.sessions,
    syncPending: state.own.syncPending,
    inStep: state.own.inStep,
    ready: isReady(state, now) && !state.stopped,
    switchCounter: state.own.switch.counter,
    mediaCounter: state.own.media.counter,
    linksHeard,
    held: isOwnHeld(state, now),
    stoodIn: state.stoodIn,
    tieBreak: state.options.tieBreak,
    pauseCount: state.pause.count,
  }
}
