//! The standby: follows the primary, and serves as soon as nobody else does.
import { limits } from '../limits.ts'
import { isPaused } from './pause.ts'
import { decideEqual } from './rule.ts'
import type { Said } from './state.ts'
import { refused } from './switchover.ts'
import {
  become,
  change,
  isReady,
  peerStalledMs,
  sendExtra,
  sendRefusal,
  type Turn,
} from './turn.ts'

/** The view of the peer is already up to date. */
export function heardStandby(turn: Turn, { kind, ageMsMax }: Said): void {
  switch (kind) {
    case 'handover': {
      if (mayBeUndone(turn, ageMsMax)) sendExtra(turn, 'heartbeat', limits.offerAskMs)
      else if (isReady(turn.state, turn.now)) takeGranted(turn, 'handover')
      else sendRefusal(turn)
      return
    }
    case 'goodbye': {
      const free = !isPaused(turn.state)
      if (free && isReady(turn.state, turn.now)) takeGranted(turn, 'goodbye')
      return
    }
    case 'refused': {
      refused(turn)
      return
    }
    // Only a primary can hand over; a peer that asks a standby finds out by its heartbeat.
    case 'take':
    case 'take-forced':
    case 'heartbeat':
      watch(turn)
  }
}

/** An offer that waited while this process stood still, or crossed the refusal of an earlier one. */
function mayBeUndone({ state, now }: Turn, ageMsMax: number): boolean {
  return ageMsMax > limits.offerAgeMsMax || now - ageMsMax <= state.refusedAt
}

/** Said by the switch of the peer, in whose hands the role is worth nothing without its pair unit: it has
 * stopped serving. Not while records are missing here; the silence of all links decides then. */
export function peerPairDied(turn: Turn, bootId: string): void {
  const { state, now } = turn
  const { peer, own } = state
  const isIt = peer !== null && !state.peerLost && peer.bootId === bootId
  if (state.role !== 'standby' || state.stopped || !isIt || peer.role !== 'primary') return
  if (isPaused(state) || !isReady(state, now) || !own.inStep) return
  takeGranted(turn, 'goodbye', `the pair unit of ${peer.node} died, and its switch says so`)
}

function takeGranted(turn: Turn, rule: 'handover' | 'goodbye', why?: string): void {
  const { peer } = turn.state
  const name = peer?.node ?? 'the peer'
  const because = why ?? (rule === 'handover' ? `${name} hands over` : `${name} said goodbye`)
  const refuse = `refuse: ${name} would stay primary`
  const unused = rule === 'handover' ? refuse : 'stay standby: nobody would serve'
  const grounds = { rule, because, alternatives: [unused] }
  become(turn, 'primary', rule === 'handover' ? { ...grounds, peerSends: true } : grounds)
  change(turn, { grantedBy: peer?.bootId ?? null })
}

/** At every heartbeat, every check, and whenever a unit of this node becomes ready. */
export function watch(turn: Turn): void {
  const { state, now } = turn
  const { peer } = state
  if (state.stopped || !isReady(state, now)) return
  const isHeard = peer !== null && !state.peerLost
  if (isPaused(state) && !(isHeard && peer.role === 'standby')) return
  if (peer === null || state.peerLost) {
    take(turn, 'peer-silent', 'the peer is not heard on any link')
    change(turn, { stoodIn: true })
    return
  }
  switch (peer.role) {
    case 'primary': {
      const silentMs = now - Math.min(peer.switch.advancedAt, peer.media.advancedAt)
      if (silentMs < peerStalledMs(state.options)) return
      take(
        turn,
        'peer-unit-dead',
        `a unit of ${peer.node} stands still for ${Math.round(silentMs)} ms`,
      )
      return
    }
    case 'starting': {
      take(turn, 'peer-has-no-role', `${peer.node} does not serve`)
      return
    }
    case 'standby': {
      const verdict = decideEqual(state, now)
      if (verdict.own) take(turn, verdict.rule, verdict.because)
    }
  }
}

function take(turn: Turn, rule: string, because: string): void {
  become(turn, 'primary', { rule, because, alternatives: ['stay standby: nobody would serve'] })
}
