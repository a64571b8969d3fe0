//! Table 1, user list (用户列表, S1.78): who is registered, and where.
import { z } from 'zod'
import { accountTypes } from './profile.ts'
import { recordObject } from './record-object.ts'

export const userSchema = recordObject({
  /** User name; the key. */
  user: z.string().max(64),
  type: z.enum(accountTypes),
  status: z.enum(['online', 'offline']),
  /** Registration address: the Contact URI as text. */
  contact: z.string().max(512),
  /** Where requests to the contact are sent. */
  address: z.string().max(64),
  port: z.int().min(0).max(65_535),
  /** Registration time and time-out, Unix milliseconds. */
  registeredAtMs: z.number(),
  expiresAtMs: z.number(),
  /** Call-ID and CSeq of the last REGISTER (RFC 3261 10.3 step 7). */
  callId: z.string().max(256),
  cseq: z.number(),
})
export type User = z.infer<typeof userSchema>
