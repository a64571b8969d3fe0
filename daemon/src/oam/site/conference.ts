//! Conferences that are called by a number: with members that are called together, or a room to meet in.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { limits } from '../../limits.ts'
import { digits, displayName, number, type SiteRow, text, textOf } from './words.ts'

const kinds = ['preset', 'meet-me'] as const

const seat = z.union(
  [
    number.transform((member) => ({ number: member, mayTalk: true, gainDb: 0 })),
    z.strictObject({
      number,
      /** False: hears only. */
      mayTalk: z.boolean().default(true),
      gainDb: z.int().min(-30).max(12).default(0),
    }),
  ],
  'must be a number, or an object with number, mayTalk and gainDb',
)

export const conference = z
  .strictObject({
    name: displayName,
    number: digits(64),
    kind: z.enum(kinds).default('meet-me'),
    pin: text(16)
      .pipe(z.string().regex(/^\d{3,16}$/, 'must be 3 to 16 digits'))
      .optional(),
    pinHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
      .nullable()
      .optional(),
    locked: z.boolean().default(false),
    membersMax: z
      .int()
      .min(2)
      .max(limits.conferenceMembersMax, `must be at most ${limits.conferenceMembersMax}`)
      .default(limits.conferenceMembersMax),
    members: z.array(seat).max(limits.conferenceMembersMax).default([]),
  })
  .refine(
    ({ pin, pinHash }) => pin === undefined || pinHash === undefined,
    'has either pin or pinHash',
  )
type WrittenConference = z.output<typeof conference>
export type SiteConference = Omit<WrittenConference, 'pin' | 'pinHash'> & {
  readonly pinHash: string | null
}

export function completeConference(
  key: string,
  { pin, pinHash, ...rest }: WrittenConference,
): SiteConference {
  return { ...rest, pinHash: pin === undefined ? (pinHash ?? null) : pinHashOf(key, pin) }
}

/** Of a few digits this hides little; it keeps a PIN out of files and screens. */
function pinHashOf(key: string, pin: string): string {
  return createHash('sha256').update(`${key}:${pin}`).digest('hex')
}

export function conferenceRow(key: string, one: SiteConference): SiteRow {
  return {
    conference: key,
    display_name: one.name,
    number: one.number,
    kind: one.kind,
    pin_hash: one.pinHash ?? '',
    locked: one.locked ? 1 : 0,
    members_max: one.membersMax,
  }
}

export function seatRow(key: string, member: SiteConference['members'][number]): SiteRow {
  return {
    id: `${key}/${member.number}`,
    conference: key,
    number: member.number,
    listens_only: member.mayTalk ? 0 : 1,
    gain_db: member.gainDb,
  }
}

export function conferenceOf(row: SiteRow, seats: readonly SiteRow[]): SiteConference {
  const members = seats.map((one) => ({
    number: textOf(one, 'number'),
    mayTalk: one.listens_only !== 1,
    gainDb: Number(one.gain_db),
  }))
  return {
    name: textOf(row, 'display_name'),
    number: textOf(row, 'number'),
    kind: kinds.find((one) => one === row.kind) ?? 'meet-me',
    locked: row.locked === 1,
    membersMax: Number(row.members_max) || limits.conferenceMembersMax,
    members: members.sort((a, b) => (a.number < b.number ? -1 : 1)),
    pinHash: textOf(row, 'pin_hash') || null,
  }
}
