//! What a pair unit says of a healthy pair.
import type { BusMessageOf } from '../../src/bus/messages.ts'

export type PairStatus = BusMessageOf<'pair-status'>

export const healthyPeer = {
  node: 'vccs-b',
  role: 'standby',
  term: 1,
  heardMsAgo: 10,
  sessions: 0,
  inStep: true,
  ready: true,
  switchAlive: true,
  mediaAlive: true,
} as const

export function pairStatus(part: Partial<PairStatus> = {}): PairStatus {
  return {
    kind: 'pair-status',
    role: 'primary',
    alone: false,
    term: 1,
    bootId: '0'.repeat(16),
    sinceMs: 0,
    links: [],
    peer: healthyPeer,
    clockOffsetMs: 0,
    clockSkewMs: null,
    realtime: true,
    paused: false,
    held: false,
    decisions: [],
    alarms: [],
    ...part,
  }
}

/** A link on which the peer is heard. */
export function linkUp(
  end: Pick<PairStatus['links'][number], 'name' | 'own' | 'peer'>,
): PairStatus['links'][number] {
  return {
    ...end,
    state: 'up',
    heardMsAgo: 10,
    rttMs: 0.3,
    lost: 0,
    lossPercent: 0,
    heardByPeer: true,
  }
}
