//! Results of `sync-db` and `sync.*`: what the nodes have in common, and what they have not.
import { z } from 'zod'
import { timeSchema } from './status-schema.ts'

const count = z.int().min(0)

/** Rows named in one answer, of each table and of a repair. */
export const rowsNamedMax = 200

const rowDifferencesSchema = z.object({
  table: z.string(),
  rowsHere: count,
  rowsPeer: count,
  onlyHere: count,
  onlyPeer: count,
  different: count,
  /** The first rows that differ. */
  rows: z
    .array(z.object({ key: z.string(), found: z.enum(['only-here', 'only-peer', 'different']) }))
    .max(rowsNamedMax),
})

const repairedRowSchema = z.object({
  table: z.string(),
  key: z.string(),
  /** At the peer. */
  action: z.enum(['written', 'removed']),
  /** Null: done; else why not. */
  failure: z.string().nullable(),
})

/** `from` is the primary: rows always go from it to the standby. */
export const syncDbShape = {
  dryRun: z.boolean(),
  from: z.string(),
  to: z.string(),
  differences: count,
  tables: z.array(rowDifferencesSchema),
  /** Null in a dry run and when there was nothing to repair. */
  repair: z
    .object({
      repaired: count,
      failed: count,
      /** The failed ones first. */
      rows: z.array(repairedRowSchema).max(rowsNamedMax),
      tookMs: z.number(),
    })
    .nullable(),
}

const age = z.number().min(0).nullable()

export const syncStatusShape = {
  node: z.string(),
  role: z.string(),
  /** The eight tables in memory. */
  realTime: z.object({
    inStep: z.boolean(),
    peer: z.enum(['none', 'catching-up', 'following']),
    pending: count,
    tables: z.array(
      z.object({ table: z.string(), records: count, pending: count, hash: z.string() }),
    ),
    /** Milliseconds since the last comparison with the primary, here as standby; null: none yet. */
    comparedMsAgo: age,
    compared: count,
    /** Tables that differed, records whose memory had changed, tables fetched anew. */
    differing: count,
    damaged: count,
    repaired: count,
    /** Frames that changed nothing, by reason. */
    refused: z.record(z.string(), count),
  }),
  /** The rows of the database. */
  staticData: z.object({
    state: z.enum(['idle', 'running', 'in-step', 'behind']),
    /** This database lost its rows and waits for those of the peer. */
    needsPeer: z.boolean(),
    revision: z.number(),
    hash: z.string(),
    /** Number of the newest change made here. */
    newest: count,
    /** Results that are kept here: of all changes that came from the peer, and of the failed ones. */
    operations: count,
    failures: count,
  }),
}

export const syncVerifyShape = {
  node: z.string(),
  equal: z.boolean(),
  realTime: z.array(
    z.object({
      table: z.string(),
      here: count,
      peer: count,
      equal: z.boolean(),
    }),
  ),
  staticData: z.array(rowDifferencesSchema),
}

export const syncFailuresShape = {
  node: z.string(),
  total: count,
  /** Newest first. */
  failures: z.array(
    z.object({
      at: timeSchema,
      /** Database that the change came from; `repair`: of `sync-db` or of a comparison. */
      source: z.string(),
      seq: count,
      table: z.string(),
      op: z.string(),
      key: z.string(),
      reason: z.string(),
    }),
  ),
}
