//! What an account may do, how its line behaves, and what its user may set by himself: the part of a
//! record of table 7 that the telephone services ask (docs/adr/0024-accounts.md).
import { z } from 'zod'
import { limits } from '../limits.ts'
import { recordObject } from './record-object.ts'

export const accountTypes = ['telephone', 'position', 'radio', 'gateway'] as const
export type AccountType = (typeof accountTypes)[number]

/** ED-137 sheet 5.1, the highest first. */
export const priorities = ['emergency', 'urgent', 'normal', 'non-urgent'] as const

const number = z.string().max(64)

const rightsSchema = recordObject({
  /** It may enter a call of others (强插), and others may enter its calls. */
  intrude: z.boolean(),
  beIntruded: z.boolean(),
  /** It may end a call of others (强拆). */
  forceRelease: z.boolean(),
  /** It may hear others without being heard, and others may hear it so. */
  monitor: z.boolean(),
  beMonitored: z.boolean(),
  /** The highest Priority that its calls may have. */
  priorityMax: z.enum(priorities),
  /** Classes of the trunk routes that it may use; a route without a class is for everybody. */
  trunkClasses: z.array(z.string().max(32)).max(limits.trunkClassesMax),
})

const lineSchema = recordObject({
  /** Calls that it has at the same time, ringing ones included; more find it busy. */
  calls: z.int().min(1).max(limits.legsMax),
  /** Calls beyond these that wait instead (排队). */
  waiting: z.int().min(0).max(limits.waitingCallsMax),
  noAnswerSeconds: z.int().min(1).max(limits.noAnswerSecondsMax),
  /** Instantaneous access calls that it takes at the same time, beside all others. */
  instantAccess: z.int().min(0).max(limits.legsMax),
  /** Contacts that may be registered at the same time; one more takes the place of the oldest. */
  contacts: z.int().min(1).max(limits.contactsMax),
  /** Every call of it goes there (热线), whatever was dialled. */
  hotline: number.nullable(),
  /** Who is in the same group may pick up its calls (代答). */
  pickupGroup: z.string().max(64).nullable(),
  /** It has no tones of its own: that a call has failed is heard before it is told by SIP. */
  failureTones: z.boolean().default(false),
})

const forwardSchema = recordObject({
  always: number.nullable(),
  busy: number.nullable(),
  noAnswer: number.nullable(),
  notRegistered: number.nullable(),
})
export type Forward = z.infer<typeof forwardSchema>

const settingsSchema = recordObject({
  doNotDisturb: z.boolean(),
  /** Numbers to which its calls go instead (呼叫转移). */
  forward: forwardSchema,
})

export const profileSchema = recordObject({
  rights: rightsSchema,
  line: lineSchema,
  /** The user changes these with feature codes and by SIP. */
  settings: settingsSchema,
})
export type Profile = z.infer<typeof profileSchema>

const noForward: Forward = { always: null, busy: null, noAnswer: null, notRegistered: null }

const telephone: Profile = {
  rights: {
    intrude: false,
    beIntruded: true,
    forceRelease: false,
    monitor: false,
    beMonitored: false,
    priorityMax: 'normal',
    trunkClasses: [],
  },
  line: {
    calls: 1,
    waiting: 0,
    noAnswerSeconds: limits.noAnswerMs / 1000,
    instantAccess: 1,
    contacts: 1,
    hotline: null,
    pickupGroup: null,
    failureTones: false,
  },
  settings: { doNotDisturb: false, forward: noForward },
}

/** What an account has that says nothing else. A position is a controller's; a gateway has many lines
 * and the users of another system behind it, whose priority that system has judged. */
const defaults: Readonly<Record<AccountType, Profile>> = {
  telephone,
  position: {
    ...telephone,
    rights: { ...telephone.rights, intrude: true, beMonitored: true, priorityMax: 'emergency' },
    line: { ...telephone.line, waiting: 5 },
  },
  radio: {
    ...telephone,
    rights: { ...telephone.rights, beIntruded: false },
    line: { ...telephone.line, instantAccess: 0 },
  },
  gateway: {
    ...telephone,
    rights: { ...telephone.rights, beIntruded: false, priorityMax: 'emergency' },
    line: { ...telephone.line, calls: limits.legsMax, instantAccess: limits.legsMax },
  },
}

/** The profile of a record; of one that has none, that of its type. */
export function profileOf(entry: { type: AccountType; profile: Profile | null }): Profile {
  return entry.profile ?? defaults[entry.type]
}

export function defaultProfile(type: AccountType): Profile {
  return defaults[type]
}
