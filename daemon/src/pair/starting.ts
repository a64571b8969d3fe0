//! A node without a role: it listens, and serves only when nobody else does (S1.76).
//!
//! The pair unit of a primary that hung, and was ended by its supervisor, may come back beside a peer that
//! began to serve meanwhile and knows nothing of the calls here. The unit that follows knows from its disk that
//! this node served. Before it obeys the peer it hears its switch, which outlived the old unit; when that
//! has sessions that the peer has not, they are given (ADR 0001). A switch that does not speak in
//! `limits.ownSwitchMsMax` died with the old unit, and has nothing.
import { limits } from '../limits.ts'
import type { Heartbeat } from '../wire/heartbeat-types.ts'
import { servesForeign } from './foreign.ts'
import { isPaused } from './pause.ts'
import { decideEqual } from './rule.ts'
import {
  become,
  change,
  hasListened,
  hasMore,
  isPeerReady,
  isReady,
  lostMs,
  sendRefusal,
  type Turn,
} from './turn.ts'

/** The view of the peer is already up to date. */
export function heardStarting(turn: Turn, kind: Heartbeat['kind']): void {
  const { peer, term } = turn.state
  if (kind === 'take' || kind === 'take-forced' || kind === 'handover') {
    sendRefusal(turn)
  }
  // S1.67. A primary of an older term is not obeyed: it takes a newer one when it hears this node.
  if (peer?.role === 'primary' && peer.term >= term) {
    if (awaitsSwitch(turn)) return
    const grounds = {
      rule: 'peer-is-primary',
      because: `${peer.node} is primary in term ${peer.term}`,
      alternatives: ['serve: two nodes would'],
    }
    become(turn, 'standby', hasMore(turn.state) ? { ...grounds, merge: 'give' } : grounds)
    return
  }
  tryToServe(turn)
}

function awaitsSwitch({ state, now }: Turn): boolean {
  return state.inherits === 'unknown' && now - state.listenedFrom < limits.ownSwitchMsMax
}

/** The switch gave a sign of life. The peer hears of its sessions before this node follows. */
export function inherit(turn: Turn): void {
  const { inherits, own } = turn.state
  if (inherits !== 'unknown') return
  const hasSessions = own.sessions > 0 && own.untold
  change(turn, { inherits: hasSessions ? 'sessions' : 'nothing' })
  if (hasSessions) turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
}

/** At every check and whenever a unit of this node becomes ready. */
export function tryToServe(turn: Turn): void {
  const { state, now } = turn
  const { peer } = state
  if (state.stopped || !isReady(state, now)) return
  if (peer === null || state.peerLost) {
    if (!hasListened(state, now) || (isPaused(state) && !state.served)) return
    if (servesForeign(state, now)) return
    serve(turn, 'peer-silent', 'nobody is heard on any link')
    change(turn, { stoodIn: true })
    return
  }
  switch (peer.role) {
    case 'primary': {
      const patienceMs = 2 * lostMs(state.options)
      if (peer.term < state.term && now - state.listenedFrom >= patienceMs) {
        serve(turn, 'older-term', `${peer.node} goes on in the older term ${peer.term}`)
      }
      return
    }
    case 'standby': {
      if (!hasListened(state, now)) return
      if (isPaused(state)) {
        serve(turn, 'paused', `the pair is paused, and ${peer.node} did not have the role`)
        return
      }
      // A standby that is ready takes over as soon as it hears that this node does not serve.
      if (isPeerReady(state, now)) {
        // Unless it does not hear that, or does not know that a pause is over.
        if (now - state.listenedFrom < 2 * lostMs(state.options)) return
        serve(turn, 'peer-waits', `${peer.node} is standby and does not take over`)
        return
      }
      serve(turn, 'only-one-ready', `${peer.node} is standby and cannot serve`)
      return
    }
    case 'starting': {
      if (!isPeerReady(state, now) && !hasListened(state, now)) return
      // While paused, the one that had the role goes first.
      const metMs = now - state.companyFrom
      if (isPaused(state) && !state.served && metMs < 2 * lostMs(state.options)) return
      const verdict = decideEqual(state, now)
      if (verdict.own) serve(turn, verdict.rule, verdict.because)
    }
  }
}

function serve(turn: Turn, rule: string, because: string): void {
  const alternatives = ['stay without a role: nobody would serve']
  become(turn, 'primary', { rule, because, alternatives })
}
