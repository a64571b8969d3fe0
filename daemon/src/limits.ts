//! Every maximum and every period of the product, and the relations between them.
//! Units are in the names. Sources: S-numbers of `docs/features.md`, RFC 3261, DESIGN decisions.
import { assert } from './assert.ts'

export const limits = {
  /** S1.64. */
  heartbeatMs: 100,
  /** S1.66: silent periods on all links until the peer counts as lost. */
  heartbeatMissesMax: 5,
  /** Periods in which a unit of this node may stand still until it counts as dead. */
  proofPeriodsMax: 10,
  /** ... and at least this long, also in a fast profile: a collection of garbage is no death. */
  proofMsMin: 1_000,
  /** A unit that has given no sign of life to the supervisor for this long is ended and started anew; the
   * peer serves long before. */
  unitHangMsMax: 5_000,
  /** ... and one that gives none from its start on. */
  unitStartMsMax: 60_000,
  /** A switch unit that outlived its pair unit speaks to the next one in a part of this time. */
  ownSwitchMsMax: 500,
  /** So many deaths in quick succession are a crash loop. */
  crashLoopDeaths: 3,
  /** Bounds of the heaps of the units, unless the node file says otherwise. */
  switchHeapMiB: 1_024,
  mediaHeapMiB: 256,
  pairHeapMiB: 128,
  /** A unit that uses this share of its memory says so, and above the second one gives the role away.
   * V8 itself ends a process that uses over 80 % when four collections in a row took most of its time.
   * The whole process may use the bound of its heap twice, and what every process needs. */
  memoryLowShare: 0.75,
  memoryFullShare: 0.85,
  processMiBBeside: 256,
  /** Memory is looked at this often, and this often when it is low: a flood of requests fills the rest of a
   * small heap within a second. What is used in each of so many looks is no garbage: V8 collects
   * before it uses more than half of what was free after the last collection. */
  memoryLookMs: 100,
  memoryLookLowMs: 20,
  memoryLooks: 4,
  /** The directories of a node are looked at this often; a look that takes the second time has failed. */
  diskLookMs: 2_000,
  diskHangMs: 4_000,
  /** Free space, the smaller of bytes and share, below which a disk is low, and full. */
  diskLowBytes: 268_435_456,
  diskLowShare: 0.1,
  diskFullBytes: 4_194_304,
  diskFullShare: 0.01,
  /** A node that cannot keep what it must offers its role to the peer this often. */
  diskStepDownMs: 60_000,
  /** Lines of the log that cannot be written are held up to this. */
  logBytesHeldMax: 1_048_576,
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

  /** Reach mode `floating`: the primary says again whose the service address is, so that a switch or a
   * host that missed it learns it; and it answers a wrong claim not more often than this. */
  arpAnnounceMs: 1_000,
  arpDefendMs: 200,
  /** Relayed voice: a datagram, and as many of them as one tick has numbers for. Bytes: some 40 packets
   * of G.711. */
  relayFrameBytesMax: 8_192,
  relayFramesPerTickMax: 256,
  /** A relayed packet is read so many ticks later than at the node that heard it; both play it at the
   * same tick, so that the jitter buffer is longer by this. */
  relayTicks: 1,
  /** Two primaries met: giving the sessions of one to the other takes at most this long, then the one
   * that lost follows without them. */
  mergeMsMax: 4_000,
  /** Parts of a gift, and how many of them are under way at one time. */
  mergePartsMax: 16_384,
  mergeWindowParts: 32,
  /** Sessions and registrations that are remembered while no standby has them. */
  mergeMemoryMax: 8_192,

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
  legsMax: 4_096,
  sessionsMax: 4_096,
  usersMax: 10_000,
  positionsMax: 1_000,
  phoneBookMax: 20_000,
  membersPerSessionMax: 128,
  /** Contacts that one account may have registered at the same time. */
  contactsMax: 5,
  /** Branches of one INVITE beside its first: contacts, and telephones that answer as well. */
  forksMax: 12,
  /** Until the contacts with the next q are called. */
  forkTurnMs: 15_000,
  /** A re-INVITE that meets one of the terminal's is sent again so often. */
  glareTriesMax: 5,
  /** Telephones behind one contact that may ring for one INVITE (RFC 3261 12.1). */
  earlyDialogsMax: 8,
  /** Proxies on the way to a contact. */
  pathMax: 4,
  /** Calls that wait at one account. */
  waitingCallsMax: 32,
  noAnswerSecondsMax: 300,
  trunkClassesMax: 16,
  groupsMax: 256,
  conferencesMax: 256,
  trunksMax: 128,
  routesMax: 512,
  trunksPerRouteMax: 8,
  /** Ways that a call which goes out may try. */
  waysMax: 64,
  /** Max-Forwards of a call that goes out: between two systems that send calls to each other for ever, it
   * ends after so many turns. */
  trunkHopsMax: 12,
  /** First probes of several trunks follow each other, and one that decides follows soon. */
  trunkProbeStaggerMs: 50,
  trunkProbeAgainMs: 2_000,
  /** Rules of one kind that a trunk has for numbers. */
  numberRulesMax: 64,

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
  /** A conference-set of `legsMax` legs with two maps each. */
  busFrameBytesMax: 4_194_304,
  /** A unit that leaves more than this unread is cut off its bus. */
  busQueueBytesMax: 8_388_608,
  syncFrameBytesMax: 60_000,
  /** Of the body of a sync frame before compression. */
  syncBodyBytesMax: 262_144,
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

  /** S2.13: the primary tells the site its state this often. */
  beaconMs: 2_000,
  /** ... and a receiver calls it silent after this. */
  beaconSilentMs: 6_000,
  beaconBytesMax: 16_384,
  beaconReceiversMax: 16,
  beaconTagsMax: 16,

  /** RFC 3261 17.1.1.1. */
  sipT1Ms: 500,
  sipT2Ms: 4_000,
  sipT4Ms: 5_000,
  sipMaxForwards: 70,
  /** A longer name of a terminal (RFC 5626 4.1) counts as none. */
  instanceLengthMax: 256,
  /** Values of WG67-Version that are looked at: radio and telephone, two editions and an addendum each. */
  wg67VersionsMax: 16,
  /** No answer of the callee: 408 to the caller, CANCEL to the callee. */
  noAnswerMs: 60_000,
  /** ED-137 sheet 5.2: a call that may enter a conversation waits so long for the line; one that ends
   * it, so long after the warning. */
  intrusionWaitMs: 5_000,
  interruptionWaitMs: 3_000,
  intrusionRetryMs: 500,
  /** A call waits for a busy line no longer than this. */
  queueMsMax: 180_000,
  /** How often one call is forwarded. */
  diversionsMax: 5,
  /** After a take-over each dialog is asked whether it lives: not before all that was asked of the dead node
   * has been repeated (64*T1), and so many milliseconds apart. */
  probeAfterMs: 32_000,
  probePaceMs: 20,
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
  /** Floods (ADR 0023), in messages a second. One address that nobody is registered at, and all such
   * addresses together; a telephone, which is registered or in a call; a gateway with many lines; and one
   * address and port, however many are registered there. */
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
  /** SIP that a standby remembers, to answer what a dying primary did not: time, datagrams, bytes. */
  heardMs: 3_000,
  heardMax: 4_096,
  heardBytesMax: 8_388_608,
  /** Older than the last sign of life of the peer's switch by this much: answered. Two heartbeat
   * periods, as the sign travels in a heartbeat. */
  heardMarginMs: 200,
  /** An answer of the dying primary and what the terminal says to it cross within this time. */
  heardSettleMs: 50,
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

assert(
  limits.heartbeatMs * limits.heartbeatMissesMax <= 500,
  'S1.66: the peer is lost after 500 ms',
)
assert(
  limits.takeMsMax + limits.flushMsMax + limits.handoverMsMax < limits.switchoverMsMax,
  'who asks for a switchover waits longer than the primary takes',
)
assert(
  limits.offerMsMax + limits.offerAgeMsMax < limits.handoverMsMax,
  'the role is not taken after the switchover was undone',
)
assert(
  limits.orderAskMsMax + limits.orderTellMsMax + limits.switchoverMsMax < 1_000,
  'an order is carried out or undone within a second, and answered then',
)
assert(
  limits.heardSettleMs < limits.sipT1Ms,
  'what was heard before a take-over is answered before the terminal repeats it',
)
const strangersHeardMax =
  limits.floodStrangersBurst + (limits.floodStrangersPerSecond * limits.heardMs) / 1_000
assert(
  strangersHeardMax < 0.75 * limits.heardMax &&
    strangersHeardMax * limits.floodTokenBytes < 0.75 * limits.heardBytesMax,
  'a flood of strangers leaves a part of what a standby remembers to the telephones',
)
assert(limits.resendMs < limits.replicateBeforeAnswerMsMax, 'one repetition fits before an answer')
assert(limits.syncWindowBytes > limits.syncFrameBytesMax, 'the window holds the largest frame')
assert(limits.beaconSilentMs >= 2 * limits.beaconMs, 'one lost beacon is no silence')
assert(
  limits.samplesPerTick * 1000 === limits.sampleRateHz * limits.tickMs,
  'a tick holds its samples',
)
