//! A stage with conferences: a meet-me one (700), one with a PIN (701), a preset one (710) and a locked
//! one (720), and twelve telephones.
import { createHash } from 'node:crypto'
import {
  type ConferencePlan,
  emptyPlan,
  type GroupPlan,
  type Plan,
} from '../../src/switching/plan.ts'
import type { Conference, Member } from '../../src/tables/wired-conference.ts'
import { type Phone, Stage, sdp } from './core-stage.ts'

export const presetMembers = ['231', '232', '233', '234', '235', '236', '237', '238', '239', '240']

const seat = { mayTalk: true, gainDb: 0 }

function conference(number: string, more: Partial<ConferencePlan> = {}): ConferencePlan {
  return {
    name: `c${number}`,
    displayName: `Conference ${number}`,
    number,
    kind: 'meet-me',
    members: [],
    pinHash: null,
    locked: false,
    membersMax: 16,
    ...more,
  }
}

function group(number: string, mode: GroupPlan['mode']): GroupPlan {
  const members = ['231', '232', '233']
  return { name: `g${number}`, displayName: 'Group', number, mode, noAnswerSeconds: 20, members }
}

const trunks: Plan['trunks'] = ['north', 'south'].map((name, index) => ({
  ...{ name, displayName: '', account: null, trust: 'address', login: null, capacity: 4 },
  peer: { address: `10.0.2.${index + 1}`, port: 5060 },
  ...{ optionsSeconds: 0, responseSeconds: 4, classes: [], priorityMax: 'normal' },
  monitor: false,
  outgoing: { called: [], caller: [] },
  incoming: { called: [], caller: [] },
}))

export const plan: Plan = {
  ...emptyPlan,
  groups: [group('800', 'first'), group('801', 'all')],
  trunks,
  routes: [
    {
      ...{ name: 'out', pattern: '6X.', priority: 1, class: '' },
      ...{ trunks: ['north', 'south'], failOver: ['5xx', 'no-answer'] },
    },
    {
      ...{ name: 'far', pattern: '0X.', priority: 1, class: 'world' },
      ...{ trunks: ['north'], failOver: [] },
    },
  ],
  conferences: [
    conference('700'),
    conference('701', {
      pinHash: createHash('sha256').update('c701:4711').digest('hex'),
      members: [{ ...seat, number: '240' }],
    }),
    conference('710', {
      kind: 'preset',
      members: presetMembers.map((number) => ({
        number,
        mayTalk: number !== '239',
        gainDb: number === '238' ? -6 : 0,
      })),
    }),
    conference('720', {
      locked: true,
      membersMax: 2,
      members: ['231', '232', '233'].map((number) => ({ ...seat, number })),
    }),
  ],
}

export function conferenceStage(half?: 'lower' | 'upper'): Stage {
  const apart = half === undefined ? {} : { half }
  const stage = new Stage({ plan, lastPort: 20_079, ...apart })
  for (const number of [...presetMembers, '241', '242']) stage.addPhone(number, 'telephone')
  return stage
}

/** A telephone calls the number and is in. */
export function dialIn(stage: Stage, phone: string, number: string): void {
  const one = stage.phone(phone)
  one.call(number)
  one.ack(one.told(200))
}

export function pickUp(stage: Stage, phone: string): void {
  const one = stage.phone(phone)
  one.respond(one.asked('INVITE'), 200, sdp(one.endpoint))
}

export function hangUp(one: Phone): void {
  if (one.cseq === 0) one.cseq = 100
  one.request('BYE')
}

export function only(stage: Stage): Conference {
  const live = [...stage.tables.wiredConference.values()].filter(
    ({ state }) => state !== 'released',
  )
  const [session] = live
  if (session === undefined || live.length > 1) throw new Error(`${live.length} live sessions`)
  return session
}

export function memberOf(stage: Stage, user: string): Member | undefined {
  return only(stage).members.findLast((member) => member.user === user)
}

/** `201 talking`. */
export function roster(stage: Stage): string[] {
  return only(stage).members.map(({ user, state }) => `${user} ${state}`)
}

export function bridgesOf(stage: Stage): Set<number> {
  return new Set([...stage.tables.wiredMedia.values()].map(({ conferenceId }) => conferenceId))
}

/** How its REFER goes on, by the NOTIFY that it takes. */
export function progressTold(phone: Phone): string {
  const notify = phone.asked('NOTIFY')
  phone.respond(notify, 200)
  return notify.body.trim()
}

/** Legs, ports and numbers that are in use. */
export function holdings(stage: Stage): { legs: number; ports: number; numbers: number } {
  const resources = [...stage.tables.conferenceResource.values()]
  const count = (kind: string) => resources.filter((one) => one.kind === kind).length
  const legs = [...stage.tables.wiredMedia.values()].filter(({ endTick }) => endTick === null)
  return {
    legs: legs.length,
    ports: count('port'),
    numbers: count('conference'),
  }
}

export const nothing = { legs: 0, ports: 0, numbers: 0 }
