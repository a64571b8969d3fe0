//! The primary: serves until it hands over, can no longer serve, or loses against another primary.

import { limits } from '../limits.ts'
import { deafFrom } from './links.ts'
import { isPaused } from './pause.ts'
import { decideEqual } from './rule.ts'
import type { Said } from './state.ts'
import { command, handedOver, isOffering, refused } from './switchover.ts'
import {
  adoptTerm,
  become,
  change,
  isPeerReady,
  isReady,
  isSwitchProven,
  lostMs,
  record,
  sendExtra,
  type Turn,
} from './turn.ts'

/** The view of the peer is already up to date. */
export function heardPrimary(turn: Turn, { kind, ageMsMax }: Said): void {
  switch (kind) {
    case 'take':
    case 'take-forced': {
      // Asked again each period until it is done.
      if (turn.state.operation !== null) return
      const force = kind === 'take-forced'
      command(turn, { ref: 0, force, reason: 'asked for at the standby', forPeer: true })
      return
    }
    case 'refused': {
      refused(turn)
      return
    }
    case 'handover': {
      // The old primary has not heard yet that this node took over.
      turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
      return
    }
    case 'goodbye':
    case 'heartbeat':
      if (turn.state.peer?.role === 'primary') meetPrimary(turn)
      else meetStandby(turn, ageMsMax)
  }
}

/** S1.68: two primaries. One of them ends it as soon as they hear each other. */
function meetPrimary(turn: Turn): void {
  const { state, now } = turn
  const { peer, offer } = state
  if (peer === null) return
  if (offer !== null && peer.term > offer.term) {
    handedOver(turn)
    return
  }
  const deaf = deafFrom(state.links)
  if (deaf !== null && now - deaf >= lostMs(state.options) && isPeerReady(state, now)) {
    // The peer cannot know of this node, so that only this one can end it.
    become(turn, 'standby', {
      rule: 'one-way',
      because: `both were primary, and ${peer.node} does not hear this node on any link`,
      alternatives: ['stay primary: two nodes would serve'],
    })
    return
  }
  if (state.grantedBy === peer.bootId && peer.term < state.term) return
  const verdict = decideEqual(state, now)
  if (!verdict.own) {
    become(turn, 'standby', {
      rule: verdict.rule,
      because: `both were primary; ${verdict.because}`,
      alternatives: ['stay primary: two nodes would serve'],
      merge: 'give',
    })
    return
  }
  if (peer.term >= state.term) adoptTerm(turn, peer.term + 1)
  if (state.conflict) return
  change(turn, { conflict: true })
  turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
  const because = `both were primary; ${verdict.because}`
  record(turn, 'primary', { rule: verdict.rule, because, alternatives: ['become standby'] })
}

function meetStandby(turn: Turn, ageMsMax: number): void {
  const { peer, term, offer } = turn.state
  // A standby that was one before the offer ended may have taken it since.
  const isOver = offer !== null && turn.now - ageMsMax >= offer.endsAt
  change(turn, { conflict: false, stoodIn: false, offer: isOver ? null : offer })
  if (peer !== null && peer.term > term) {
    // The kept term was lost with a disk. Nobody obeys an older term, so take a newer one.
    adoptTerm(turn, peer.term + 1)
    turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
  }
  if (isOffering(turn)) sendExtra(turn, 'handover', limits.offerAskMs)
  serve(turn)
}

/** At every check and whenever a unit of this node dies. Alone, the primary keeps its role while its
 * unit is started again: nobody else could serve. A peer that has not every record would lose the
 * calls that this node still has, so the unit gets a moment to come back. */
export function serve(turn: Turn): void {
  const { state, now } = turn
  if (isReady(state, now)) {
    if (state.unfitFrom !== null) change(turn, { unfitFrom: null })
    return
  }
  const unfitFrom = state.unfitFrom ?? now
  if (state.unfitFrom === null) change(turn, { unfitFrom })
  if (state.stopped || isPaused(state) || !isPeerReady(state, now)) return
  if (state.peer?.role === 'primary') return
  if (state.peer?.inStep === false && now - unfitFrom < limits.coldPeerMsMax) return
  const dead = state.own.died.join(' and ') || 'a unit that stands still'
  const speaks = isSwitchProven(state, now) && !state.own.died.includes('switch')
  const send = { kind: 'send', heartbeat: 'goodbye' } as const
  turn.effects.push(speaks ? { ...send, afterSwitch: true } : send)
  become(turn, 'starting', {
    rule: 'own-unit-dead',
    because: `${dead} cannot serve here, and ${state.peer?.node ?? 'the peer'} is ready`,
    alternatives: ['stay primary until the unit is back: calls would stand still'],
  })
}
