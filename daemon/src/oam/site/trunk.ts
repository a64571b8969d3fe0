//! Trunk routes (S1.125): other systems, and which numbers go to them.
import { z } from 'zod'
import { wordsOf } from '../../database/account-columns.ts'
import { numberRulesOf } from '../../database/number-rules.ts'
import { limits } from '../../limits.ts'
import { priorities } from '../../tables/profile.ts'
import { failOvers } from '../../tables/site-words.ts'
import { type Ha1, ha1, ha1Of } from './account.ts'
import { displayName, number, type SiteRow, text, textOf, word } from './words.ts'

/** What stands there instead, by the beginning of the number: the longest one counts. */
const rules = z
  .record(
    z.string().regex(/^[0-9*#+]{0,32}$/, 'must be the first digits of a number'),
    text(32).pipe(z.string().regex(/^[0-9*#+]*$/, 'must be digits, * # or +')),
  )
  .refine((all) => Object.keys(all).length <= limits.numberRulesMax, 'too many rules')
  .default({})
const direction = z.strictObject({ called: rules, caller: rules }).prefault({})
const trusts = ['address', 'digest'] as const

const login = z
  .strictObject({
    user: text(64),
    /** Of the other system, in which it asks us for the password. */
    realm: text(128),
    password: text(256).optional(),
    ha1: ha1.optional(),
    peerHa1: ha1.optional(),
  })
  .refine(
    ({ password, ha1, peerHa1 }) =>
      password === undefined
        ? ha1 !== undefined && peerHa1 !== undefined
        : ha1 === undefined && peerHa1 === undefined,
    'needs either password or both ha1 and peerHa1',
  )

export const trunk = z
  .strictObject({
    name: displayName,
    address: z.union([z.ipv4(), z.ipv6()]).optional(),
    port: z.int().min(1).max(65_535).default(5060),
    /** In the place of an address: a gateway that registers. */
    account: number.optional(),
    /** How a call from it shows where it comes from. */
    trust: z.enum(trusts).default('address'),
    login: login.nullable().default(null),
    capacity: z.int().min(1).max(limits.sessionsMax).default(limits.sessionsMax),
    /** Period of the probes; 0: none. */
    optionsSeconds: z.int().min(0).max(3_600).default(30),
    /** Without any answer for so long, a call goes another way. */
    responseSeconds: z.int().min(1).max(32).default(4),
    /** Classes of routes that calls from it may go on to. */
    classes: z.array(word(32)).max(limits.trunkClassesMax).default([]),
    priorityMax: z.enum(priorities).default('emergency'),
    /** A call from it may monitor those who may be monitored. */
    monitor: z.boolean().default(false),
    outgoing: direction,
    incoming: direction,
  })
  .refine(
    ({ address, account }) => (address === undefined) !== (account === undefined),
    'needs either address or account',
  )
  .refine(
    ({ trust, login }) => trust === 'address' || login !== null,
    'trust: digest needs a login',
  )
type WrittenTrunk = z.output<typeof trunk>
type Direction = z.output<typeof direction>
interface SiteLogin {
  readonly user: string
  readonly realm: string
  readonly ha1: Ha1
  readonly peerHa1: Ha1
}
export type SiteTrunk = Omit<WrittenTrunk, 'login'> & { readonly login: SiteLogin | null }

export const route = z.strictObject({
  name: displayName,
  pattern: text(64).pipe(
    z
      .string()
      .regex(/^[0-9*#+X]*\.?$/, 'must be digits or X, and at the end . for any more')
      .min(1),
  ),
  /** Of two patterns that are equally exact: 1 first. */
  priority: z.int().min(1).max(100).default(50),
  /** Class of service; left out: for everybody. */
  class: z.union([z.literal(''), word(32)]).default(''),
  /** In the order in which they are tried. */
  trunks: z.array(word(32)).min(1).max(limits.trunksPerRouteMax),
  failOver: z.array(z.enum(failOvers)).default([...failOvers]),
})
type SiteRoute = z.output<typeof route>

export function completeTrunk({ login, ...rest }: WrittenTrunk, realm: string): SiteTrunk {
  if (login === null) return { ...rest, login }
  const { user, password = '', realm: peerRealm } = login
  const own = login.ha1 ?? ha1Of(user, realm, password)
  const peerHa1 = login.peerHa1 ?? ha1Of(user, peerRealm, password)
  return { ...rest, login: { user, realm: peerRealm, ha1: own, peerHa1 } }
}

export function trunkRow(key: string, one: SiteTrunk): SiteRow {
  const { login, outgoing, incoming } = one
  return {
    trunk: key,
    display_name: one.name,
    address: one.address ?? '',
    port: one.port,
    account: one.account ?? '',
    trust: one.trust,
    login_user: login?.user ?? '',
    ha1_md5: login?.ha1.md5 ?? '',
    ha1_sha256: login?.ha1.sha256 ?? '',
    peer_realm: login?.realm ?? '',
    peer_ha1_md5: login?.peerHa1.md5 ?? '',
    peer_ha1_sha256: login?.peerHa1.sha256 ?? '',
    capacity: one.capacity,
    options_seconds: one.optionsSeconds,
    response_seconds: one.responseSeconds,
    classes: one.classes.join(' '),
    priority_max: one.priorityMax,
    may_monitor: one.monitor ? 1 : 0,
    outgoing_called: rulesText(outgoing.called),
    outgoing_caller: rulesText(outgoing.caller),
    incoming_called: rulesText(incoming.called),
    incoming_caller: rulesText(incoming.caller),
  }
}

export function trunkOf(row: SiteRow): SiteTrunk {
  const at = (column: string) => textOf(row, column)
  const [address, account] = [at('address'), at('account')]
  const rulesOf = (column: string) =>
    Object.fromEntries(numberRulesOf(at(column)).map(({ from, to }) => [from, to]))
  const both = (way: 'outgoing' | 'incoming'): Direction => ({
    called: rulesOf(`${way}_called`),
    caller: rulesOf(`${way}_caller`),
  })
  const login = {
    user: at('login_user'),
    realm: at('peer_realm'),
    ha1: { md5: at('ha1_md5'), sha256: at('ha1_sha256') },
    peerHa1: { md5: at('peer_ha1_md5'), sha256: at('peer_ha1_sha256') },
  }
  return {
    name: at('display_name'),
    ...(address === '' ? {} : { address }),
    port: Number(row.port) || 5060,
    ...(account === '' ? {} : { account }),
    trust: trusts.find((one) => one === row.trust) ?? 'address',
    login: login.user === '' ? null : login,
    capacity: Number(row.capacity) || limits.sessionsMax,
    optionsSeconds: Number(row.options_seconds),
    responseSeconds: Number(row.response_seconds) || 4,
    classes: wordsOf(at('classes')),
    priorityMax: priorities.find((one) => one === row.priority_max) ?? 'emergency',
    monitor: row.may_monitor === 1,
    outgoing: both('outgoing'),
    incoming: both('incoming'),
  }
}

/** In the order of the keys, so that equal rules are equal text. */
function rulesText(rules: Readonly<Record<string, string>>): string {
  const entries = Object.entries(rules).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.length === 0 ? '' : JSON.stringify(entries)
}

export function routeRow(key: string, one: SiteRoute): SiteRow {
  return {
    route: key,
    display_name: one.name,
    pattern: one.pattern,
    priority: one.priority,
    class: one.class,
    trunks: one.trunks.join(' '),
    fail_over: one.failOver.length === 0 ? 'none' : one.failOver.join(' '),
  }
}

export function routeOf(row: SiteRow): SiteRoute {
  const why = wordsOf(textOf(row, 'fail_over'))
  return {
    name: textOf(row, 'display_name'),
    pattern: textOf(row, 'pattern'),
    priority: Number(row.priority) || 50,
    class: textOf(row, 'class'),
    trunks: wordsOf(textOf(row, 'trunks')),
    failOver: why.length === 0 ? [...failOvers] : failOvers.filter((one) => why.includes(one)),
  }
}
