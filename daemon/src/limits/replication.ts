//! What the switch units tell each other: records, catch-up, comparison, merge.
export const replicationLimits = {
  /** S1.96: the repair walk over all flags. */
  sweepMs: 500,
  /** Replicate before answering: a final response waits at most this long for its ACK. */
  replicateBeforeAnswerMsMax: 20,
  /** First repetition of an unacknowledged sync frame, doubled up to the second value; later when ACKs
   * take longer at present. */
  resendMs: 15,
  resendMsMax: 500,
  /** ... and of a frame that answers a catch-up. */
  resendBulkMs: 100,
  /** Sync frames under way without an ACK: those of a catch-up, and all together. Socket buffers of
   * the kernel (208 KiB by default) must hold them. */
  syncWindowFrames: 256,
  syncWindowBytes: 98_304,
  syncUrgentFrames: 1_024,
  /** The standby's media has this long to rebuild a leg before a repeated frame orders it again. */
  rebuildMsMax: 1_000,
  /** The peer has this long to answer a control request. */
  peerAnswerMsMax: 2_000,
  peerAnswerBytesMax: 58_000,
  /** S1.96 anti-entropy: comparison of one hash per table. */
  tableHashMs: 2_000,
  /** Two primaries met: giving the sessions of one to the other takes at most this long, then the one
   * that lost follows without them. */
  mergeMsMax: 4_000,
  /** Parts of a gift, and how many of them are under way at one time. */
  mergePartsMax: 16_384,
  mergeWindowParts: 32,
  /** Sessions and registrations that are remembered while no standby has them. */
  mergeMemoryMax: 8_192,
  syncFrameBytesMax: 60_000,
  /** Of the body of a sync frame before compression. */
  syncBodyBytesMax: 262_144,
  /** SIP that a standby remembers, to answer what a dying primary did not: time, datagrams, bytes. */
  heardMs: 3_000,
  heardMax: 4_096,
  heardBytesMax: 8_388_608,
  /** Older than the last sign of life of the peer's switch by this much: answered. Two heartbeat
   * periods, as the sign travels in a heartbeat. */
  heardMarginMs: 200,
  /** An answer of the dying primary and what the terminal says to it cross within this time. */
  heardSettleMs: 50,
} as const
