//! The rows of the fail-over matrix: how each service comes into its state, what the new primary has to
//! do with it, and how it ends. The numbers of a row begin with its two digits, so that the calls of a
//! node say by themselves to which row they belong.

import { sipPort } from '../../../scripts/lab.ts'
import type { LabNode } from '../../../scripts/lab-node.ts'
import type { MatrixFault } from '../../../scripts/matrix/results.ts'
import { until } from '../../../scripts/waiting.ts'
import {
  type Desk,
  type DeskPlan,
  type Dial,
  otherSystem,
  type Stage,
  type TypedDial,
} from './desk.ts'
import { callsOf, type Standing, stands } from './look.ts'

interface Scene {
  readonly desk: Desk
  /** The node that serves. */
  readonly node: LabNode
}

type Step = (scene: Scene) => Promise<unknown>

export interface Row {
  /** First digits of its numbers. */
  readonly key: string
  readonly service: string
  readonly state: string
  readonly dials?: readonly Dial[]
  readonly typed?: DeskPlan['typed']
  /** Telephones that answer by themselves, and those that are answered here. */
  readonly auto?: readonly string[]
  readonly manual?: readonly string[]
  /** Answered here, too; a telephone of another system, reached over a trunk. */
  readonly outside?: string
  readonly accounts?: DeskPlan['accounts']
  readonly conference?: Readonly<Record<string, unknown>>
  readonly group?: Readonly<Record<string, unknown>>
  /** Steps of the first and of the second stage, begun before anybody dials. */
  readonly steps?: Readonly<Partial<Record<Stage, Step>>>
  /** The last step before the node goes: a state that passes by itself. */
  readonly last?: Step
  /** What is under way in the very moment in which it goes. */
  readonly moment?: Step
  /** When the node goes. */
  readonly stands: Standing
  /** The service at the new primary; in words and in deeds. */
  readonly outcome: string
  readonly complete: Step
  readonly completed: Standing
  readonly end: Step
}

const dial = (stage: Stage, from: string, to: string): Dial => ({ stage, from, to })

const listens = (from: string, to: string): TypedDial => {
  return { from, to, subject: 'monitoring', priority: 'non-urgent', direction: 'recvonly' }
}

const speaks = (from: string, to: string): TypedDial => {
  return { from, to, subject: 'IA call', priority: 'urgent', direction: 'sendonly' }
}

async function accept({ desk }: Scene, ...numbers: readonly string[]): Promise<void> {
  await Promise.all(
    numbers.map(async (number) => {
      const established = desk.phone(number).next('CALL_ESTABLISHED')
      await desk.phone(number).accept()
      await established
    }),
  )
}

async function hangUp({ desk }: Scene, number: string): Promise<void> {
  const closed = desk.phone(number).next('CALL_CLOSED')
  await desk.phone(number).hangUp()
  await closed
}

async function rings({ desk }: Scene, ...numbers: readonly string[]): Promise<void> {
  await Promise.all(numbers.map((number) => desk.phone(number).next('CALL_INCOMING')))
}

async function dials({ desk }: Scene, number: string, target: string): Promise<void> {
  await desk.phone(number).dial(desk.uri(target))
}

async function getsThrough(scene: Scene, number: string, target: string): Promise<void> {
  const established = scene.desk.phone(number).next('CALL_ESTABLISHED')
  await dials(scene, number, target)
  await established
}

function waits({ node }: Scene, key: string, standing: Standing): Promise<boolean> {
  return until(async () => stands(await callsOf(node, key), standing), {
    what: `${JSON.stringify(standing)} of ${key}`,
  })
}

async function order(
  { node }: Scene,
  conference: string,
  what: { kind: 'add'; user: string } | { kind: 'end' },
): Promise<void> {
  await node.ask('conference.order', { conference, order: what })
}

