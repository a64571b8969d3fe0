//! Accounts (S1.121, S1.128): who may register, what he may do, how his line behaves.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { profileOfRow, profileTexts, settingsTexts } from '../../database/account-columns.ts'
import { limits } from '../../limits.ts'
import type { Work } from '../../platform/turns.ts'
import { accountTypes, defaultProfile, type Profile, priorities } from '../../tables/profile.ts'
import { displayName, number, type SiteRow, text, textOf, word } from './words.ts'

const hex = (length: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`), `must be ${length} hexadecimal digits`)
export const ha1 = z.strictObject({ md5: hex(32), sha256: hex(64) })
export type Ha1 = z.infer<typeof ha1>

const digests = ['md5', 'sha-256', 'both'] as const

/** What is left out is as usual for the type (`tables/profile.ts`). */
const rights = z.strictObject({
  intrude: z.boolean(),
  beIntruded: z.boolean(),
  forceRelease: z.boolean(),
  monitor: z.boolean(),
  beMonitored: z.boolean(),
  priorityMax: z.enum(priorities),
  trunkClasses: z.array(word(32)).max(limits.trunkClassesMax),
})

const line = z.strictObject({
  calls: z.int().min(1).max(limits.legsMax),
  waiting: z.int().min(0).max(limits.waitingCallsMax),
  noAnswerSeconds: z.int().min(1).max(limits.noAnswerSecondsMax),
  instantAccess: z.int().min(0).max(limits.legsMax),
  contacts: z.int().min(1).max(limits.contactsMax),
  hotline: number.nullable(),
  pickupGroup: word(64).nullable(),
  failureTones: z.boolean(),
})

const forward = z.strictObject({
  always: number.nullable().default(null),
  busy: number.nullable().default(null),
  noAnswer: number.nullable().default(null),
  notRegistered: number.nullable().default(null),
})

export const account = z
  .strictObject({
    name: displayName,
    type: z.enum(accountTypes).default('telephone'),
    password: text(256).optional(),
    ha1: ha1.optional(),
    /** Which digests the challenge offers (ADR 0012). */
    digest: z.enum(digests).default('md5'),
    /** 1 highest .. 4 lowest. */
    priority: z.int().min(1).max(4).default(4),
    /** False: the terminal gets the primary's stream only. */
    twin: z.boolean().default(true),
    rights: rights.partial().default({}),
    line: line.partial().default({}),
    /** What the user may set himself: left out, it stays as he has set it (ADR 0024). */
    doNotDisturb: z.boolean().optional(),
    forward: forward.optional(),
  })
  .refine(
    ({ password, ha1 }) => (password === undefined) !== (ha1 === undefined),
    'needs either password or ha1',
  )

type WrittenAccount = z.output<typeof account>
export type SiteAccount = Omit<WrittenAccount, 'password' | 'ha1' | 'rights' | 'line'> &
  Pick<Profile, 'rights' | 'line'> & { readonly ha1: Ha1 }

export function completeAccount(
  user: string,
  { password, ha1, rights, line, ...rest }: WrittenAccount,
  realm: string,
): SiteAccount {
  const usual = defaultProfile(rest.type)
  return {
    ...rest,
    rights: { ...usual.rights, ...given(rights) },
    line: { ...usual.line, ...given(line) },
    ha1: ha1 ?? ha1Of(user, realm, password ?? ''),
  }
}

/** RFC 7616 3.4.2: H(user:realm:password). */
export function ha1Of(user: string, realm: string, password: string): Ha1 {
  const value = `${user}:${realm}:${password}`
  const hash = (algorithm: string) => createHash(algorithm).update(value).digest('hex')
  return { md5: hash('md5'), sha256: hash('sha256') }
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function given<T extends object>(some: T): Given<T> {
  const entries = Object.entries(some).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Given<T>
}

export function accountRow(user: string, one: SiteAccount): SiteRow {
  const { name, type, ha1, digest, priority, twin, doNotDisturb, forward } = one
  return {
    number: user,
    display_name: name,
    type,
    ha1_md5: ha1.md5,
    ha1_sha256: ha1.sha256,
    digest,
    priority,
    twin: twin ? 1 : 0,
    ...profileTexts(type, one),
    ...settingsTexts({ doNotDisturb, forward }),
  }
}

export function accountOf(row: SiteRow): SiteAccount {
  const type = accountTypes.find((one) => one === row.type) ?? 'telephone'
  const { rights, line, settings } = profileOfRow(type, row)
  return {
    name: textOf(row, 'display_name'),
    type,
    ha1: { md5: textOf(row, 'ha1_md5'), sha256: textOf(row, 'ha1_sha256') },
    digest: digests.find((one) => one === row.digest) ?? 'md5',
    priority: Number(row.priority),
    twin: row.twin === 1,
    rights,
    line,
    ...settings,
  }
}

/** Accounts whose settings of their users a change of the site changes. */
export function settingsOf(changes: readonly { readonly path: string }[]): Set<string> {
  const found = new Set<string>()
  for (const { path } of changes) {
    const [section, user, part] = path.split('.')
    const isSetting = part === undefined || part === 'doNotDisturb' || part === 'forward'
    if (section === 'accounts' && user !== undefined && isSetting) found.add(user)
  }
  return found
}

/** The site without the settings of all other users, which may have changed since it was read. */
export function* withoutSettings<S extends { accounts: Readonly<Record<string, SiteAccount>> }>(
  site: S,
  settled: ReadonlySet<string>,
): Work<S> {
  const accounts: [string, SiteAccount][] = []
  for (const [user, one] of Object.entries(site.accounts)) {
    const { doNotDisturb, forward, ...rest } = one
    accounts.push([user, settled.has(user) ? one : rest])
    yield
  }
  return { ...site, accounts: Object.fromEntries(accounts) }
}

/** As it is written to a file: what is usual for the type is left out. */
export function briefAccount(one: SiteAccount): object {
  const usual = defaultProfile(one.type)
  const { rights, line, forward, ...rest } = one
  const set = Object.entries(forward ?? {}).filter(([, target]) => target !== null)
  return {
    ...rest,
    ...unusual('rights', rights, usual.rights),
    ...unusual('line', line, usual.line),
    ...(forward === undefined ? {} : { forward: Object.fromEntries(set) }),
  }
}

function unusual<T extends object>(name: string, value: T, usual: T): object {
  const own = Object.entries(value).filter(
    ([key, one]) => JSON.stringify(one) !== JSON.stringify(usual[key as keyof T]),
  )
  return own.length === 0 ? {} : { [name]: Object.fromEntries(own) }
}
