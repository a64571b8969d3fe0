//! The control socket, what is kept for an operator, and the beacon.
export const oamLimits = {
  controlFrameBytesMax: 8_388_608,
  controlConnectionsMax: 64,
  /** Requests of one connection that are being worked on; more are answered with an error. */
  controlRequestsMax: 16,
  /** A connection on which nothing moves for this long is closed, unless it follows the log. */
  controlIdleMs: 60_000,
  /** Lines of the log that are kept in memory, and ended alarms. */
  logLinesKept: 2_000,
  alarmsKept: 500,
  /** Call records: as many, and as much text, as a node keeps; the oldest go first. */
  callRecordsKept: 200_000,
  callRecordsBytesMax: 268_435_456,
  /** ... and as many as wait in memory for a disk that fails. */
  callRecordsHeldMax: 10_000,
  /** Sessions that ended are written at once, but at most this often; ended ones of that time together. */
  callEndedMs: 100,
  /** Sessions that live are written this often, and when they were last seen. */
  callLiveMs: 250,
  callSeenMs: 10_000,
  /** Tables are believed this long after the role was taken or all was fetched; what they do not have
   * then has ended. */
  callSettleMs: 5_000,
  /** The nodes compare their call records this often. */
  callCompareMs: 60_000,
  /** SIP messages that are kept for `vccs call trace`: number, bytes, and sessions that are known by name. */
  traceMessages: 8_192,
  traceBytes: 8_388_608,
  traceSessions: 4_096,
  /** Changes of the role, and operations, that a node remembers over restarts. */
  historyKept: 500,
  operationsKept: 200,
  /** Of these so many are shown at once, as their reports are long, and told to the peer after a restart. */
  operationsShown: 20,
  /** S2.13: the primary tells the site its state this often. */
  beaconMs: 2_000,
  /** ... and a receiver calls it silent after this. */
  beaconSilentMs: 6_000,
  beaconBytesMax: 16_384,
  beaconReceiversMax: 16,
  beaconTagsMax: 16,
} as const
