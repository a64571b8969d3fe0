//! What the verbs of call records (`cdr`, `cdr.show`) and of one call (`call.*`) take and give. Times are
//! ISO 8601 UTC.
import { z } from 'zod'
import { timeSchema } from './status-schema.ts'

/** Call records in one answer. */
const recordsPerAnswer = 200

const rtpSchema = z.object({
  packetsSent: z.number(),
  packetsReceived: z.number(),
  packetsLost: z.number(),
  packetsLate: z.number(),
  jitterMsMax: z.number(),
  farPacketsLost: z.number(),
})

const recordItemSchema = z.object({
  sessionId: z.string(),
  /** Type of the session; ED-137 call type, Subject and Priority as received. */
  type: z.string(),
  callType: z.string(),
  subject: z.string(),
  priority: z.string(),
  caller: z.string(),
  /** The number that was dialled. */
  called: z.string(),
  startedAt: timeSchema,
  /** Null: never answered. */
  answeredAt: timeSchema.nullable(),
  endedAt: timeSchema,
  /** From the answer to the end. */
  talkedMs: z.number(),
  /** `node`: both nodes lost the session; the end is when one of them last knew it. */
  endedBy: z.enum(['caller', 'callee', 'switch', 'node']),
  status: z.int(),
  /** Value of the Reason header of the end (RFC 3326); empty: none. */
  reason: z.string(),
  parties: z.array(
    z.object({
      leg: z.string(),
      number: z.string(),
      side: z.enum(['caller', 'callee']),
      /** The trunk that the leg goes over; absent: it is a terminal of this site. */
      trunk: z.string().optional(),
      invitedAt: timeSchema,
      joinedAt: timeSchema.nullable(),
      leftAt: timeSchema.nullable(),
      rtp: rtpSchema.nullable(),
    }),
  ),
  services: z.array(z.string()),
  /** Changes of the serving node while the session lived. */
  roles: z.array(z.object({ at: timeSchema, term: z.number() })),
})
export type RecordItem = z.infer<typeof recordItemSchema>

/** The place of a record in the list. */
const placeSchema = z.object({ endedAtMs: z.number(), sessionId: z.string().max(64) })

export const cdrParams = z.strictObject({
  /** By the end of the call: from this on, and before that. */
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  /** A number that took part. */
  party: z.string().min(1).max(256).optional(),
  /** Type, call type, priority, a service that was used, or a trunk. */
  kind: z.string().min(1).max(64).optional(),
  /** A SIP status, or a part of the Reason. */
  cause: z.string().min(1).max(64).optional(),
  answered: z.boolean().optional(),
  oldestFirst: z.boolean().default(false),
  limit: z.int().min(1).max(recordsPerAnswer).default(50),
  /** `next` of the answer before. */
  after: placeSchema.optional(),
})

export const cdrShape = {
  records: z.array(recordItemSchema).max(recordsPerAnswer),
  /** Where the next answer begins; null: this was all. */
  next: placeSchema.nullable(),
  /** All that are kept by this node, and those that wait for its disk. */
  kept: z.int().min(0),
  waiting: z.int().min(0),
}

export const cdrShowParams = z.strictObject({ sessionId: z.string().min(1).max(64) })
export const cdrShowShape = { record: recordItemSchema }

/** A document of records (etc/vccs-records.xsd); a longer one comes in parts. */
export const cdrImportParams = z.strictObject({
  document: z.string().max(2_000_000),
  dryRun: z.boolean().default(false),
  operator: z.string().max(64).default(''),
})
export const cdrImportShape = {
  dryRun: z.boolean(),
  records: z.int().min(0),
  /** The others are known, and stay as they are. */
  added: z.int().min(0),
}

const sessionId = z.string().min(1).max(64)

/** `sessionId` may be the beginning of one. */
export const callParams = z.strictObject({ sessionId })

const memberSchema = z.object({
  leg: z.string(),
  number: z.string(),
  side: z.enum(['caller', 'callee']),
  state: z.string(),
  /** Where its SIP goes. */
  address: z.string(),
  callId: z.string(),
  /** Methods of requests that wait for an answer: of the terminal, and ours. */
  waiting: z.array(z.string()),
  /** Null: no voice yet, or no more. */
  media: z
    .object({
      localPort: z.int(),
      remote: z.string(),
      codec: z.string(),
      ptimeMs: z.int(),
      /** Seen from the switch. */
      direction: z.string(),
      gainDb: z.int(),
      twin: z.boolean(),
      /** Of the media unit of this node, some seconds old; null: nothing was told. */
      rtp: rtpSchema.nullable(),
    })
    .nullable(),
})

export const callShowShape = {
  call: z.object({
    sessionId: z.string(),
    type: z.string(),
    state: z.string(),
    callType: z.string(),
    subject: z.string(),
    priority: z.string(),
    called: z.string(),
    startedAt: timeSchema,
    answeredAt: timeSchema.nullable(),
    conferenceId: z.int(),
    services: z.array(z.string()),
    diversions: z.array(z.object({ from: z.string(), to: z.string(), reason: z.string() })),
    members: z.array(memberSchema),
  }),
}
export type CallDetail = z.infer<typeof callShowShape.call>

export const callReleaseParams = z.strictObject({
  sessionId,
  /** For the telephones, the call record and the log. */
  reason: z.string().max(120).default(''),
  operator: z.string().max(64).default(''),
})
export const callReleaseShape = { sessionId: z.string(), reason: z.string() }

export const callTraceParams = z.strictObject({
  sessionId,
  /** Messages with a higher number only. */
  after: z.int().min(0).default(0),
  /** Only what this node has sent, whatever its role: one node asks the other so. */
  sentHere: z.boolean().default(false),
})
export const callTraceShape = {
  sessionId: z.string(),
  node: z.string(),
  messages: z.array(
    z.object({
      sequence: z.int(),
      at: timeSchema,
      /** `in`: to the switch. */
      direction: z.enum(['in', 'out']),
      leg: z.string(),
      number: z.string(),
      address: z.string(),
      summary: z.string(),
      /** Without credentials, dialled digits and keys. */
      text: z.string(),
    }),
  ),
  /** Ask again, after the last one. */
  more: z.boolean(),
  /** The oldest messages of this node are not kept any more. */
  cut: z.boolean(),
  /** The session is in the tables, and has not ended. */
  live: z.boolean(),
}
