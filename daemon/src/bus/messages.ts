//! All that crosses the bus between the units of one node (S1.7). One schema a message; both ends
//! check. Media never sees SIP. Times are milliseconds of CLOCK_MONOTONIC unless said otherwise.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { inputMapSchema, wiredMediaSchema } from '../tables/wired-media.ts'

export const roles = ['starting', 'standby', 'primary'] as const
/** S1.73, in the order of their numbers in a heartbeat. */
export const tieBreaks = ['larger-address', 'smaller-address', 'larger-name'] as const
export type TieBreak = (typeof tieBreaks)[number]
export type Role = (typeof roles)[number]

const message = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ kind: z.literal(kind), ...shape })

/** First message of every connection. */
const hello = message('hello', {
  unit: z.enum(['switch', 'media', 'pair', 'supervisor']),
  pid: z.int(),
  version: z.int(),
})

// --- switch -> media: the command set of S1.59, answered by media-response (S1.58) ---------------
const conferenceCreate = message('conference-create', { ref: z.int(), conferenceId: z.int() })
const conferenceDestroy = message('conference-destroy', { ref: z.int(), conferenceId: z.int() })
const memberAdd = message('member-add', { ref: z.int(), leg: wiredMediaSchema })
const memberDelete = message('member-delete', { ref: z.int(), mediaId: z.string() })
/** Media parameter configuration: the leg's whole new record. */
const memberUpdate = message('member-update', { ref: z.int(), leg: wiredMediaSchema })
/** Everything that exists; what is not listed is removed, what is equal goes on untouched. Sent
 * after each new connection of switch and media. */
const conferenceSet = message('conference-set', { ref: z.int(), legs: z.array(wiredMediaSchema) })

