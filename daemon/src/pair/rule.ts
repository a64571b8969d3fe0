//! The agreed rule for two nodes of equal role (S1.68), in this order. A node that cannot serve is no
//! candidate; while the role is held, who stood in gives it back; then more live sessions, then the higher term, and last what the site chose (`tie-break.ts`).
//! Both nodes compute it from the same values and come to opposite results.
import { isHeld } from './damping.ts'
import type { PairState } from './state.ts'
import { breakTie } from './tie-break.ts'
import { isPeerReady, isReady } from './turn.ts'

interface Verdict {
  readonly own: boolean
  readonly rule:
    | 'only-one-ready'
    | 'role-held'
    | 'live-sessions'
    | 'higher-term'
    | 'address'
    | 'name'
  readonly because: string
}

/** @param state with a peer that was heard. */
export function decideEqual(state: PairState, now: number): Verdict {
  const { peer } = state
  const ownReady = isReady(state, now)
  if (peer === null || ownReady !== isPeerReady(state, now)) {
    const because = ownReady ? 'the peer cannot serve' : 'this node cannot serve'
    return { own: ownReady, rule: 'only-one-ready', because }
  }
  const both = state.role === 'primary' && peer.role === 'primary'
  if (both && isHeld(state, now) && state.stoodIn !== peer.stoodIn) {
    const stoodIn = state.stoodIn ? 'this node' : peer.node
    const because = `the role is held where it was, and ${stoodIn} only stood in`
    return { own: peer.stoodIn, rule: 'role-held', because }
  }
  const sessions = state.own.sessions - peer.sessions
  if (sessions !== 0) {
    const because = `${state.own.sessions} live sessions here, ${peer.sessions} there`
    return { own: sessions > 0, rule: 'live-sessions', because }
  }
  if (state.term !== peer.term) {
    const because = `term ${state.term} here, ${peer.term} there`
    return { own: state.term > peer.term, rule: 'higher-term', because }
  }
  return breakTie(state)
}
