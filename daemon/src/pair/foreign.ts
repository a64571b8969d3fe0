//! A peer whose version cannot be read here (ADR 0019). It lives and may serve, and no more is known of
//! it: a node that starts does not serve beside it.
import type { ForeignHeartbeat } from '../wire/heartbeat.ts'
import { compareAddresses } from './address-order.ts'
import { type Boots, judgeArrival, newBoots } from './boots.ts'
import type { PairEvent, PairState } from './state.ts'
import { change, lostMs, type Turn } from './turn.ts'

export interface ForeignPeer {
  readonly heardAt: number
  readonly version: number
  readonly role: ForeignHeartbeat['role']
  /** So that a recording of it keeps nobody from serving. */
  readonly boots: Boots
}

export function hearForeign(turn: Turn, event: PairEvent & { kind: 'heard-foreign' }): void {
  const { state, now } = turn
  const { bootId, sequence, version, role } = event.value
  const before =
    state.foreign?.boots ?? newBoots(state.links.length, { currentBoot: null, endedBoots: [] })
  const datagram = { bootId, sequence, link: event.link, answers: 0 }
  const known = [state.boots.current, ...state.boots.ended]
  const { boots, arrival } = judgeArrival(before, datagram, false)
  if (arrival === 'replayed' || known.includes(bootId)) {
    change(turn, { dropped: { ...state.dropped, replayed: state.dropped.replayed + 1 } })
    return
  }
  change(turn, { foreign: { heardAt: now, version, role, boots } })
}

/** Such a peer is heard at present. */
export function foreignPeer(state: PairState, now: number): ForeignPeer | null {
  const { foreign } = state
  return foreign !== null && now - foreign.heardAt < lostMs(state.options) ? foreign : null
}

/** It serves, or will: of two that start, both go by the addresses, which need no common language. */
export function servesForeign(state: PairState, now: number): boolean {
  const foreign = foreignPeer(state, now)
  if (foreign === null) return false
  const [first] = state.options.links
  return foreign.role === 'primary' || compareAddresses(first?.own ?? '', first?.peer ?? '') < 0
}
