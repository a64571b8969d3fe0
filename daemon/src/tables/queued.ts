//! Calls that wait for a busy line, and what they do to the conversation there: parts of a record of table 3.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { recordObject } from './record-object.ts'

export const queuedSchema = recordObject({
  /** The account whose line it is. */
  number: z.string().max(64),
  /** Unix milliseconds: since when it waits, and when its turn came; null: it waits still. */
  sinceMs: z.number(),
  calledAtMs: z.number().nullable(),
  /** It may enter the conversation of the line (强插), or end it (强拆); null: it only waits. */
  urge: z.enum(['intrude', 'release']).nullable().default(null),
  /** The session that it is about to enter or to end, and since when (Unix milliseconds); null: there is none
   * now. */
  presses: recordObject({ sessionId: z.string().max(64), sinceMs: z.number() })
    .nullable()
    .default(null),
  /** Unix milliseconds: since when the terminal was rung for it beside its calls; null: it was not. */
  rungAtMs: z.number().nullable().default(null),
})

export const intrusionSchema = recordObject({
  leg: z.string().max(8),
  /** The account that was to be reached. */
  number: z.string().max(64),
  /** Unix milliseconds. */
  atMs: z.number(),
})

export const interruptionSchema = recordObject({
  /** The session that waits for its end. */
  by: z.string().max(64),
  /** It goes on after all, and these legs are still to be told so; null: its end is near. */
  untold: z.array(z.string().max(8)).max(limits.conferenceMembersMax).nullable().default(null),
})
