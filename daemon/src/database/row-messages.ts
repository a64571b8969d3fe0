//! What two databases say to each other, as text in `rows` and `rows-ack` frames, and the answering
//! side of it.
import { z } from 'zod'
import type { Database, Sql } from '../platform/sqlite.ts'
import { databaseHashes, digestOf, rowHashes } from './compare.ts'
import { appliedOf, applying, applyOperations, setApplied } from './operations.ts'
import { type ConfigRow, checkedRow, deleteRow, readRow, writeRow } from './rows.ts'
import { type ConfigTable, configTables } from './schema.ts'
import { raiseRevision, revisionOf } from './store.ts'

/** Characters of a message: with everything around it, one datagram holds it uncompressed. */
export const messageLengthMax = 48_000

const key = z.string().max(256)
const seq = z.int().min(0)
const source = z.string().max(64)
const table = z.enum(configTables)
const row = z.record(z.string(), z.union([z.string(), z.number()]))
const failures = z.array(z.object({ seq, table: z.string(), key: z.string(), reason: z.string() }))

const messageSchema = z.discriminatedUnion('op', [
  /** Where do you stand with my outbox? */
  z.strictObject({ op: z.literal('offer'), source }),
  z.strictObject({
    op: z.literal('apply'),
    source,
    /** Of the sender: what the rows are after the last of all operations. */
    revision: seq,
    operations: z.array(
      z.strictObject({
        seq,
        table: z.string().max(64),
        op: z.enum(['insert', 'update', 'delete']),
        key,
        changed: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
  /** Keys and hashes of a table, from after this key on. */
  z.strictObject({ op: z.literal('list'), table, after: key.nullable() }),
  /** Whole rows, as many as fit, in this order. */
  z.strictObject({ op: z.literal('fetch'), table, keys: z.array(key) }),
  z.strictObject({
    op: z.literal('repair'),
    steps: z.array(z.strictObject({ table, key, row: row.nullable() })),
  }),
  /** Your rows are as mine were at this number. */
  z.strictObject({ op: z.literal('settle'), source, seq, revision: seq }),
])
export type RowMessage = z.infer<typeof messageSchema>

const replySchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('offer'),
    applied: seq.nullable(),
    digest: z.string(),
    revision: seq,
  }),
  z.object({ op: z.literal('apply'), applied: seq.nullable(), failures, gap: z.boolean() }),
  z.object({
    op: z.literal('list'),
    rows: z.array(z.tuple([z.string(), z.string()])),
    done: z.boolean(),
  }),
  z.object({ op: z.literal('fetch'), rows: z.array(row) }),
  z.object({ op: z.literal('repair'), failures }),
  z.object({ op: z.literal('settle') }),
  /** Not done: this node is not the standby, or its database failed. */
  z.object({ op: z.literal('refused'), detail: z.string() }),
])
export type RowReply = z.infer<typeof replySchema>
export type RowReplyOf<O extends RowReply['op']> = Extract<RowReply, { op: O }>

export function parseMessage(text: string): RowMessage | null {
  return parse(messageSchema, text)
}

export function parseReply(text: string): RowReply | null {
  return parse(replySchema, text)
}

function parse<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** Does what the peer asks. Questions are always answered; changes are for the caller to allow. */
export async function answer(
  database: Database,
  message: RowMessage,
  wallMs: number,
): Promise<RowReply> {
  switch (message.op) {
    case 'offer': {
      const digest = digestOf(await databaseHashes(database))
      const applied = await appliedOf(database, message.source)
      return { op: 'offer', applied, digest, revision: await revisionOf(database) }
    }
    case 'apply': {
      const done = await applyOperations(database, message, { wallMs })
      if (!done.gap) await raiseRevision(database, message.revision)
      return { op: 'apply', ...done, failures: [...done.failures] }
    }
    case 'list':
      return list(database, message.table, message.after)
    case 'fetch':
      return fetch(database, message.table, message.keys)
    case 'repair':
      return repairRows(database, message.steps)
    case 'settle':
      await setApplied(database, message.source, message.seq)
      await raiseRevision(database, message.revision)
      return { op: 'settle' }
  }
}

export function changesRows(message: RowMessage): boolean {
  return message.op === 'apply' || message.op === 'repair' || message.op === 'settle'
}

async function list(sql: Sql, name: ConfigTable, after: string | null): Promise<RowReply> {
  const rows: [string, string][] = []
  let length = 0
  // In the order of `<=`, which is not quite that of SQLite.
  const entries = [...(await rowHashes(sql, name))].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const entry of entries) {
    if (after !== null && entry[0] <= after) continue
    length += entry[0].length * 2 + entry[1].length + 16
    if (length > messageLengthMax) return { op: 'list', rows, done: false }
    rows.push(entry)
  }
  return { op: 'list', rows, done: true }
}

async function fetch(sql: Sql, name: ConfigTable, keys: readonly string[]): Promise<RowReply> {
  const rows: ConfigRow[] = []
  let length = 0
  for (const one of keys) {
    const found = await readRow(sql, name, one)
    if (found === undefined) continue
    length += JSON.stringify(found).length + 1
    if (length > messageLengthMax && rows.length > 0) break
    rows.push(found)
  }
  return { op: 'fetch', rows }
}

async function repairRows(
  database: Database,
  steps: Extract<RowMessage, { op: 'repair' }>['steps'],
): Promise<RowReply> {
  return applying(database, async (sql) => {
    const failed: z.infer<typeof failures> = []
    for (const step of steps) {
      const reason = await repairRow(sql, step)
      if (reason !== null) failed.push({ seq: 0, table: step.table, key: step.key, reason })
    }
    return { op: 'repair', failures: failed }
  })
}

async function repairRow(
  sql: Sql,
  step: Extract<RowMessage, { op: 'repair' }>['steps'][number],
): Promise<string | null> {
  try {
    if (step.row === null) await deleteRow(sql, step.table, step.key)
    else {
      const checked = checkedRow(step.table, step.row)
      if (checked === null) return 'the values do not fit the table'
      await writeRow(sql, step.table, checked)
    }
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
