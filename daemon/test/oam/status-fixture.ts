//! Inputs of `assembleStatus` for a healthy pair, so that the screens show what the daemon makes.

import type { StatusResult } from '../../src/control/status-schema.ts'
import { assembleStatus, type StatusInputs } from '../../src/oam/status.ts'
import { healthyPeer, linkUp, pairStatus } from '../pair/pair-status.ts'

const wallMs = Date.parse('2026-03-14T12:31:02.118Z')
const monotonicMs = 1_051_315_118

const links = ['net-a', 'net-b', 'private'].map((name, index) => ({
  ...linkUp({
    name,
    own: `192.168.${index + 1}.200`,
    peer: `192.168.${index + 1}.201`,
  }),
  heardMsAgo: 40,
  rttMs: 0.4,
}))

export function pairInputs(): StatusInputs {
  return {
    now: { wallMs, monotonicMs },
    node: {
      name: 'vccs-a',
      site: 'tower',
      version: '0.1.0',
      config: { revision: 142, hash: 'c0ffee' },
      links: links.map(({ name }) => name),
      reach: { mode: 'shared', address: '192.168.1.210', peerAddress: null },
    },
    peerName: 'vccs-b',
    pair: {
      atMs: monotonicMs - 44,
      message: pairStatus({
        term: 17,
        bootId: '0123456789abcdef',
        sinceMs: monotonicMs - 1_051_015_000,
        links,
        peer: { ...healthyPeer, term: 17, heardMsAgo: 40, sessions: 41 },
        clockSkewMs: 0.2,
      }),
    },
    media: {
      atMs: monotonicMs - 300,
      message: {
        kind: 'media-statistics',
        tick: 52_565_755,
        legs: 82,
        conferences: 41,
        backend: 'ffi',
        realtime: true,
        packetsReceived: 1_000_000,
        packetsSent: 1_000_000,
        packetsLate: 3,
        packetsLost: 0,
        packetsRefused: 0,
        ticksLate: 0,
        tickLateMsMax: 0.4,
        workUsMean: 280,
      },
    },
    units: (['switch', 'media', 'pair'] as const).map((unit, index) => ({
      unit,
      state: 'up',
      pid: 4_000 + index,
      sinceWallMs: wallMs - 1_051_016_000,
      restarts: 0,
    })),
    replication: {
      inStep: true,
      pending: 0,
      unacked: 0,
      rttMs: 0.6,
      lastSweepAtMs: monotonicMs - 310,
    },
    tables: {
      user: 37,
      position: 12,
      'wired-conference': 41,
      'wired-media': 82,
      'wireless-conference': 0,
      'wireless-media': 0,
      'phone-book': 120,
      'conference-resource': 1,
      subscription: 8,
    },
    service: { calls: 41, ringing: 2, held: 3, usersOnline: 37, users: 38 },
    alarms: [],
    peerAnswer: null,
  }
}

/** What the standby says of itself. */
export function standbyInputs(): StatusInputs {
  const inputs = pairInputs()
  const pair = inputs.pair
  if (pair?.message.peer == null) throw new Error('the fixture has a peer')
  const { message } = pair
  const peer = { ...message.peer, role: 'primary' as const }
  return {
    ...inputs,
    node: { ...inputs.node, name: 'vccs-b' },
    peerName: 'vccs-a',
    pair: { ...pair, message: { ...message, role: 'standby', peer } } as StatusInputs['pair'],
  }
}

export function healthyStatus(): StatusResult {
  return assembleStatus({ ...pairInputs(), peerAnswer: assembleStatus(standbyInputs()) })
}
