//! How long, and how often, a service does what it does for a call.
export const serviceLimits = {
  /** First probes of several trunks follow each other, and one that decides follows soon. */
  trunkProbeStaggerMs: 50,
  trunkProbeAgainMs: 2_000,
  /** Members of a conference: its record, which is sent as a whole, stays small. */
  conferenceMembersMax: 32,
  /** Whoever comes or goes is heard in conferences of so many. */
  conferenceToneMembersMax: 16,
  /** Whom a conference calls rings this long. */
  conferenceRingMs: 30_000,
  /** Call back: how many an account and all may want, how long a wish lives, how often it is looked at beside
   * what changes, how long the asker rings and how often he is called. */
  callBacksPerUserMax: 5,
  callBacksMax: 512,
  callBackMsMax: 1_800_000,
  callBackLookMs: 15_000,
  callBackRingMs: 30_000,
  callBackTriesMax: 3,
  /** So long after a busy call its number is known to who asks for a call back without one. */
  callBackWindowMs: 15_000,
  /** How long a tone says that a setting is stored. */
  confirmationMs: 2_000,
  /** How long a caller hears that his call has failed. */
  failureToneMs: 10_000,
  /** A PIN has to be dialled in this time, and so many wrong ones end the call. */
  conferencePinMs: 30_000,
  conferencePinTries: 3,
  conferencePinDigitsMax: 16,
  /** No answer of the callee: 408 to the caller, CANCEL to the callee. */
  noAnswerMs: 60_000,
  /** ED-137 sheet 5.2: a call that may enter a conversation waits so long for the line; one that ends
   * it, so long after the warning. */
  intrusionWaitMs: 5_000,
  interruptionWaitMs: 3_000,
  /** A call waits for a busy line no longer than this; what hinders it for a moment is tried again. */
  queueMsMax: 180_000,
  queueRetryMs: 500,
  /** How often one call is forwarded. */
  diversionsMax: 5,
  /** After a take-over each dialog is asked whether it lives: not before all that was asked of the dead node
   * has been repeated (64*T1), and so many milliseconds apart. */
  probeAfterMs: 32_000,
  probePaceMs: 20,
} as const
