//! The result of the verb `status`: what each node says of itself, and what follows for the pair.
//! Times are ISO 8601 UTC; ages and durations are milliseconds.
import { z } from 'zod'
import { linkStatusSchema, roles } from '../bus/messages.ts'
import { tableNames } from '../tables/address.ts'

export const timeSchema = z.iso.datetime()
const countSchema = z.int().min(0)

const modes = ['redundant (1+1)', 'not redundant', 'stand-alone'] as const
export type Mode = (typeof modes)[number]

const unitSchema = z.object({
  unit: z.enum(['supervisor', 'switch', 'media', 'pair']),
  state: z.enum(['up', 'starting', 'down', 'unknown']),
  pid: z.int().nullable(),
  since: timeSchema.nullable(),
  restarts: countSchema,
})

const syncSchema = z.object({
  inStep: z.boolean(),
  /** Records that wait to be sent, and those sent that wait for their ACK (S1.94). */
  pending: countSchema,
  unacked: countSchema,
  rttMs: z.number().nullable(),
  lastSweepMsAgo: z.number().nullable(),
  tables: z.array(z.object({ table: z.enum(tableNames), records: countSchema })),
  /** S1.105: send and response on the primary, receive on the standby. */
  threads: z.array(z.enum(['send', 'response', 'receive'])),
})

const mediaSchema = z.object({
  backend: z.enum(['ffi', 'dgram']),
  realtime: z.boolean(),
  tick: z.number(),
  legs: countSchema,
  /** Of those, not yet sent as twins by a standby that has just heard of them. */
  coldLegs: countSchema.optional(),
  conferences: countSchema,
  packetsReceived: z.number(),
  packetsSent: z.number(),
  packetsLate: z.number(),
  packetsLost: z.number(),
  packetsRefused: z.number(),
  ticksLate: z.number(),
  tickLateMsMax: z.number(),
  workUsMean: z.number(),
  /** Reach mode floating: packets heard for the peer, and through it. */
  relay: z
    .object({ sent: z.number(), taken: z.number(), refused: z.number() })
    .nullable()
    .optional(),
  msAgo: z.number(),
})

const serviceSchema = z.object({
  calls: countSchema,
  ringing: countSchema,
  held: countSchema,
  /** Registered now, and all accounts. */
  usersOnline: countSchema,
  users: countSchema,
})

const nodeStatusSchema = z.object({
  name: z.string(),
  /** `self`: the daemon that was asked; `peer`: its peer. */
  asked: z.enum(['self', 'peer']),
  /** False: the node did not answer; what is known of it comes from its heartbeats. */
  reachable: z.boolean(),
  /** Null: unknown. Never the last known role of a node that is silent. */
  role: z.enum(roles).nullable(),
  /** `lost`: not heard on any link; `unknown`: nobody can say. */
  state: z.enum(['up', 'degraded', 'starting', 'lost', 'unknown']),
  alone: z.boolean(),
  /** Maintenance: no role changes by itself. */
  paused: z.boolean().default(false),
  /** The role changed too often, and stays where it is for now. */
  held: z.boolean().default(false),
  term: z.number().nullable(),
  since: timeSchema.nullable(),
  version: z.string().nullable(),
  realtime: z.boolean().nullable(),
  config: z.object({ revision: z.number(), hash: z.string() }).nullable(),
  /** How terminals reach the pair; `peerAddress` with reach direct only. */
  reach: z
    .object({
      mode: z.enum(['shared', 'floating', 'direct']),
      address: z.string(),
      peerAddress: z.string().nullable(),
    })
    .nullable()
    .default(null),
  units: z.array(unitSchema),
  links: z.array(linkStatusSchema),
  /** The peer as this node sees it. */
  peerSeen: z
    .object({
      role: z.enum(roles),
      term: z.number(),
      heardMsAgo: z.number(),
      sessions: countSchema,
      inStep: z.boolean(),
    })
    .nullable(),
  sync: syncSchema.nullable(),
  media: mediaSchema.nullable(),
  clock: z.object({ offsetMs: z.number(), skewMs: z.number().nullable() }).nullable(),
  service: serviceSchema.nullable(),
  asOf: timeSchema,
})
export type NodeStatus = z.infer<typeof nodeStatusSchema>

export const checkSchema = z.object({
  name: z.string(),
  /** `failed` makes a switchover unsafe; `warning` does not. */
  outcome: z.enum(['ok', 'warning', 'failed']),
  detail: z.string(),
})
export type Check = z.infer<typeof checkSchema>

export const alarmItemSchema = z.object({
  code: z.string(),
  subject: z.string(),
  severity: z.enum(['critical', 'urgent', 'not-urgent', 'informative']),
  text: z.string(),
  detail: z.string(),
  effect: z.string(),
  next: z.string(),
  raisedAt: timeSchema,
  clearedAt: timeSchema.nullable(),
})
export type AlarmItem = z.infer<typeof alarmItemSchema>

export const statusResultSchema = z.object({
  schema: z.literal('vccs/status/1'),
  site: z.string(),
  mode: z.enum(modes),
  /** Name of the node that serves; null: none is known, or both say that they do. */
  primary: z.string().nullable(),
  term: z.number().nullable(),
  since: timeSchema.nullable(),
  nodes: z.array(nodeStatusSchema).min(1).max(2),
  /** Sentences in which the nodes contradict each other. */
  disagreements: z.array(z.string()),
  /** Sentences that say why the pair is not redundant; empty when it is, and when stand-alone. */
  degraded: z.array(z.string()),
  /** Legs that both nodes carry, of those that should be on both. */
  twin: z.object({ both: countSchema, wanted: countSchema, skewMs: z.number().nullable() }),
  alarms: z.array(alarmItemSchema),
  switchover: z.object({
    safe: z.boolean(),
    reasons: z.array(z.string()),
    checks: z.array(checkSchema),
    callsAtRisk: countSchema,
  }),
  version: z.string(),
  asOf: timeSchema,
})
export type StatusResult = z.infer<typeof statusResultSchema>