// --- media -> switch ---------------------------------------------------------------------------
const mediaResponse = message('media-response', {
  ref: z.int(),
  ok: z.boolean(),
  detail: z.string(),
})
/** The primary's media latched on to an input stream or corrected its mapping. */
const inputMapped = message('input-mapped', { mediaId: z.string(), map: inputMapSchema })
/** A terminal dialled it in a telephone event; once an event, from the media unit of both nodes. */
const digit = message('digit', {
  mediaId: z.string(),
  digit: z.string().regex(/^[0-9*#A-D!]$/),
  /** The same on both nodes, and another one for each event of the leg. */
  mark: z.string().max(32),
  tick: z.number(),
})
const legStatisticsSchema = z.strictObject({
  mediaId: z.string(),
  /** By and at this node; its peer has its own copies. */
  packetsSent: z.number(),
  packetsReceived: z.number(),
  /** Of what the terminal sent: missing, and too late to be played. */
  packetsLost: z.number(),
  packetsLate: z.number(),
  /** RFC 3550 6.4.1, the highest value; arrival is known to a tick. */
  jitterMsMax: z.number(),
  /** What the terminal says that it has lost of ours (RTCP); 0 also when it says nothing. */
  farPacketsLost: z.number(),
  /** The leg is gone: this is the last word. */
  ended: z.boolean(),
})
export type LegStatistics = z.infer<typeof legStatisticsSchema>
/** Of each leg every `legStatisticsMs`, and at its end. */
const legStatistics = message('leg-statistics', {
  legs: z.array(legStatisticsSchema).max(limits.legsPerStatisticsMax),
})
/** S1.55: the last member was removed. */
const conferenceEnded = message('conference-ended', { conferenceId: z.int() })
/** Once a second, and as soon as all legs were named or the last of them became warm. Counters since
 * start. */
const mediaStatistics = message('media-statistics', {
  tick: z.number(),
  legs: z.int(),
  /** Of those, legs with a twin that this node cannot send yet as a node that was here all the time; without
   * legs of the last second, which may only have been told late. */
  coldLegs: z.int().optional(),
  conferences: z.int(),
  backend: z.enum(['ffi', 'dgram']),
  realtime: z.boolean(),
  packetsReceived: z.number(),
  packetsSent: z.number(),
  packetsLate: z.number(),
  packetsLost: z.number(),
  packetsRefused: z.number(),
  ticksLate: z.number(),
  tickLateMsMax: z.number(),
  workUsMean: z.number(),
  /** Packets that this node heard for the peer, and that it heard through it; null: not `floating`. */
  relay: z
    .strictObject({ sent: z.number(), taken: z.number(), refused: z.number() })
    .nullable()
    .optional(),
})

// --- pair -> media, pair -> switch -------------------------------------------------------------
/** The role of this node. Media: twin legs are sent in every role, others by the primary only; also
 * when only the term has changed. Supervisor: speaks ARP for a service address that floats. */
const role = message('role', {
  role: z.enum(roles),
  /** Primary without a peer. */
  alone: z.boolean(),
  term: z.number(),
  because: z.string(),
  /** When the switch of a primary peer last showed life; null: it never did. */
  peerServedAtMs: z.number().nullable(),
  /** Both nodes served while no link was there (ADR 0001). `give`: this one lost, and its sessions go to
   * the peer. `take`: this one stays primary and hears the peer again. `take-late`: the peer stood still
   * meanwhile, and what it has may be over. Only in the first message. */
  merge: z.enum(['give', 'take', 'take-late']).optional(),
  /** The peer gave the role up in a switchover: its media unit goes on with all twin legs. */
  peerSends: z.boolean().optional(),
})
/** Until when what pair said of the role holds without another word: as long as the peer cannot have
 * missed this node (ADR 0015). Sent after each heartbeat that left, and in answer to each sign of life,
 * whose counter `echo` repeats: what pair said before that sign has then been read. */
const lease = message('lease', { untilMs: z.number(), echo: z.number() })
/** To the supervisor, each heartbeat period: the units that are connected, and how far their signs of life
 * have come. For units that it did not start itself, whose pipes ended with the one that did. */
const unitsAlive = message('units-alive', {
  /** Of pair itself. */
  pid: z.int(),
  units: z.array(
    z.strictObject({ unit: z.enum(['switch', 'media']), pid: z.int(), counter: z.number() }),
  ),
})
/** Pair time = CLOCK_MONOTONIC + offsetMs; tick n begins at pair time n * 20 ms. */
const clock = message('clock', {
  offsetMs: z.number(),
  synchronised: z.boolean(),
  /** After `give`, once, when the peer's clock was measured: this one jumped by so many whole ticks,
   * and all timelines of this node jump with it, so that no terminal sees it. */
  shiftTicks: z.int().optional(),
})

// --- pair -> switch ----------------------------------------------------------------------------
export const linkStatusSchema = z.strictObject({
  name: z.string(),
  own: z.string(),
  peer: z.string(),
  state: z.enum(['up', 'down', 'unknown']),
  heardMsAgo: z.number().nullable(),
  rttMs: z.number().nullable(),
  /** Heartbeats of the peer that did not come on this link, since its boot. */
  lost: z.number(),
  /** The same in percent over the last 5 to 10 s; null: too few were due to say. */
  lossPercent: z.number().nullable().default(null),
  /** The peer hears this node on the link, as its newest heartbeat says; null: it is not heard. */
  heardByPeer: z.boolean().nullable().default(null),
})
export const decisionRecordSchema = z.strictObject({
  /** Unix milliseconds. */
  atMs: z.number(),
  /** The same moment by CLOCK_MONOTONIC of the node, and by the clock that both nodes share. */
  monotonicMs: z.number().optional(),
  pairMs: z.number().optional(),
  rule: z.string(),
  from: z.enum(roles),
  to: z.enum(roles),
  term: z.number(),
  because: z.string(),
  evidence: z.array(z.string()),
  alternatives: z.array(z.string()),
})
export type DecisionRecord = z.infer<typeof decisionRecordSchema>
const peerStatusSchema = z.strictObject({
  /** Name of the peer node. */
  node: z.string(),
  role: z.enum(roles),
  term: z.number(),
  heardMsAgo: z.number(),
  sessions: z.int(),
  inStep: z.boolean(),
  /** It can serve: initialised, alive, and it knows the present. */
  ready: z.boolean(),
  switchAlive: z.boolean(),
  mediaAlive: z.boolean(),
  /** What it says of damping, see `pair/damping.ts`. */
  held: z.boolean().optional(),
  stoodIn: z.boolean().optional(),
})
/** What pair knows of its own node; the decision depends on it. */
const ownStatusSchema = z.strictObject({
  switchAlive: z.boolean(),
  mediaAlive: z.boolean(),
  sessions: z.int(),
  syncPending: z.int(),
  inStep: z.boolean(),
  stoodIn: z.boolean(),
  /** How long ago the role of this node changed by itself, of the last minute. */
  changesMsAgo: z.array(z.number()).max(limits.roleChangesMax),
})
/** Ten times a second, and at once on a change. */
const pairStatus = message('pair-status', {
  role: z.enum(roles),
  alone: z.boolean(),
  term: z.number(),
  bootId: z.string(),
  sinceMs: z.number(),
  links: z.array(linkStatusSchema),
  own: ownStatusSchema.optional(),
  peer: peerStatusSchema.nullable(),
  clockOffsetMs: z.number(),
  clockSkewMs: z.number().nullable(),
  realtime: z.boolean(),
  /** Maintenance: no automatic change of role, on both nodes. */
  paused: z.boolean().default(false),
  /** The role changed too often: no more changes but those without which nobody would serve. */
  held: z.boolean().default(false),
  decisions: z.array(decisionRecordSchema).max(32),
  alarms: z.array(z.strictObject({ code: z.string(), subject: z.string(), detail: z.string() })),
})
/** Planned switchover: hold new work, flush every flag to NONE, then say `flushed`. */
const flush = message('flush', { ref: z.int() })
const operationResult = message('operation-result', {
  ref: z.int(),
  ok: z.boolean(),
  detail: z.string(),
  tookMs: z.number(),
})

// --- switch -> pair, media -> pair -------------------------------------------------------------
/** Proof of life, every heartbeat period. */
const switchAlive = message('switch-alive', {
  counter: z.number(),
  sessions: z.int(),
  syncPending: z.int(),
  /** Standby: everything of the peer is here. Primary: the peer has everything. */
  inStep: z.boolean(),
  /** This node served, and its peer had not all of it when that ended. Primary: has not. */
  untold: z.boolean().optional(),
  /** Initialised and able to serve (S1.154). */
  ready: z.boolean(),
  /** What it acts as. */
  role: z.enum(roles),
})
const mediaAlive = message('media-alive', { counter: z.number(), tick: z.number() })
/** A line of the log of pair or media, for `vccs log`. */
const unitLog = message('unit-log', {
  level: z.enum(['debug', 'info', 'warn', 'error']),
  text: z.string().max(2_000),
  fields: z.record(z.string(), z.unknown()),
})
const flushed = message('flushed', { ref: z.int(), ok: z.boolean(), detail: z.string() })
const switchover = message('switchover', {
  ref: z.int(),
  /** True: `failover`, although it is not safe. */
  force: z.boolean(),
  reason: z.string().max(200),
})
/** The switch of the peer says that its pair unit, of this boot, is dead and that it does not serve. */
const peerPairDied = message('peer-pair-died', { bootId: z.string() })
/** `vccs pause`, `vccs resume`; answered with `operation-result`. */
const pause = message('pause', {
  ref: z.int(),
  on: z.boolean(),
  reason: z.string().max(200),
})

const mediaCommandSchema = z.discriminatedUnion('kind', [
  conferenceCreate,
  conferenceDestroy,
  memberAdd,
  memberDelete,
  memberUpdate,
  conferenceSet,
])
export type MediaCommand = z.infer<typeof mediaCommandSchema>

export const busMessageSchema = z.discriminatedUnion('kind', [
  hello,
  conferenceCreate,
  conferenceDestroy,
  memberAdd,
  memberDelete,
  memberUpdate,
  conferenceSet,
  mediaResponse,
  inputMapped,
  digit,
  legStatistics,
  conferenceEnded,
  mediaStatistics,
  role,
  lease,
  unitsAlive,
  clock,
  pairStatus,
  flush,
  operationResult,
  switchAlive,
  mediaAlive,
  flushed,
  switchover,
  peerPairDied,
  pause,
  unitLog,
])
export type BusMessage = z.infer<typeof busMessageSchema>
export type BusMessageOf<K extends BusMessage['kind']> = Extract<BusMessage, { kind: K }>
export const busVersion = 1
