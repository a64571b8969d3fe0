//! Table 2, position status list (席位状态列表, S1.79); and of each trunk whether its other system is there.
import { z } from 'zod'
import { recordObject } from './record-object.ts'

/** Begins the key of a trunk; a position number of a site has no colon. */
const trunkKey = 'trunk:'

/** The key under which it stands whether the other system of a trunk answers. */
export function keyOfTrunk(name: string): string {
  return `${trunkKey}${name}`
}

/** The trunk of such a key; null: it is a position. */
export function trunkOfKey(key: string): string | null {
  return key.startsWith(trunkKey) ? key.slice(trunkKey.length) : null
}

export const positionSchema = recordObject({
  /** Position number (席位号); the key. */
  position: z.string().max(64),
  loginName: z.string().max(64),
  connection: z.enum(['connected', 'disconnected']),
  /** Time-out, Unix milliseconds; 0: none. */
  expiresAtMs: z.number(),
})
export type Position = z.infer<typeof positionSchema>
