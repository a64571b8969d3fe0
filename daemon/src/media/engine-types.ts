//! What the engine is given, and what it counts.
import type { BusMessageOf } from '../bus/messages.ts'
import type { Arena } from './arena.ts'
import type { LegSockets } from './sockets.ts'

export interface EngineOptions {
  readonly arena: Arena
  readonly sockets: LegSockets
  /** Packets may be read so many ticks later here than at the peer, or the other way (relay.ts). */
  readonly reserveTicks?: number
  /** Unix milliseconds, for the NTP time of reports. */
  readonly wallMs: () => number
  readonly emit: (
    message: BusMessageOf<'input-mapped' | 'conference-ended' | 'digit' | 'leg-statistics'>,
  ) => void
}

export type EngineCounters = Pick<
  BusMessageOf<'media-statistics'>,
  | 'legs'
  | 'conferences'
  | 'packetsReceived'
  | 'packetsSent'
  | 'packetsLate'
  | 'packetsLost'
  | 'packetsRefused'
>
