//! The two moves of a drill that went well.
import type { DrillMove } from '../../src/control/operation-schema.ts'

export const move: DrillMove = {
  from: 'vccs-a',
  to: 'vccs-b',
  ok: true,
  detail: 'the peer is primary',
  tookMs: 21.5,
  inStepMs: 640,
  callsBefore: 3,
  callsKept: 2,
  callsEnded: 1,
  callsLost: 0,
  twin: { both: 4, wanted: 4 },
  voice: [
    { node: 'vccs-a', ticks: 180, packetsSent: 720, packetsLost: 0, ticksLate: 0 },
    { node: 'vccs-b', ticks: 180, packetsSent: 719, packetsLost: 2, ticksLate: 1 },
  ],
  criticalAlarms: [],
  otherAlarms: [],
}
export const back: DrillMove = { ...move, from: 'vccs-b', to: 'vccs-a' }
