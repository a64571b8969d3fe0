//! Table 1, user list (用户列表, S1.78): who is registered, and where.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { accountTypes } from './profile.ts'
import { recordObject } from './record-object.ts'

const binding = {
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
  /** Its q in thousandths; null: none was said, which is 1000. */
  q: z.int().min(0).max(1_000).nullable().default(null),
  /** Route to the contact (RFC 3327), as wire text; null: it is reached directly. */
  path: z.array(z.string().max(512)).max(limits.pathMax).nullable().default(null),
  /** Which terminal it is: `+sip.instance`, with the `reg-id` of the flow (RFC 5626 4.1); null: not said. */
  instance: z.string().max(limits.instanceLengthMax).nullable().default(null),
}

const bindingSchema = recordObject(binding)
export type Binding = z.infer<typeof bindingSchema>

export const userSchema = recordObject({
  /** User name; the key. */
  user: z.string().max(64),
  type: z.enum(accountTypes),
  status: z.enum(['online', 'offline']),
  /** The contact that counts most. */
  ...binding,
  /** The other ones, in their order; null: none. */
  others: z
    .array(bindingSchema)
    .max(limits.contactsMax - 1)
    .nullable()
    .default(null),
})
export type User = z.infer<typeof userSchema>
