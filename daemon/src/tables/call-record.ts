//! What is kept of a session: while it lives as a part of its record in table 3, so that a take-over
//! loses nothing of it, and for long as its call record (呼叫记录, S1.138). Times are Unix milliseconds.
import { z } from 'zod'
import { recordObject } from './record-object.ts'

/** A name is used once in a record, so that its size is bounded. */
export const partiesMax = 128
export const servicesMax = 32
export const roleChangesMax = 16
export const reasonMax = 256

const timeSchema = z.number()

/** Packets of one leg, at one node. */
const rtpSchema = recordObject({
  packetsSent: z.number(),
  packetsReceived: z.number(),
  /** Of what the terminal sent: missing, and too late to be played. */
  packetsLost: z.number(),
  packetsLate: z.number(),
  /** RFC 3550 6.4.1, the highest value. */
  jitterMsMax: z.number(),
  /** What the terminal said that it lost of ours. */
  farPacketsLost: z.number(),
})
export type RtpFigures = z.infer<typeof rtpSchema>

/** One leg, from its invitation to its end. */
const partySchema = recordObject({
  /** Name of the leg in its session: `a`, `b` ... */
  leg: z.string().max(8),
  number: z.string().max(64),
  /** `caller`: the terminal invited the switch. */
  side: z.enum(['caller', 'callee']),
  /** The trunk that it goes over; absent: it is a terminal of this site. Never null: nodes compare the texts of their
   * records, and one without trunks is the same as that of a version before this field (ADR 0026). */
  trunk: z.string().max(32).optional(),
  invitedAtMs: timeSchema,
  /** It could talk from then on; null: it never could. */
  joinedAtMs: timeSchema.nullable(),
  leftAtMs: timeSchema.nullable(),
  /** As the media unit of the node told it that served last; null: nothing was told. */
  rtp: rtpSchema.nullable().default(null),
})
export type Party = z.infer<typeof partySchema>

/** Another node began to serve while the session lived. */
const roleChangeSchema = recordObject({ atMs: timeSchema, term: z.number() })
export type RoleChange = z.infer<typeof roleChangeSchema>

export const historySchema = recordObject({
  /** The number that was dialled. */
  called: z.string().max(256),
  parties: z.array(partySchema).max(partiesMax),
  /** Names of the services that were used, each once, in the order of their first use. */
  services: z.array(z.string().max(32)).max(servicesMax),
  roles: z.array(roleChangeSchema).max(roleChangesMax),
  /** Value of the Reason header (RFC 3326) of the end; empty: none was given. */
  reason: z.string().max(reasonMax),
})
export type History = z.infer<typeof historySchema>

export const callRecordSchema = recordObject({
  /** The key: there is one record a session. */
  sessionId: z.string().max(64),
  /** Type of the session (S1.81), and ED-137 call type, Subject and Priority as received. */
  type: z.string().max(32),
  callType: z.string().max(64),
  subject: z.string().max(128),
  priority: z.string().max(64),
  caller: z.string().max(256),
  called: z.string().max(256),
  startedAtMs: timeSchema,
  answeredAtMs: timeSchema.nullable(),
  endedAtMs: timeSchema,
  /** `node`: both nodes lost the session, and the end is the last moment at which one knew it. */
  endedBy: z.enum(['caller', 'callee', 'switch', 'node']),
  /** Final SIP status of the set-up; 200 of an answered call. */
  status: z.int(),
  /** Value of a Reason header (RFC 3326): SIP, Q.850 or WG-67; empty: none was given. */
  reason: z.string().max(reasonMax),
  parties: z.array(partySchema).max(partiesMax),
  services: z.array(z.string().max(32)).max(servicesMax),
  roles: z.array(roleChangeSchema).max(roleChangesMax),
})
export type CallRecord = Readonly<z.infer<typeof callRecordSchema>>