export const rows: readonly Row[] = [
  {
    key: '11',
    service: 'call',
    state: 'ringing',
    dials: [dial('ring', '1101', '1102')],
    manual: ['1102'],
    steps: { ring: (scene) => rings(scene, '1102') },
    stands: { '1101': 'calling', '1102': 'ringing' },
    outcome: 'answered',
    complete: (scene) => accept(scene, '1102'),
    completed: { '1101': 'talking', '1102': 'talking' },
    end: (scene) => hangUp(scene, '1102'),
  },
  {
    key: '12',
    service: 'call',
    state: 'talking',
    dials: [dial('talk', '1201', '1202')],
    auto: ['1202'],
    stands: { '1201': 'talking', '1202': 'talking' },
    outcome: 'goes on',
    complete: async () => undefined,
    completed: { '1201': 'talking', '1202': 'talking' },
    end: (scene) => hangUp(scene, '1202'),
  },
  {
    key: '13',
    service: 'hold',
    state: 'held',
    auto: ['1301', '1302'],
    steps: {
      talk: async (scene) => {
        await getsThrough(scene, '1301', '1302')
        await waits(scene, '13', { '1301': 'talking', '1302': 'talking' })
        await scene.desk.phone('1301').hold()
      },
    },
    stands: { '1301': 'hold', '1302': 'talking' },
    outcome: 'resumed',
    complete: ({ desk }) => desk.phone('1301').resume(),
    completed: { '1301': 'talking', '1302': 'talking' },
    end: (scene) => hangUp(scene, '1301'),
  },
  {
    key: '14',
    service: 'transfer',
    state: 'REFER accepted, the target rings',
    dials: [dial('talk', '1401', '1402')],
    auto: ['1402'],
    manual: ['1403'],
    steps: {
      ring: async (scene) => {
        const ringing = rings(scene, '1403')
        await scene.desk.phone('1402').transfer(scene.desk.uri('1403'))
        await ringing
      },
    },
    stands: { '1401': 'talking', '1402': 'talking', '1403': 'ringing' },
    outcome: 'the target answers, the transferor leaves',
    complete: async (scene) => {
      const left = scene.desk.phone('1402').next('CALL_CLOSED')
      await accept(scene, '1403')
      await left
    },
    completed: { '1401': 'talking', '1403': 'talking' },
    end: (scene) => hangUp(scene, '1403'),
  },
  {
    key: '15',
    service: 'forwarding',
    state: 'forwarded, rings at the target',
    dials: [dial('ring', '1501', '1502')],
    manual: ['1503'],
    accounts: { '1502': { forward: { always: '1503' } } },
    steps: { ring: (scene) => rings(scene, '1503') },
    stands: { '1501': 'calling', '1503': 'ringing' },
    outcome: 'the target answers',
    complete: (scene) => accept(scene, '1503'),
    completed: { '1501': 'talking', '1503': 'talking' },
    end: (scene) => hangUp(scene, '1503'),
  },
  {
    key: '16',
    service: 'conference',
    state: 'growing: a third member rings',
    dials: [dial('talk', '1601', '1600'), dial('talk', '1602', '1600')],
    manual: ['1603'],
    auto: ['1604'],
    conference: { name: 'Room', number: '1600' },
    steps: {
      ring: async (scene) => {
        const ringing = rings(scene, '1603')
        await order(scene, '1600', { kind: 'add', user: '1603' })
        await ringing
      },
    },
    stands: { '1601': 'talking', '1602': 'talking', '1603': 'ringing' },
    outcome: 'it answers, and a fourth one dials in',
    complete: async (scene) => {
      await accept(scene, '1603')
      await getsThrough(scene, '1604', '1600')
    },
    completed: { '1601': 'talking', '1602': 'talking', '1603': 'talking', '1604': 'talking' },
    end: async (scene) => {
      const closed = scene.desk.phone('1604').next('CALL_CLOSED')
      await hangUp(scene, '1603')
      await order(scene, '1600', { kind: 'end' })
      await closed
    },
  },
  {
    key: '17',
    service: 'intrusion',
    state: 'waiting',
    dials: [dial('talk', '1701', '1702')],
    auto: ['1702', '1703'],
    accounts: { '1703': { rights: { intrude: true } } },
    last: async (scene) => {
      await dials(scene, '1703', '*371702')
      await waits(scene, '17', { '1701': 'talking', '1702': 'talking', '1703': 'calling' })
    },
    stands: { '1701': 'talking', '1702': 'talking', '1703': 'calling' },
    outcome: 'enters the call after its wait; leaves, and the call goes on',
    complete: (scene) =>
      waits(scene, '17', { '1701': 'talking', '1702': 'talking', '1703': 'talking' }),
    completed: { '1701': 'talking', '1702': 'talking', '1703': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '1703')
      await waits(scene, '17', { '1701': 'talking', '1702': 'talking' })
      await hangUp(scene, '1702')
    },
  },
  {
    key: '18',
    service: 'intrusion',
    state: 'active',
    dials: [dial('talk', '1801', '1802')],
    auto: ['1802', '1803'],
    accounts: { '1803': { rights: { intrude: true } } },
    steps: {
      talk: async (scene) => {
        await waits(scene, '18', { '1801': 'talking', '1802': 'talking' })
        await getsThrough(scene, '1803', '*371802')
      },
    },
    stands: { '1801': 'talking', '1802': 'talking', '1803': 'talking' },
    outcome: 'the intruder leaves, the call goes on',
    complete: (scene) => hangUp(scene, '1803'),
    completed: { '1801': 'talking', '1802': 'talking' },
    end: (scene) => hangUp(scene, '1802'),
  },
  {
    key: '19',
    service: 'queue',
    state: 'queued',
    dials: [dial('talk', '1901', '1902')],
    auto: ['1903'],
    manual: ['1902'],
    accounts: { '1902': { line: { waiting: 5 } } },
    steps: {
      talk: async (scene) => {
        await rings(scene, '1902')
        await accept(scene, '1902')
      },
      ring: (scene) => dials(scene, '1903', '1902'),
    },
    stands: { '1901': 'talking', '1902': 'talking', '1903': 'calling' },
    outcome: 'the line becomes free, rings for who waits, and is answered',
    complete: async (scene) => {
      const ringing = rings(scene, '1902')
      await hangUp(scene, '1902')
      await ringing
      const established = scene.desk.phone('1903').next('CALL_ESTABLISHED')
      await accept(scene, '1902')
      await established
    },
    completed: { '1902': 'talking', '1903': 'talking' },
    end: (scene) => hangUp(scene, '1903'),
  },
  {
    key: '20',
    service: 'monitoring',
    state: 'of a position (Subject: monitoring)',
    typed: [listens('2001', '2002')],
    auto: ['2002'],
    accounts: {
      '2001': { rights: { monitor: true } },
      '2002': { rights: { beMonitored: true } },
    },
    stands: { '2001': 'talking', '2002': 'talking' },
    outcome: 'goes on',
    complete: async () => undefined,
    completed: { '2001': 'talking', '2002': 'talking' },
    end: (scene) => hangUp(scene, '2002'),
  },
  {
    key: '21',
    service: 'preset conference',
    state: 'half of its members have answered',
    dials: [dial('ring', '2101', '2100')],
    auto: ['2102'],
    manual: ['2103', '2104'],
    conference: {
      name: 'Crew',
      number: '2100',
      kind: 'preset',
      members: ['2101', '2102', '2103', '2104'],
    },
    steps: { ring: (scene) => rings(scene, '2103', '2104') },
    stands: { '2101': 'talking', '2102': 'talking', '2103': 'ringing', '2104': 'ringing' },
    outcome: 'the other half answers',
    complete: (scene) => accept(scene, '2103', '2104'),
    completed: { '2101': 'talking', '2102': 'talking', '2103': 'talking', '2104': 'talking' },
    end: async (scene) => {
      const closed = scene.desk.phone('2104').next('CALL_CLOSED')
      await hangUp(scene, '2103')
      await order(scene, '2100', { kind: 'end' })
      await closed
    },
  },
  {
    key: '22',
    service: 'call record',
    state: 'pending: the call ends as the node goes',
    dials: [dial('talk', '2201', '2202')],
    auto: ['2202'],
    stands: { '2201': 'talking', '2202': 'talking' },
    moment: ({ desk }) => desk.phone('2202').hangUp(),
    outcome: 'the call is over, one record of it on each node',
    complete: (scene) => waits(scene, '22', {}),
    completed: {},
    end: async () => undefined,
  },
  {
    key: '23',
    service: 'monitoring',
    state: 'of a conversation',
    dials: [dial('talk', '2301', '2302')],
    auto: ['2302', '2303'],
    accounts: {
      '2302': { rights: { beMonitored: true } },
      '2303': { rights: { monitor: true } },
    },
    steps: {
      talk: async (scene) => {
        await waits(scene, '23', { '2301': 'talking', '2302': 'talking' })
        await getsThrough(scene, '2303', '*352302')
      },
    },
    stands: { '2301': 'talking', '2302': 'talking', '2303': 'talking' },
    outcome: 'goes on; the listener leaves, and the conversation goes on',
    complete: async () => undefined,
    completed: { '2301': 'talking', '2302': 'talking', '2303': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '2303')
      await waits(scene, '23', { '2301': 'talking', '2302': 'talking' })
      await hangUp(scene, '2302')
    },
  },
  {
    key: '24',
    service: 'call back on busy',
    state: 'waiting for the line',
    dials: [dial('talk', '2401', '2402')],
    auto: ['2402', '2403'],
    steps: {
      ring: async (scene) => {
        const confirmed = scene.desk.phone('2403').next('CALL_CLOSED')
        await dials(scene, '2403', '*662402')
        await confirmed
      },
    },
    stands: { '2401': 'talking', '2402': 'talking' },
    outcome: 'the line becomes free, the asker is called, and then the number',
    complete: async (scene) => {
      const established = scene.desk.phone('2403').next('CALL_ESTABLISHED')
      await hangUp(scene, '2402')
      await established
    },
    completed: { '2402': 'talking', '2403': 'talking' },
    end: (scene) => hangUp(scene, '2403'),
  },
  {
    key: '25',
    service: 'group call',
    state: 'rings at all members',
    dials: [dial('ring', '2501', '2500')],
    manual: ['2502', '2503'],
    group: { number: '2500', members: ['2502', '2503'] },
    steps: { ring: (scene) => rings(scene, '2502', '2503') },
    stands: { '2501': 'calling', '2502': 'ringing', '2503': 'ringing' },
    outcome: 'one answers, the other one rings no more',
    complete: async (scene) => {
      const silent = scene.desk.phone('2503').next('CALL_CLOSED')
      await accept(scene, '2502')
      await silent
    },
    completed: { '2501': 'talking', '2502': 'talking' },
    end: (scene) => hangUp(scene, '2502'),
  },
  {
    key: '26',
    service: 'pick-up',
    state: 'rings at another one of the group',
    dials: [dial('ring', '2601', '2602')],
    manual: ['2602'],
    auto: ['2603'],
    accounts: {
      '2602': { line: { pickupGroup: 'tower' } },
      '2603': { line: { pickupGroup: 'tower' } },
    },
    steps: { ring: (scene) => rings(scene, '2602') },
    stands: { '2601': 'calling', '2602': 'ringing' },
    outcome: 'picked up',
    complete: async (scene) => {
      const silent = scene.desk.phone('2602').next('CALL_CLOSED')
      await getsThrough(scene, '2603', '**2602')
      await silent
    },
    completed: { '2601': 'talking', '2603': 'talking' },
    end: (scene) => hangUp(scene, '2603'),
  },
  {
    key: '27',
    service: 'trunk',
    state: 'rings at another system',
    dials: [dial('ring', '2701', '2702')],
    outside: '2702',
    steps: { ring: (scene) => rings(scene, '2702') },
    stands: { '2701': 'calling', '2702': 'ringing' },
    outcome: 'answered',
    complete: (scene) => accept(scene, '2702'),
    completed: { '2701': 'talking', '2702': 'talking' },
    end: (scene) => hangUp(scene, '2702'),
  },
  {
    key: '28',
    service: 'group call, all join',
    state: 'rings at all members',
    dials: [dial('ring', '2801', '2800')],
    manual: ['2802', '2803'],
    group: { number: '2800', mode: 'all', members: ['2802', '2803'] },
    steps: { ring: (scene) => rings(scene, '2802', '2803') },
    stands: { '2801': 'calling', '2802': 'ringing', '2803': 'ringing' },
    outcome: 'both answer and are in; one leaves, and two go on',
    complete: async (scene) => {
      await accept(scene, '2802')
      await accept(scene, '2803')
    },
    completed: { '2801': 'talking', '2802': 'talking', '2803': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '2802')
      await waits(scene, '28', { '2801': 'talking', '2803': 'talking' })
      await hangUp(scene, '2803')
    },
  },
  {
    key: '29',
    service: 'instantaneous access',
    state: 'half duplex, beside a conversation',
    dials: [dial('talk', '2901', '2902')],
    typed: [speaks('2903', '2902')],
    auto: ['2902'],
    stands: { '2901': 'talking', '2902': 'talking', '2903': 'talking' },
    outcome: 'goes on, as the conversation does',
    complete: async () => undefined,
    completed: { '2901': 'talking', '2902': 'talking', '2903': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '2902')
      await hangUp(scene, '2902')
    },
  },
]

