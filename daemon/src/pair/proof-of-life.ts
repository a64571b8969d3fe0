//! Proof of life: a counter that the switch's loop or the media pacer advances. A heartbeat beside a
//! counter that stands still is the heartbeat of a dead unit, whatever else it says.

export interface Proof {
  /** Zero: the unit is not there, or is not able to serve. */
  readonly counter: number
  /** When the counter last advanced, in milliseconds of CLOCK_MONOTONIC. */
  readonly advancedAt: number
}

export const noProof: Proof = { counter: 0, advancedAt: 0 }

/** Any other value counts as an advance: a restarted unit begins again at one. */
export function prove(proof: Proof, counter: number, now: number): Proof {
  return counter === proof.counter ? proof : { counter, advancedAt: now }
}

export function isProven(proof: Proof, now: number, silentMsMax: number): boolean {
  return proof.counter > 0 && now - proof.advancedAt < silentMsMax
}
