//! What a leg has sent and received, told to the switch now and then and at its end, for the call
//! records. Each node counts its own copies.
import type { BusMessageOf, LegStatistics } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { Leg } from './leg.ts'

const unitsPerMs = limits.sampleRateHz / 1000
const everyTicks = limits.legStatisticsMs / limits.tickMs

/** Collects what is to be told, so that many legs are one message. */
export class StatisticsTeller {
  readonly #emit: (message: BusMessageOf<'leg-statistics'>) => void
  #legs: LegStatistics[] = []

  constructor(emit: (message: BusMessageOf<'leg-statistics'>) => void) {
    this.#emit = emit
  }

  /** Spread by the number of the leg, so that no tick has all of them. */
  tellWhenDue(leg: Leg, tick: number): void {
    if ((tick + leg.index) % everyTicks === 0) this.tell(leg, false)
  }

  tell(leg: Leg, ended: boolean): void {
    this.#legs.push(statisticsOf(leg, ended))
    if (this.#legs.length >= limits.legsPerStatisticsMax) this.flush()
  }

  flush(): void {
    if (this.#legs.length === 0) return
    this.#emit({ kind: 'leg-statistics', legs: this.#legs })
    this.#legs = []
  }
}

function statisticsOf(leg: Leg, ended: boolean): LegStatistics {
  const { record, reception, peerReport } = leg
  return {
    mediaId: record.mediaId,
    packetsSent: leg.packetsSent,
    packetsReceived: reception.received,
    packetsLost: reception.lost,
    packetsLate: reception.late,
    jitterMsMax: Math.round((reception.jitterMax / unitsPerMs) * 10) / 10,
    farPacketsLost: peerReport.packetsLost,
    ended,
  }
}