const outside = rows.flatMap((row) => row.outside ?? [])

export function titleOf({ service, state }: Row, fault: MatrixFault): string {
  return `${fault}, ${service}, ${state}: 0 packets lost, completed, ended`
}

export const deskPlan: DeskPlan = {
  dials: rows.flatMap((row) => row.dials ?? []),
  typed: rows.flatMap((row) => row.typed ?? []),
  phones: rows.flatMap(({ auto = [], manual = [] }) => [
    ...auto.map((number) => ({ number, answer: 'auto' as const })),
    ...manual.map((number) => ({ number, answer: 'manual' as const })),
  ]),
  accounts: Object.assign({}, ...rows.map((row) => row.accounts ?? {})),
  outside,
  site: (addressOf) => ({
    conferences: sections('conference'),
    groups: sections('group'),
    trunks: Object.fromEntries(
      outside.map((number, place) => [`to-${number}`, trunk(place, addressOf)]),
    ),
    routes: Object.fromEntries(
      outside.map((number) => [`to-${number}`, { pattern: number, trunks: [`to-${number}`] }]),
    ),
  }),
}

/** Each telephone of the other system is a system of its own. */
function trunk(place: number, addressOf: (member: string) => string): Record<string, unknown> {
  return { address: addressOf(otherSystem), port: sipPort + 2 * place, optionsSeconds: 0 }
}

function sections(name: 'conference' | 'group'): Record<string, unknown> {
  const named = rows.flatMap((row) => (row[name] ? [[`row-${row.key}`, row[name]] as const] : []))
  return Object.fromEntries(named)
}
