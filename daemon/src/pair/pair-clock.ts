//! The pair clock: one time for both nodes, so that a media tick is the same instant on both. Pair time
//! is CLOCK_MONOTONIC plus an offset. The primary's offset does not move; the standby follows it by
//! the four times of a heartbeat exchange (as RFC 5905 section 8), trusts the exchange with the least
//! delay of a window, and slews. After a take-over the new primary keeps the offset it has: no jump.
//!
//! Pure. All times in milliseconds.
import { limits } from '../limits.ts'

interface Sample {
  /** Offset at which the pair times of both nodes are equal. */
  readonly offsetMs: number
  readonly delayMs: number
}

export interface PairClock {
  readonly offsetMs: number
  /** The offset follows, or is itself, that of a primary. */
  readonly synchronised: boolean
  /** Peer minus own pair time by the best exchange; null: none yet. */
  readonly skewMs: number | null
  readonly samples: readonly Sample[]
  readonly movedAt: number
}

/** The four times of an exchange, each in the pair time of the node that took it. */
interface Exchange {
  readonly ownSentAt: number
  readonly peerReceivedAt: number
  readonly peerSentAt: number
  readonly ownReceivedAt: number
}

/** 500 ppm: 10 us a tick, far below what a jitter buffer sees. */
const slewPerMsMax = 500e-6
/** Exchanges of which the fastest is trusted: about two seconds of one link. */
const windowSamples = 16
/** Two ticks. Two nodes that served apart have clocks of their own, and slewing would take minutes. */
const stepMsMin = 40

export function newPairClock(now: number): PairClock {
  return { offsetMs: 0, synchronised: false, skewMs: null, samples: [], movedAt: now }
}

/** Adds an exchange; one with times in the wrong order is dropped. */
export function addExchange(clock: PairClock, times: Exchange): PairClock {
  const peerHeldMs = times.peerSentAt - times.peerReceivedAt
  const delayMs = times.ownReceivedAt - times.ownSentAt - peerHeldMs
  if (!(peerHeldMs >= 0 && delayMs >= 0)) return clock
  const skewMs =
    (times.peerReceivedAt - times.ownSentAt + (times.peerSentAt - times.ownReceivedAt)) / 2
  const sample = { offsetMs: clock.offsetMs + skewMs, delayMs }
  const samples = [...clock.samples, sample].slice(-windowSamples)
  return { ...clock, samples, skewMs: best(samples).offsetMs - clock.offsetMs }
}

/** Moves the clock of a standby towards its primary's; `stepped`: it jumped, and times sent before are
 * of no use any more. */
export function follow(clock: PairClock, now: number): { clock: PairClock; stepped: boolean } {
  const passedMs = Math.max(0, now - clock.movedAt)
  if (clock.samples.length === 0) return { clock: { ...clock, movedAt: now }, stepped: false }
  const target = best(clock.samples).offsetMs
  const wayMs = target - clock.offsetMs
  if (!clock.synchronised || Math.abs(wayMs) >= stepMsMin) {
    const stepped = { offsetMs: target, synchronised: true, skewMs: 0, samples: [], movedAt: now }
    return { clock: stepped, stepped: true }
  }
  const most = passedMs * slewPerMsMax
  const offsetMs = clock.offsetMs + Math.max(-most, Math.min(most, wayMs))
  const skewMs = target - offsetMs
  return { clock: { ...clock, offsetMs, skewMs, movedAt: now }, stepped: false }
}

/** Both nodes served apart, and this one lost: its clock jumps to the nearest place that is whole ticks
 * away, so that its legs can go on under other tick numbers without a sound; the rest is slewed.
 * @returns null while the peer's clock is not measured. */
export function shift(clock: PairClock): { clock: PairClock; ticks: number } | null {
  if (clock.samples.length === 0) return null
  const ticks = Math.round((best(clock.samples).offsetMs - clock.offsetMs) / limits.tickMs)
  const offsetMs = clock.offsetMs + ticks * limits.tickMs
  if (ticks === 0) return { clock: { ...clock, synchronised: true }, ticks }
  return { clock: { ...clock, offsetMs, synchronised: true, skewMs: 0, samples: [] }, ticks }
}

/** The primary is the reference, and a node without a role does not move. */
export function hold(clock: PairClock, now: number, reference: boolean): PairClock {
  return { ...clock, synchronised: clock.synchronised || reference, movedAt: now }
}

/** The peer began a new boot: its clock is another one. */
export function forgetPeer(clock: PairClock): PairClock {
  return { ...clock, samples: [], skewMs: null }
}

function best(samples: readonly Sample[]): Sample {
  return samples.reduce((least, one) => (one.delayMs <= least.delayMs ? one : least))
}
