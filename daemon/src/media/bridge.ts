//! One conference bridge: its members in the order that both nodes have.
import type { Leg } from './leg.ts'

/** Bridges are spread over the tick, so that not all packets of a node leave in one burst. */
export const phases = 4

export class Bridge {
  readonly conferenceId: number
  readonly phase: number
  /** By media ID. */
  readonly legs: Leg[] = []

  constructor(conferenceId: number) {
    this.conferenceId = conferenceId
    this.phase = ((conferenceId % phases) + phases) % phases
  }

  add(leg: Leg): void {
    const id = leg.record.mediaId
    const at = this.legs.findIndex((other) => other.record.mediaId > id)
    this.legs.splice(at < 0 ? this.legs.length : at, 0, leg)
  }

  remove(leg: Leg): void {
    const at = this.legs.indexOf(leg)
    if (at >= 0) this.legs.splice(at, 1)
  }
}
