//! Voice: ticks, what both nodes relay, and what a leg tells.
export const mediaLimits = {
  /** Relayed voice: a datagram, and as many of them as one tick has numbers for. Bytes: some 40 packets
   * of G.711. */
  relayFrameBytesMax: 8_192,
  relayFramesPerTickMax: 256,
  /** A relayed packet is read so many ticks later than at the node that heard it; both play it at the
   * same tick, so that the jitter buffer is longer by this. */
  relayTicks: 1,
  /** One media tick; all ticks of both nodes are the same instants of the pair clock. */
  tickMs: 20,
  samplesPerTick: 160,
  sampleRateHz: 8_000,
  /** Voice is read this long after it was latched on to arrive (jitter buffer). */
  jitterMs: 40,
  /** Decisions of the primary take effect this many ticks ahead, so that both nodes know them. */
  decisionLeadTicks: 6,
  /** A person dials fewer; more of them are not told. */
  digitsPerSecondMax: 20,
  /** What a leg has sent and received is told to the switch this often, so many legs at once. */
  legStatisticsMs: 10_000,
  legsPerStatisticsMax: 64,
  /** ... and kept so long after the last word. */
  legStatisticsKeptMs: 60_000,
} as const
