//! How a call came to who rings: the steps of this site, and what another system has said of its own.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { recordObject } from './record-object.ts'

const diversionReasons = [
  'unconditional',
  'user-busy',
  'no-answer',
  'unavailable',
  'do-not-disturb',
  'deflection',
] as const

/** One forwarding of a call, with the reason by its name in RFC 5806. */
export const diversionSchema = recordObject({
  from: z.string().max(64),
  to: z.string().max(64),
  reason: z.enum(diversionReasons),
  /** Unix milliseconds. */
  atMs: z.number(),
})
export type Diversion = z.infer<typeof diversionSchema>

/** How another system says that the call came to us: header values, each written anew from what was read. */
export const receivedSchema = recordObject({
  /** Values of Diversion, the latest first, and of History-Info, the first number first. */
  diversions: z.array(z.string().max(256)).max(limits.diversionsMax),
  history: z.array(z.string().max(256)).max(limits.diversionsMax),
  /** Index of whom the call was for when it came, in History-Info. */
  index: z.string().max(64),
  /** Accounts of this site that have sent the call on before. */
  accounts: z.array(z.string().max(64)).max(limits.diversionsMax),
})
export type Received = z.infer<typeof receivedSchema>
