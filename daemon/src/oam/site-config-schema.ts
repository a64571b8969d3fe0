//! The shape of a site file (S1.121-S1.133): what an operator writes, and the same with everything
//! filled in and passwords replaced by their HA1. One file of `site/` for each noun that says much.
import { z } from 'zod'
import { limits } from '../limits.ts'
import { account, completeAccount, type SiteAccount } from './site/account.ts'
import { completeConference, conference, type SiteConference } from './site/conference.ts'
import { features, tones } from './site/feature.ts'
import { group } from './site/group.ts'
import { completeTrunk, route, type SiteTrunk, trunk } from './site/trunk.ts'
import { displayName, keyOf, number, section, shortSection, text, word } from './site/words.ts'

export const drillDays = [
  'daily',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const

export const siteSchema = z.strictObject({
  accounts: section(keyOf(64), account),
  positions: section(keyOf(64), z.strictObject({ name: displayName, account: number })),
  phoneBook: section(keyOf(64), z.strictObject({ name: displayName })),
  radios: section(
    keyOf(64),
    z.strictObject({
      name: displayName,
      account: number,
      /** MHz, e.g. 121.500. */
      frequency: text(16).pipe(z.string().regex(/^\d{2,3}\.\d{1,4}$/, 'must be MHz, e.g. 121.500')),
      receiveThresholdDbm: z.int().min(-130).max(0).default(-100),
    }),
  ),
  trunks: shortSection(trunk, limits.trunksMax),
  routes: shortSection(route, limits.routesMax),
  boards: section(
    keyOf(64),
    z.strictObject({ name: displayName, kind: word(64), enabled: z.boolean().default(true) }),
  ),
  servers: section(keyOf(64), z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]) })),
  keys: section(
    keyOf(64),
    z.record(
      z.string().regex(/^\d{1,3}$/, 'must be the number of a key'),
      z.strictObject({ label: displayName, target: text(128) }),
    ),
  ),
  roles: section(keyOf(64), word(64)),
  groups: shortSection(group, limits.groupsMax),
  conferences: shortSection(conference, limits.conferencesMax),
  features,
  tones,
  /** When the pair drills a switchover by itself. */
  drills: section(
    keyOf(32),
    z.strictObject({
      weekday: z.enum(drillDays).default('sunday'),
      /** UTC. */
      time: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day in UTC, e.g. 03:30'),
      enabled: z.boolean().default(true),
    }),
  ),
})

export type WrittenSite = z.output<typeof siteSchema>
/** A checked site: every key there, passwords only as HA1. */
export type Site = Omit<WrittenSite, 'accounts' | 'conferences' | 'trunks'> & {
  readonly accounts: Readonly<Record<string, SiteAccount>>
  readonly conferences: Readonly<Record<string, SiteConference>>
  readonly trunks: Readonly<Record<string, SiteTrunk>>
}

export function completeSite(written: WrittenSite, realm: string): Site {
  return {
    ...written,
    accounts: mapped(written.accounts, (user, one) => completeAccount(user, one, realm)),
    conferences: mapped(written.conferences, completeConference),
    trunks: mapped(written.trunks, (_key, one) => completeTrunk(one, realm)),
  }
}

function mapped<A, B>(
  entries: Readonly<Record<string, A>>,
  change: (key: string, value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(entries).map(([key, one]) => [key, change(key, one)]))
}
