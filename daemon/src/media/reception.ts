//! Statistics of one received stream (RFC 3550 6.4.1, A.1, A.3, A.8). Arrival is known as the tick in
//! which a packet was read, so the jitter has a resolution of one tick.
const misorderMax = 100
const dropoutMax = 3_000

export class Reception {
  ssrc = 0
  active = false
  received = 0
  late = 0
  /** Of streams that ended before. */
  lostBefore = 0
  #base = 0
  #highest = 0
  #receivedHere = 0
  /** In 1/16 of a time stamp unit. */
  #jitter = 0
  #jitterMax = 0
  #transit = 0
  #expectedPrior = 0
  #receivedPrior = 0

  /** @param arrival tick of arrival in time stamp units. */
  packet(ssrc: number, sequence: number, transit: number): void {
    this.received++
    const step = (sequence - this.#highest) & 0xffff
    const jumped = step > dropoutMax && step < 0x1_0000 - misorderMax
    if (!this.active || ssrc !== this.ssrc || jumped) {
      this.#begin(ssrc, sequence, transit)
      return
    }
    this.#receivedHere++
    if (step <= dropoutMax) this.#highest += step
    const difference = Math.abs((transit - this.#transit) | 0)
    this.#transit = transit
    this.#jitter += difference - ((this.#jitter + 8) >> 4)
    if (this.#jitter > this.#jitterMax) this.#jitterMax = this.#jitter
  }

  /** The clock of arrival jumped by so many time stamp units. */
  shift(units: number): void {
    this.#transit += units
  }

  #begin(ssrc: number, sequence: number, transit: number): void {
    this.lostBefore = this.lost
    this.active = true
    this.ssrc = ssrc
    this.#base = sequence
    this.#highest = sequence
    this.#receivedHere = 1
    this.#jitter = 0
    this.#transit = transit
    this.#expectedPrior = 0
    this.#receivedPrior = 0
  }

  /** Packets lost since start; duplicates count against it, but never below zero. */
  get lost(): number {
    if (!this.active) return 0
    return this.lostBefore + Math.max(0, this.#expected - this.#receivedHere)
  }

  get #expected(): number {
    return this.#highest - this.#base + 1
  }

  get highestSequence(): number {
    return this.#highest >>> 0
  }

  /** In time stamp units. */
  get jitter(): number {
    return this.#jitter >> 4
  }

  /** The most that there was in any stream, in time stamp units. */
  get jitterMax(): number {
    return this.#jitterMax >> 4
  }

  /** Loss for a report block; begins a new interval. */
  takeLoss(): { fractionLost: number; packetsLost: number } {
    const expected = this.#expected - this.#expectedPrior
    const lost = expected - (this.#receivedHere - this.#receivedPrior)
    this.#expectedPrior = this.#expected
    this.#receivedPrior = this.#receivedHere
    const fraction = expected > 0 && lost > 0 ? Math.floor((lost * 256) / expected) : 0
    const total = this.#expected - this.#receivedHere
    return {
      fractionLost: Math.min(255, fraction),
      packetsLost: Math.max(-0x80_0000, Math.min(0x7f_ffff, total)),
    }
  }
}
