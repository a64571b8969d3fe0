//! Floods (ADR 0023), in messages a second.
export const floodLimits = {
  /** One address that nobody is registered at, and all such addresses together; a telephone, which is
   * registered or in a call; a gateway with many lines; and one address and port, however many are
   * registered there. */
  floodStrangerPerSecond: 200,
  floodStrangerBurst: 400,
  floodStrangersPerSecond: 500,
  floodStrangersBurst: 1_000,
  floodPhonePerSecond: 50,
  floodGatewayPerSecond: 1_000,
  floodKnownPerSecondMax: 5_000,
  /** A telephone may say what it may say in so long at once. */
  floodBurstSeconds: 4,
  /** A message counts once more for each of so many bytes. */
  floodTokenBytes: 2_048,
  /** Strangers in memory; the others share one budget. A source is forgotten when it was silent so long. */
  floodSourcesMax: 4_096,
  floodForgetMs: 10_000,
  /** So many dropped messages a second are a flood; it has ended when there were fewer for so long. At most
   * so many sources have an alarm of their own. */
  floodAlarmPerSecond: 50,
  floodEndsMs: 10_000,
  floodAlarmsMax: 8,
  /** A stranger that sends so many messages a second is throttled: the kernel lets one in so many of its datagrams
   * through, and of those so many a second are answered. At most so many addresses; when the others together
   * send as many, one in so many of theirs comes through. */
  floodThrottlePerSecond: 2_000,
  floodThrottledOneIn: 128,
  floodThrottledPerSecond: 20,
  floodThrottledMax: 64,
  floodOthersOneIn: 16,
  /** A flood is seen within this. */
  floodThrottleMs: 250,
  /** What strangers said and nobody has looked at yet: the oldest gives way. */
  floodWaitingMax: 1_000,
} as const
