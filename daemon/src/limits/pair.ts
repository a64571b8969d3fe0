//! Who serves: heartbeats, the ways of a switchover, and how often the role may change.
export const pairLimits = {
  /** S1.64. */
  heartbeatMs: 100,
  /** S1.66: silent periods on all links until the peer counts as lost. */
  heartbeatMissesMax: 5,
  /** Periods in which a unit of this node may stand still until it counts as dead. */
  proofPeriodsMax: 10,
  /** ... and at least this long, also in a fast profile: a collection of garbage is no death. */
  proofMsMin: 1_000,
  /** A planned switchover waits at most this long for every flag to be NONE. */
  flushMsMax: 400,
  /** A failover, which is forced, hands over unflushed after this time. */
  flushForcedMsMax: 300,
  /** The standby has this long to take what is handed over; then the primary goes on. */
  handoverMsMax: 300,
  /** It is offered in the first of these, and an offer counts only at a standby that knows it to be younger
   * than the second: it is taken before it is undone, or never. */
  offerMsMax: 120,
  offerAgeMsMax: 170,
  /** A standby asks this often at most for an offer that it can tell the age of, and is told it. */
  offerAskMs: 20,
  /** A standby asks the primary for its role this long; what comes later would not end in time. */
  takeMsMax: 150,
  /** A switchover is done or undone after this time, wherever it was asked for. */
  switchoverMsMax: 890,
  /** Before it begins, the peer has this long to tell its state, and to hear of the operation. */
  orderAskMsMax: 60,
  orderTellMsMax: 40,
  /** A primary with a dead unit waits this long for it while the peer has not every record. */
  coldPeerMsMax: 1_400,
  /** After so many automatic changes of role in this time the role is held (`pair/damping.ts`). */
  roleChangesMax: 2,
  roleChangesMs: 60_000,
  /** Loss of a link is told over the last one to two of these. */
  linkLossMs: 5_000,
} as const
