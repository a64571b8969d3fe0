//! The shape of a site file (S1.121-S1.133): what an operator writes, and the same with everything
//! filled in and passwords replaced by their HA1.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { accountTypes } from '../tables/profile.ts'

/** Numbers may be written without quotes. */
const text = (lengthMax: number) =>
  z
    .union([z.string(), z.number()], 'must be text')
    .transform(String)
    .pipe(z.string().max(lengthMax))
const word = (lengthMax: number) =>
  text(lengthMax).pipe(z.string().regex(/^[^\s"<>@/.\\]+$/, 'must be one word without @ / . " < >'))
const name = text(128).default('')
const number = word(64)

const ha1 = z.strictObject({
  md5: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
})

export const digests = ['md5', 'sha-256', 'both'] as const

const account = z
  .strictObject({
    name,
    type: z.enum(accountTypes).default('telephone'),
    password: text(256).optional(),
    ha1: ha1.optional(),
    /** Which digests the challenge offers (ADR 0012). */
    digest: z.enum(digests).default('md5'),
    /** 1 highest .. 4 lowest. */
    priority: z.int().min(1).max(4).default(4),
    /** False: the terminal gets the primary's stream only. */
    twin: z.boolean().default(true),
  })
  .refine(
    ({ password, ha1 }) => (password === undefined) !== (ha1 === undefined),
    'needs either password or ha1',
  )

const section = <S extends z.ZodType>(key: z.ZodType<string, string>, value: S) =>
  z.record(key, value).default({})

/** Keys are checked with the same rules as the text they stand for. */
const keyOf = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .regex(/^[^\s"<>@/.\\]+$/, 'must be one word without @ / . " < >')

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
  positions: section(keyOf(64), z.strictObject({ name, account: number })),
  phoneBook: section(keyOf(64), z.strictObject({ name })),
  radios: section(
    keyOf(64),
    z.strictObject({
      name,
      account: number,
      /** MHz, e.g. 121.500. */
      frequency: text(16).pipe(z.string().regex(/^\d{2,3}\.\d{1,4}$/, 'must be MHz, e.g. 121.500')),
      receiveThresholdDbm: z.int().min(-130).max(0).default(-100),
    }),
  ),
  trunks: section(keyOf(32), z.strictObject({ name, gateway: number })),
  boards: section(
    keyOf(64),
    z.strictObject({ name, kind: word(64), enabled: z.boolean().default(true) }),
  ),
  servers: section(keyOf(64), z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]) })),
  keys: section(
    keyOf(64),
    z.record(
      z.string().regex(/^\d{1,3}$/, 'must be the number of a key'),
      z.strictObject({ label: name, target: text(128) }),
    ),
  ),
  roles: section(keyOf(64), word(64)),
  groups: section(keyOf(64), z.strictObject({ name, members: z.array(number).max(128) })),
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

type WrittenSite = z.output<typeof siteSchema>
export type SiteAccount = Omit<WrittenSite['accounts'][string], 'password' | 'ha1'> & {
  readonly ha1: z.infer<typeof ha1>
}
/** A checked site: every key there, passwords only as HA1. */
export type Site = Omit<WrittenSite, 'accounts'> & {
  readonly accounts: Readonly<Record<string, SiteAccount>>
}

/** RFC 7616 3.4.2: H(user:realm:password). */
export function completeSite(written: WrittenSite, realm: string): Site {
  const accounts: Record<string, SiteAccount> = {}
  for (const [user, { password, ha1, ...rest }] of Object.entries(written.accounts)) {
    accounts[user] = { ...rest, ha1: ha1 ?? ha1Of(user, realm, password ?? '') }
  }
  return { ...written, accounts }
}

function ha1Of(user: string, realm: string, password: string): z.infer<typeof ha1> {
  const text = `${user}:${realm}:${password}`
  const hash = (algorithm: string) => createHash(algorithm).update(text).digest('hex')
  return { md5: hash('md5'), sha256: hash('sha256') }
}

interface SiteFault {
  readonly path: readonly PropertyKey[]
  readonly text: string
}

/** What one value alone cannot tell: everything that is named must exist. */
export function referenceFaults(site: WrittenSite): SiteFault[] {
  const faults: SiteFault[] = []
  const need = (section: 'accounts' | 'positions', key: string, path: PropertyKey[]) => {
    if (Object.hasOwn(site[section], key)) return
    faults.push({ path, text: `${key} is not in ${section}` })
  }
  for (const [key, one] of Object.entries(site.positions)) {
    need('accounts', one.account, ['positions', key, 'account'])
  }
  for (const [key, one] of Object.entries(site.radios)) {
    need('accounts', one.account, ['radios', key, 'account'])
  }
  for (const [key, one] of Object.entries(site.trunks)) {
    need('accounts', one.gateway, ['trunks', key, 'gateway'])
  }
  for (const key of Object.keys(site.keys)) need('positions', key, ['keys', key])
  for (const key of Object.keys(site.roles)) need('positions', key, ['roles', key])
  for (const [key, { members }] of Object.entries(site.groups)) {
    for (const [index, member] of members.entries()) {
      need('accounts', member, ['groups', key, 'members', index])
      if (members.indexOf(member) === index) continue
      faults.push({ path: ['groups', key, 'members', index], text: `${member} is named twice` })
    }
  }
  return faults
}
