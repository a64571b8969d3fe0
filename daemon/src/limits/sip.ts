//! Messages, transactions, dialogs, registrations and subscriptions (RFC 3261, 4028, 6665).
export const sipLimits = {
  sipMessageBytesMax: 16_384,
  /** Start line and headers, and of them what an answer has to repeat: it has more of its own. */
  sipHeadBytesMax: 12_288,
  sipRepeatedLengthMax: 8_192,
  /** What an answer adds to that: `received`, `rport` and the tag of To. */
  sipAddedLengthMax: 256,
  sipHeaderLinesMax: 100,
  /** Values of Via, Contact, Route or Record-Route: each of them is a line of what is made of it. */
  sipListMax: 70,
  sdpBytesMax: 4_096,
  /** RFC 3261 17.1.1.1. */
  sipT1Ms: 500,
  sipT2Ms: 4_000,
  sipT4Ms: 5_000,
  sipMaxForwards: 70,
  /** A longer name of a terminal (RFC 5626 4.1) counts as none. */
  instanceLengthMax: 256,
  /** Values of WG67-Version that are looked at: radio and telephone, two editions and an addendum each. */
  wg67VersionsMax: 16,
  /** A re-INVITE that meets one of the terminal's is sent again so often. */
  glareTriesMax: 5,
  /** Telephones behind one contact that may ring for one INVITE (RFC 3261 12.1). */
  earlyDialogsMax: 8,
  /** Proxies on the way to a contact. */
  pathMax: 4,
  /** RFC 4028: seconds between two refreshes of a dialog that we ask for, and the least that we accept (5). */
  sessionTimerS: 1_800,
  sessionTimerMinS: 90,
  /** A terminal that wants a longer time than this is not called. */
  sessionTimerMaxS: 86_400,
  /** An ended session stays this long for repeated messages, and at most so many of them. */
  releasedLingerMs: 5_000,
  releasedLingerMax: 512,
  /** ... in which its terminals have to be told: an INVITE without ACK, then a BYE without answer (64*T1
   * each). */
  releasedMsMax: 69_000,
  /** Live server transactions (the 64*T1 of a final answer included); more are answered 503. */
  transactionsMax: 60_000,
  /** Live client transactions: a call has an INVITE (64*T1 after its 200) and a BYE. A request beyond them
   * does not leave; its user hears of silence at once. */
  clientTransactionsMax: 40_000,
  /** RFC 3261 10.2.1.1: a REGISTER that names no expiry. */
  registrationSecondsDefault: 3_600,
  registrationSecondsMin: 30,
  registrationSecondsMax: 7_200,
  /** Subscriptions (RFC 6665) of all and of one account: a panel of keys watches one number a key. */
  subscriptionsMax: 10_000,
  subscriptionsPerUserMax: 256,
  subscriptionSecondsDefault: 3_600,
  subscriptionSecondsMin: 30,
  subscriptionSecondsMax: 7_200,
  /** Two notifications of one subscription are at least this far apart. RFC 4235 3.10 advises a second,
   * which is too long for a call that is to be picked up. */
  notifyMsMin: 250,
  /** Of all subscriptions so many leave in one such time, so that a change that concerns everyone does
   * not hold up the calls. */
  notifyBurst: 64,
  notifyBurstMs: 20,
  /** Of the document in a NOTIFY; with its headers it is a SIP message that both nodes can read. */
  eventDocumentBytesMax: 12_288,
  nonceMsMax: 300_000,
  /** Repetitions of a request (64*T1) mostly get the same nonce. */
  nonceStepMs: 64_000,
  /** The accounts are counted again after this, for the challenges of numbers that nobody has. */
  decoysMs: 60_000,
  /** Nonces whose nonce counts are remembered; the oldest is forgotten first. */
  noncesMax: 20_000,
} as const
