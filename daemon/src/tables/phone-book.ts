//! Table 7, phone book list (电话本列表, S1.87). Passwords only as HA1 (RFC 7616), never in clear.
import { z } from 'zod'
import { accountTypes, profileSchema } from './profile.ts'
import { recordObject } from './record-object.ts'

export const phoneBookSchema = recordObject({
  /** Terminal number (终端号码), the user part of its address of record; the key. */
  number: z.string().max(64),
  type: z.enum(accountTypes),
  displayName: z.string().max(128),
  /** Hex of H(user:realm:password). */
  ha1Md5: z.string().length(32),
  ha1Sha256: z.string().length(64),
  /** Which digests its challenge offers (RFC 8760). Telephones that know only MD5 refuse a challenge
   * that names another algorithm beside it, so MD5 alone is the default of the site file. */
  digest: z.enum(['md5', 'sha-256', 'both']),
  /** Terminal priority (终端优先级): 1 highest .. 4 lowest. */
  priority: z.int().min(1).max(4),
  /** Twin streams to this terminal. */
  twin: z.boolean(),
  /** Read it by `profileOf`. */
  profile: profileSchema.nullable().default(null),
})
export type PhoneBookEntry = z.infer<typeof phoneBookSchema>
