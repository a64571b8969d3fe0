//! The site of the simulated calls: accounts of every kind, groups, conferences, trunks, positions.
import { createHash } from 'node:crypto'
import { emptyPlan, type Plan, type RoutePlan, type TrunkPlan } from '../../src/switching/plan.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import { type AccountType, type Profile, profileOf } from '../../src/tables/profile.ts'
import type { User } from '../../src/tables/user.ts'

export const service = '10.0.0.9'
export const realm = 'vccs.test'
export const password = 'secret'
export const pin = '4711'

function numbers(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}`)
}

const pickupGroup = numbers(101, 124)
export const telephones = numbers(101, 160)
export const positions = numbers(161, 180)
/** Their calls go elsewhere: always, busy, no answer, not registered, by a chain, in a circle. */
export const forwarded = numbers(181, 189)
export const hotline = '190'
/** They register with their password, and their registrations end; the last two are positions. */
export const guests = numbers(191, 196)
/** Other systems, by the last part of their address. */
export const systems = ['far1', 'far2', 'far3'] as const

type Forward = Partial<Profile['settings']['forward']>

const forwards: Readonly<Record<string, Forward>> = {
  181: { always: '101' },
  182: { busy: '102', noAnswer: '103' },
  183: { noAnswer: '161' },
  184: { notRegistered: '104' },
  185: { always: '186' },
  186: { always: '187' },
  187: { always: '181' },
  188: { always: '189' },
  189: { always: '188' },
}

function profile(type: AccountType, number: string): Profile {
  const usual = profileOf({ type, profile: null })
  const isPosition = type === 'position'
  const forward = { ...usual.settings.forward, ...forwards[number] }
  return {
    rights: { ...usual.rights, forceRelease: isPosition, monitor: isPosition, beMonitored: true },
    line: {
      ...usual.line,
      calls: Number(number) % 3 === 0 ? 2 : 1,
      noAnswerSeconds: number in forwards ? 4 : usual.line.noAnswerSeconds,
      instantAccess: 2,
      hotline: number === hotline ? '101' : null,
      pickupGroup: pickupGroup.includes(number) ? 'tower' : null,
      failureTones: Number(number) % 5 === 1,
    },
    settings: { doNotDisturb: false, forward },
  }
}

function typeOf(number: string): AccountType {
  return positions.includes(number) || Number(number) > 194 ? 'position' : 'telephone'
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** Table 7. */
export function accounts(): PhoneBookEntry[] {
  const all = [...telephones, ...positions, ...forwarded, hotline, ...guests]
  return all.map((number) => ({
    number,
    type: typeOf(number),
    displayName: '',
    ha1Md5: md5(`${number}:${realm}:${password}`),
    ha1Sha256: '0'.repeat(64),
    digest: 'md5',
    profile: profile(typeOf(number), number),
    priority: 2,
    twin: true,
  }))
}

/** Table 1: who is registered for good. */
export function registered(): User[] {
  const all = [...telephones, ...positions, '182', '183', hotline]
  return all.map((number) => ({
    user: number,
    type: typeOf(number),
    status: 'online',
    contact: `sip:${number}@${addressOf(number)}:5060`,
    address: addressOf(number),
    port: 5060,
    registeredAtMs: 0,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    callId: number,
    cseq: 1,
    q: null,
    path: null,
    instance: null,
    others: null,
  }))
}

export function addressOf(number: string): string {
  return number.startsWith('far') ? `10.0.2.${number.slice(3)}` : `10.0.1.${number}`
}

function trunk(name: string, more: Partial<TrunkPlan>): TrunkPlan {
  return {
    name,
    displayName: '',
    peer: { address: addressOf(name), port: 5060 },
    account: null,
    trust: 'address',
    login: null,
    capacity: 20,
    optionsSeconds: 0,
    responseSeconds: 4,
    classes: [],
    priorityMax: 'normal',
    monitor: false,
    outgoing: { called: [{ from: '7', to: '' }], caller: [] },
    incoming: { called: [{ from: '3', to: '' }], caller: [{ from: '', to: '7' }] },
    ...more,
  }
}

function route(name: string, pattern: string, trunks: string[]): RoutePlan {
  const failOver = ['5xx', 'no-answer', 'lost', 'capacity'] as const
  return { name, pattern, priority: 50, class: '', trunks, failOver }
}

const login = {
  user: 'vccs',
  ha1Md5: md5(`vccs:${realm}:${password}`),
  ha1Sha256: '0'.repeat(64),
  peerRealm: 'far.test',
  peerHa1Md5: md5(`vccs:far.test:${password}`),
  peerHa1Sha256: '0'.repeat(64),
}

const seat = { mayTalk: true, gainDb: 0 }

function conference(number: string, members: readonly string[]) {
  return {
    name: `c${number}`,
    displayName: '',
    number,
    kind: 'meet-me' as const,
    members: members.map((one) => ({ ...seat, number: one })),
    pinHash: null,
    locked: false,
    membersMax: 16,
  }
}

function group(number: string, mode: 'first' | 'all', members: string[]) {
  return { name: `g${number}`, displayName: '', number, mode, noAnswerSeconds: 20, members }
}

export const plan: Plan = {
  ...emptyPlan,
  groups: [group('800', 'first', numbers(101, 104)), group('801', 'all', numbers(141, 144))],
  conferences: [
    conference('700', []),
    {
      ...conference('701', ['161']),
      pinHash: createHash('sha256').update(`c701:${pin}`).digest('hex'),
    },
    { ...conference('710', numbers(125, 131)), kind: 'preset' },
    { ...conference('720', numbers(105, 109)), locked: true, membersMax: 3 },
  ],
  trunks: [
    trunk('far1', { capacity: 2, optionsSeconds: 30 }),
    trunk('far2', { monitor: true }),
    trunk('far3', { login, trust: 'digest' }),
  ],
  routes: [route('out', '7XXXX', ['far1', 'far2']), route('login', '0.', ['far3'])],
  positions: [
    { position: 'p1', displayName: '', role: 'tower', account: '195' },
    { position: 'p2', displayName: '', role: 'tower', account: '196' },
  ],
}
