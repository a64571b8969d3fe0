//! The input timeline of a leg (DESIGN section 4): which samples of a received stream are mixed at which
//! tick. The primary decides, ahead of the tick from which it holds; a standby only follows. Pure:
//! arrival is known as the number of the tick in which the packet was read.
import { limits } from '../limits.ts'
import type { InputMap } from '../tables/wired-media.ts'

const samples = limits.samplesPerTick
/** From the tick in which the earliest packet was read to the one in which it is mixed. Whole ticks, so
 * that a packet of 20 ms is one frame: one that is lost is missed in one tick only. */
const targetSamples = limits.jitterMs * (limits.sampleRateHz / 1000)
/** RFC 3550 A.1 MIN_SEQUENTIAL is 2; one more, since a mapping is a replicated decision. */
const packetsToLatch = 3
/** A whole number of the blocks in which samples are kept, so that a shift moves none of them. */
export const shiftSamples = 80
/** A shift waits so long for the peer to know it: nobody hears that it comes later, and it comes for many
 * legs at once, while the nodes are busiest. */
const shiftLeadTicks = 20
const windowTicks = 100
const calmWindows = 5
/** Single packets of a window that are late do not make all others later. */
const outliersMax = 2
/** The delay never grows beyond this because of jitter: a controller talks over it. */
const leadSamplesMax = 960
/** Packets of one stream are not further apart than this, or it is another one. */
const jumpSamples = limits.sampleRateHz

interface Arrival {
  readonly ssrc: number
  readonly timestamp: number
  readonly samples: number
  readonly tick: number
}

/** @returns the RTP time stamp of the first sample that `map` mixes at `tick`. */
export function playTimestamp(map: InputMap, tick: number): number {
  return (map.timestamp + samples * (tick - map.tick)) >>> 0
}

/** @returns the map that holds at `tick`, or null. */
export function mapAt(maps: readonly InputMap[], tick: number): InputMap | null {
  let found: InputMap | null = null
  for (const map of maps) if (map.fromTick <= tick) found = map
  return found
}

/** @returns the two newest of both lists, the newest last. */
export function mergeMaps(a: readonly InputMap[], b: readonly InputMap[]): InputMap[] {
  const merged: InputMap[] = []
  for (const map of [...a, ...b])
    if (!merged.some((other) => equalMaps(other, map))) merged.push(map)
  return merged.sort(compareMaps).slice(-2)
}

function equalMaps(a: InputMap, b: InputMap): boolean {
  return compareMaps(a, b) === 0
}

/** A total order, so that both nodes keep the same two. */
function compareMaps(a: InputMap, b: InputMap): number {
  return a.fromTick - b.fromTick || a.tick - b.tick || a.ssrc - b.ssrc || a.timestamp - b.timestamp
}

/** Decides the maps of one leg. Used by the primary only. */
export class InputMapper {
  /** Delay that the other node may have and this one has not. */
  reserveTicks = 0
  #ssrc = 0
  #timestamp = 0
  /** Consecutive packets that no map can play. */
  #strange = 0
  /** Start and tick of the candidate's earliest packet, measured against its own clock. */
  #bestStart = 0
  #bestTick = 0
  #windowEndTick = 0
  /** Packets of the window that came with little time left, and with no more than usual. */
  #short = 0
  #usual = 0
  #leadMax = 0
  #calm = 0

  /** Begins anew: what was seen in an earlier time as primary says nothing about now. */
  reset(): void {
    this.#strange = 0
    this.#calm = 0
    this.#restart(0)
  }

  /** All ticks have other numbers from now on. */
  shift(ticks: number): void {
    this.#bestTick += ticks
    this.#windowEndTick += ticks
  }

  /** A packet that the newest map cannot play: another stream, a jump, or much too late.
   * @returns the map for its stream, once there were enough of its packets in a row. */
  strange(arrival: Arrival, newest: InputMap | null): InputMap | null {
    const step = (arrival.timestamp - this.#timestamp) | 0
    const start = startOf(arrival)
    if (this.#strange === 0 || arrival.ssrc !== this.#ssrc || Math.abs(step) > jumpSamples) {
      this.#strange = 1
      this.#ssrc = arrival.ssrc
      this.#bestStart = start
      this.#bestTick = arrival.tick
    } else {
      this.#strange++
      const earlier = (start - this.#bestStart) | 0
      if (earlier > samples * (arrival.tick - this.#bestTick)) {
        this.#bestStart = start
        this.#bestTick = arrival.tick
      }
    }
    this.#timestamp = arrival.timestamp
    if (this.#strange < packetsToLatch) return null
    if (newest !== null && arrival.tick < newest.fromTick) return null
    this.#strange = 0
    this.#restart(arrival.tick + limits.decisionLeadTicks)
    const fromTick = arrival.tick + limits.decisionLeadTicks
    const ahead = fromTick - this.#bestTick - this.reserveTicks
    const timestamp = this.#bestStart + samples * ahead - targetSamples
    return { ssrc: arrival.ssrc, timestamp: timestamp >>> 0, tick: fromTick, fromTick }
  }

  /** A packet whose whole time has passed. */
  late(): void {
    this.#short++
  }

  /** A packet that `map` can play. @returns the corrected map when the sender's clock or the delay
   * of the network has moved away. */
  follows(arrival: Arrival, map: InputMap): InputMap | null {
    this.#strange = 0
    const spare = playTimestamp(map, arrival.tick + this.reserveTicks)
    const lead = (startOf(arrival) - spare) | 0
    if (arrival.tick < map.fromTick) return null
    if (lead < shiftSamples) this.#short++
    if (lead <= targetSamples + shiftSamples) this.#usual++
    if (lead > this.#leadMax) this.#leadMax = lead
    if (arrival.tick < this.#windowEndTick) return null
    const tooShort = this.#short > outliersMax && this.#leadMax < leadSamplesMax
    this.#calm = this.#usual > outliersMax ? 0 : this.#calm + 1
    // A window that ends long after its time has seen a pause.
    const usable = arrival.tick < this.#windowEndTick + windowTicks
    this.#restart(arrival.tick)
    if (!usable) this.#calm = 0
    if (usable && tooShort) return this.#shift(map, arrival.tick, -shiftSamples)
    if (this.#calm >= calmWindows) return this.#shift(map, arrival.tick, shiftSamples)
    return null
  }

  #shift(map: InputMap, tick: number, by: number): InputMap {
    const fromTick = tick + shiftLeadTicks
    this.#restart(fromTick)
    this.#calm = 0
    const timestamp = (playTimestamp(map, fromTick) + by) >>> 0
    return { ssrc: map.ssrc, timestamp, tick: fromTick, fromTick }
  }

  #restart(tick: number): void {
    this.#windowEndTick = tick + windowTicks
    this.#short = 0
    this.#usual = 0
    this.#leadMax = 0
  }
}

/** Packets shorter than a tick come several at once: the last of them counts as one tick long. */
function startOf(arrival: Arrival): number {
  return (arrival.timestamp + arrival.samples - Math.max(arrival.samples, samples)) >>> 0
}
