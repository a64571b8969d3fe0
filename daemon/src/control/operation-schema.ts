//! What operators did and what it led to: operations, changes of the role, drills. Shared by the verbs
//! and by the files in which a node remembers them (ADR 0017).
import { z } from 'zod'
import { roles } from '../bus/messages.ts'
import { checkSchema, timeSchema } from './status-schema.ts'

const count = z.int().min(0)

const operationKinds = [
  'switchover',
  'failover',
  'pause',
  'resume',
  'sync-db',
  'reinit',
  'drill',
] as const
export type OperationKind = (typeof operationKinds)[number]

/** What a take-over did to the calls, as the switch of the new primary found it. */
export const effectSchema = z.object({
  /** Live sessions in the tables at that moment. */
  calls: count,
  /** Of these, not ended by the switch itself within the time that is watched. */
  kept: count,
  lost: count,
  /** Requests that the old primary had left unanswered and this node answered. */
  sipLate: count,
  /** The longest of those, after the take-over; null: none. */
  sipLateMsMax: z.number().nullable(),
  /** Requests still without an answer. */
  sipOpen: count,
  /** False: the watch goes on. */
  complete: z.boolean(),
})
export type Effect = z.infer<typeof effectSchema>

/** One of the two moves of a drill. */
const moveSchema = z.object({
  from: z.string(),
  to: z.string(),
  ok: z.boolean(),
  detail: z.string(),
  /** From the order until the other node served. */
  tookMs: z.number().nullable(),
  /** Until the new standby had everything again. */
  inStepMs: z.number().nullable(),
  callsBefore: count,
  callsKept: count,
  /** Ended meanwhile by one of their telephones. */
  callsEnded: count,
  callsLost: count,
  twin: z.object({ both: count, wanted: count }),
  /** What the media unit of each node did meanwhile: ticks of 20 ms, packets to terminals, packets of
   * terminals that did not come, and ticks that began late. Voice of a leg on both nodes has a gap
   * only where both were late. Empty: not measured. */
  voice: z
    .array(
      z.object({
        node: z.string(),
        ticks: count,
        packetsSent: count,
        packetsLost: count,
        ticksLate: count,
      }),
    )
    .max(2)
    .default([]),
  /** Codes and subjects of the alarms that were raised: the critical ones, and the others. */
  criticalAlarms: z.array(z.string()).max(50),
  otherAlarms: z.array(z.string()).max(50),
})
export type DrillMove = z.infer<typeof moveSchema>

const drillReportSchema = z.object({
  schema: z.literal('vccs/drill-report/1'),
  operation: z.string(),
  node: z.string(),
  operator: z.string(),
  reason: z.string(),
  startedAt: timeSchema,
  endedAt: timeSchema,
  outcome: z.enum(['passed', 'failed', 'refused']),
  /** Why not passed; empty when passed. */
  findings: z.array(z.string()).max(50),
  checks: z.array(checkSchema),
  /** The move away and the move back, as far as they were made. */
  moves: z.array(moveSchema).max(2),
})
export type DrillReport = z.infer<typeof drillReportSchema>

export const operationSchema = z.object({
  /** Six hexadecimal digits. */
  id: z.string().max(16),
  kind: z.enum(operationKinds),
  /** The node that carries it out. */
  node: z.string(),
  /** Who: the user of the control socket, and in front of it the name that was given. */
  operator: z.string(),
  via: z.enum(['local', 'peer', 'schedule']),
  reason: z.string(),
  startedAt: timeSchema,
  endedAt: timeSchema.nullable(),
  /** `unknown`: the switch unit that carried it out died before the end. */
  state: z.enum(['running', 'done', 'refused', 'failed', 'unknown']),
  detail: z.string(),
  tookMs: z.number().nullable(),
  progress: z.object({ done: count, of: count, what: z.string() }).nullable(),
  report: drillReportSchema.nullable(),
})
export type Operation = z.infer<typeof operationSchema>

/** Two nodes that both served met (ADR 0001): what became of their sessions, seen from one of them. */
const mergeSchema = z.object({
  /** `gave`: this node lost and gave what it had. `took`: it stayed primary. */
  side: z.enum(['gave', 'took']),
  /** False: what was given did not come through in time, and what only the giver had is lost. */
  ok: z.boolean(),
  tookMs: z.number(),
  /** Sessions, live and just ended, and registrations that were handed over. */
  given: count,
  users: count,
  /** What the winner did with the sessions: new to it, newer than its own, its own are newer, ended. */
  adopted: count,
  updated: count,
  kept: count,
  ended: count,
  /** Adopted with another port or bridge number. */
  renumbered: count,
  unreadable: count,
  shiftTicks: z.number(),
  /** Sessions that could not be kept, and the rule that decided it: the first of so many. */
  closedCount: count,
  closed: z.array(z.object({ sessionId: z.string(), rule: z.string() })),
})
export type Merge = z.infer<typeof mergeSchema>

export const historyEntrySchema = z.object({
  at: timeSchema,
  /** The node whose role changed. */
  node: z.string(),
  from: z.enum(roles),
  to: z.enum(roles),
  term: z.number(),
  rule: z.string(),
  because: z.string(),
  /** The operation that wanted it; null: nobody did. */
  operation: z.string().nullable(),
  operator: z.string().nullable(),
  reason: z.string().nullable(),
  effect: effectSchema.nullable(),
  /** Not a change of the role: two primaries met, and this node became or stayed `to`. */
  merge: mergeSchema.nullable().default(null),
})
export type HistoryEntry = z.infer<typeof historyEntrySchema>
