//! Groups (S1.133): who is called together.
import { z } from 'zod'
import { limits } from '../../limits.ts'
import { digits, displayName, number, type SiteRow, textOf } from './words.ts'

const modes = ['first', 'all'] as const

export const group = z.strictObject({
  name: displayName,
  /** Who calls it calls all; without it the group has only a name. */
  number: digits(64).nullable().default(null),
  /** first: all ring, the first answer has the call; all: whoever answers joins. */
  mode: z.enum(modes).default('first'),
  noAnswerSeconds: z
    .int()
    .min(1)
    .max(limits.noAnswerSecondsMax)
    .default(limits.noAnswerMs / 1000),
  /** They and the caller are in one session. */
  members: z.array(number).max(limits.conferenceMembersMax - 1),
})
type SiteGroup = z.output<typeof group>

export function groupRow(key: string, one: SiteGroup): SiteRow {
  return {
    name: key,
    display_name: one.name,
    number: one.number ?? '',
    mode: one.mode,
    no_answer_seconds: one.noAnswerSeconds,
  }
}

export function groupMemberRow(key: string, member: string): SiteRow {
  return { id: `${key}/${member}`, group_name: key, number: member }
}

/** @param members in any order: a group has none; one is needed to compare. */
export function groupOf(row: SiteRow, members: readonly SiteRow[]): SiteGroup {
  return {
    name: textOf(row, 'display_name'),
    number: textOf(row, 'number') || null,
    mode: modes.find((one) => one === row.mode) ?? 'first',
    noAnswerSeconds: Number(row.no_answer_seconds) || limits.noAnswerMs / 1000,
    members: members.map((member) => textOf(member, 'number')).sort(),
  }
}
