//! What the core knows of the site beside the eight tables: configuration that both nodes read from
//! their equal databases (ADR 0021). One immutable value; a change of the site is another one.
import type { Profile } from '../tables/profile.ts'
import {
  type FailOver,
  type FeatureName,
  featureCodes,
  featureNames,
  type ToneCountry,
} from '../tables/site-words.ts'

/** Calls that are answered by several (群组呼叫). */
export interface GroupPlan {
  readonly name: string
  readonly displayName: string
  /** By which it is called; null: only its name is known, e.g. to pick up. */
  readonly number: string | null
  /** `first`: all ring, the first answer has the call; `all`: whoever answers joins. */
  readonly mode: 'first' | 'all'
  readonly noAnswerSeconds: number
  /** Numbers of accounts. */
  readonly members: readonly string[]
}

interface ConferenceSeat {
  readonly number: string
  /** False: hears only. */
  readonly mayTalk: boolean
  readonly gainDb: number
}

export interface ConferencePlan {
  readonly name: string
  readonly displayName: string
  readonly number: string
  /** `preset`: a call to it calls its members (预设会议); `meet-me`: whoever calls it joins. */
  readonly kind: 'preset' | 'meet-me'
  readonly members: readonly ConferenceSeat[]
  /** Hex of SHA-256 of `name:PIN`; null: no PIN is asked for. */
  readonly pinHash: string | null
  /** Begins locked: only its members get in. */
  readonly locked: boolean
  readonly membersMax: number
}

/** By the beginning of a number, what stands there instead; the longest beginning counts. */
export type NumberRules = readonly { readonly from: string; readonly to: string }[]

export interface TrunkPlan {
  readonly name: string
  readonly displayName: string
  /** Where the other system is; null: where `account` is registered. */
  readonly peer: { readonly address: string; readonly port: number } | null
  /** A gateway that registers here. */
  readonly account: string | null
  /** How a call from it shows that it is one: it comes from the address, or with the password. */
  readonly trust: 'address' | 'digest'
  /** Of a trunk with a password: the user, HA1 in our realm, and in the one of the other system. */
  readonly login: TrunkLogin | null
  /** Calls at the same time. */
  readonly capacity: number
  /** Period of the probes; 0: none. */
  readonly optionsSeconds: number
  /** Without any answer for so long a call goes another way. */
  readonly responseSeconds: number
  /** Classes of routes that a call from it may use on: none by default. */
  readonly classes: readonly string[]
  readonly priorityMax: Profile['rights']['priorityMax']
  /** A call from it may monitor those who may be monitored. */
  readonly monitor: boolean
  /** Numbers of calls to it, and of calls from it. */
  readonly outgoing: { readonly called: NumberRules; readonly caller: NumberRules }
  readonly incoming: { readonly called: NumberRules; readonly caller: NumberRules }
}

export interface TrunkLogin {
  readonly user: string
  readonly ha1Md5: string
  readonly ha1Sha256: string
  readonly peerRealm: string
  readonly peerHa1Md5: string
  readonly peerHa1Sha256: string
}

export interface RoutePlan {
  readonly name: string
  /** Digits, `X` for any digit, and at the end `.` for any more, or nothing. */
  readonly pattern: string
  /** Of two patterns that are equally exact: 1 first. */
  readonly priority: number
  /** Class of service: who has no right to it gets 403. '' is for everybody. */
  readonly class: string
  /** Names, in the order in which they are tried. */
  readonly trunks: readonly string[]
  readonly failOver: readonly FailOver[]
}

/** A position and its account (席位, S1.79). */
interface PositionPlan {
  readonly position: string
  readonly displayName: string
  readonly role: string
  readonly account: string
}

export interface Plan {
  readonly groups: readonly GroupPlan[]
  readonly conferences: readonly ConferencePlan[]
  /** Null: the service is switched off. */
  readonly features: Readonly<Record<FeatureName, string | null>>
  readonly trunks: readonly TrunkPlan[]
  readonly routes: readonly RoutePlan[]
  readonly positions: readonly PositionPlan[]
  readonly tones: ToneCountry
  /** Those who are monitored hear that they are. */
  readonly monitoringTone: boolean
  /** Members of a conference hear that somebody comes or goes. */
  readonly conferenceTones: boolean
}

/** A site that says nothing. */
export const emptyPlan: Plan = {
  groups: [],
  conferences: [],
  features: Object.fromEntries(
    featureNames.map((name) => [name, featureCodes[name].digits]),
  ) as Plan['features'],
  trunks: [],
  routes: [],
  positions: [],
  tones: 'europe',
  monitoringTone: false,
  conferenceTones: true,
}
