//! What two databases say to each other, as text in `rows` and `rows-ack` frames. A newer version may
//! say more: what is not known here is passed over (ADR 0019).
import { z } from 'zod'
import { configTables } from './schema.ts'

/** Characters of a message: with everything around it, one datagram holds it uncompressed. */
export const messageLengthMax = 48_000

const key = z.string().max(256)
const seq = z.int().min(0)
const source = z.string().max(64)
const table = z.enum(configTables)
const row = z.record(z.string(), z.union([z.string(), z.number()]))
const failures = z.array(z.object({ seq, table: z.string(), key: z.string(), reason: z.string() }))

/** A change may be longer than one message: its parts are done together, with the last one. */
const part = {
  /** Names the change. */
  batch: z.string().max(64),
  /** 0 and up. */
  part: seq,
  more: z.boolean(),
}

const messageSchema = z.discriminatedUnion('op', [
  /** Where do you stand with my outbox? */
  z.object({ op: z.literal('offer'), source }),
  z.object({
    op: z.literal('apply'),
    ...part,
    source,
    /** Of the sender: what the rows are after the last of all operations. */
    revision: seq,
    operations: z.array(
      z.object({
        seq,
        table: z.string().max(64),
        op: z.enum(['insert', 'update', 'delete']),
        key,
        changed: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
  /** Which rows have you changed after this number of your outbox? */
  z.object({ op: z.literal('changed'), after: seq }),
  /** Keys and hashes of a table, from after this key on. */
  z.object({ op: z.literal('list'), table, after: key.nullable() }),
  /** Whole rows, as many as fit, in this order. */
  z.object({ op: z.literal('fetch'), table, keys: z.array(key) }),
  z.object({
    op: z.literal('repair'),
    ...part,
    /** The rows are then as those of this source at this number. */
    settle: z.object({ source, seq, revision: seq }).nullable(),
    steps: z.array(z.object({ table, key, row: row.nullable() })),
  }),
  /** Your rows are as mine were at this number. */
  z.object({ op: z.literal('settle'), source, seq, revision: seq }),
])
export type RowMessage = z.infer<typeof messageSchema>

const replySchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('offer'),
    applied: seq.nullable(),
    digest: z.string(),
    revision: seq,
    /** The outbox of the one that answers; older versions say nothing of it. */
    source: source.optional(),
    newest: seq.optional(),
  }),
  z.object({
    op: z.literal('changed'),
    /** `changedKey` of each. */
    keys: z.array(z.string().max(322)),
    until: seq,
    done: z.boolean(),
    /** It does not go back so far. */
    gap: z.boolean(),
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
  /** Not done yet, but being done: the same question again is no new one. */
  z.object({ op: z.literal('at-work') }),
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

export function changesRows(message: RowMessage): boolean {
  return message.op === 'apply' || message.op === 'repair' || message.op === 'settle'
}
