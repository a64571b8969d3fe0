//! Table 2, position status list (席位状态列表, S1.79).
import { z } from 'zod'
import { recordObject } from './record-object.ts'

export const positionSchema = recordObject({
  /** Position number (席位号); the key. */
  position: z.string().max(64),
  loginName: z.string().max(64),
  connection: z.enum(['connected', 'disconnected']),
  /** Time-out, Unix milliseconds; 0: none. */
  expiresAtMs: z.number(),
})
export type Position = z.infer<typeof positionSchema>
