//! What one primary gives the other, as text in parts that fit a frame (ADR 0001). Each part can be read
//! by itself; what cannot be read is dropped and counted, so that one bad record ends no other session.
import { z } from 'zod'
import { limits } from '../../limits.ts'
import { type User, userSchema } from '../../tables/user.ts'
import { type Conference, conferenceSchema } from '../../tables/wired-conference.ts'
import { type WiredMedia, wiredMediaSchema } from '../../tables/wired-media.ts'

/** All that a node that served alone has and the other may not have. */
export interface Gift {
  readonly sessions: readonly Conference[]
  readonly legs: readonly WiredMedia[]
  readonly users: readonly User[]
  /** Sessions that ended while it was alone; false: a terminal was not told. */
  readonly ended: ReadonlyMap<string, boolean>
}

const partSchema = z.union([
  z.strictObject({ session: conferenceSchema, legs: z.array(wiredMediaSchema).max(128) }),
  z.strictObject({ users: z.array(userSchema).max(64) }),
  z.strictObject({ ended: z.array(z.tuple([z.string().max(64), z.boolean()])).max(512) }),
])
type Part = z.infer<typeof partSchema>

const usersPerPart = 32
const endedPerPart = 256

/** @returns the parts; `tooLong` names the sessions that no frame holds. */
export function giftParts(gift: Gift): { parts: string[]; tooLong: string[] } {
  const parts: string[] = []
  const tooLong: string[] = []
  for (const ended of chunks([...gift.ended], endedPerPart)) parts.push(JSON.stringify({ ended }))
  for (const users of chunks(gift.users, usersPerPart)) parts.push(JSON.stringify({ users }))
  const legsOf = Map.groupBy(gift.legs, (leg) => leg.sessionId)
  for (const session of gift.sessions) {
    const { sessionId } = session
    const legs = legsOf.get(sessionId) ?? []
    const text = JSON.stringify({ session, legs })
    // The rest of the frame; a text of this length is compressed to less than a datagram.
    const fits = Buffer.byteLength(text) < limits.syncFrameBytesMax
    if (fits) parts.push(text)
    else tooLong.push(sessionId)
  }
  return { parts, tooLong }
}

/** @returns the gift, and how many parts could not be read. */
export function readGift(parts: readonly string[]): { gift: Gift; unreadable: number } {
  const sessions: Conference[] = []
  const legs: WiredMedia[] = []
  const users: User[] = []
  const ended = new Map<string, boolean>()
  let unreadable = 0
  for (const text of parts) {
    const part = readPart(text)
    if (part === null) unreadable++
    else if ('session' in part) {
      sessions.push(part.session)
      legs.push(...part.legs.filter((leg) => leg.sessionId === part.session.sessionId))
    } else if ('users' in part) users.push(...part.users)
    else for (const [sessionId, isTold] of part.ended) ended.set(sessionId, isTold)
  }
  return { gift: { sessions, legs, users, ended }, unreadable }
}

function readPart(text: string): Part | null {
  try {
    const parsed = partSchema.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size))
  return parts
}
