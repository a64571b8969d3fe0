//! The faults of a soak: what can happen to a pair, how often it does, and doing it.
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../lab.ts'
import type { LabNode, UnitName } from '../lab-node.ts'
import type { LinkName } from '../net/netns.ts'
import { until } from '../waiting.ts'
import { cutApart, type FaultFindings, standStill, upgrade } from './long-faults.ts'

export const faultKinds = [
  'primary',
  'standby',
  'primary-switch',
  'primary-media',
  'primary-pair',
  'standby-switch',
  'standby-media',
  'standby-pair',
  'standby-in-mid-sync',
  'switchover',
  'one-link',
  'two-links',
  'hung-switch',
  'hung-media',
  'hung-pair',
  'stand-still-1',
  'stand-still-10',
  'stand-still-60',
  'all-links',
  'lan-before-links',
  'upgrade',
] as const
export type FaultKind = (typeof faultKinds)[number]

interface FaultFacts {
  /** Of 100 faults. */
  readonly share: number
  /** SIGKILLs in it. */
  readonly kills: number
  /** The other node must serve. */
  readonly moves: boolean
  /** So often the answering node may change; default: once if it moves, else not at all. */
  readonly changes?: number
  /** Longer than a few seconds, ms. */
  readonly lastsMs?: number
  readonly text: string
}

export const faults: Readonly<Record<FaultKind, FaultFacts>> = {
  primary: { share: 38, kills: 1, moves: true, text: 'kill -9 of the whole primary' },
  standby: { share: 8, kills: 1, moves: false, text: 'kill -9 of the whole standby' },
  'primary-switch': { share: 9, kills: 1, moves: true, text: 'kill -9 of its switch' },
  'primary-media': { share: 9, kills: 1, moves: true, text: 'kill -9 of its media' },
  'primary-pair': { share: 6, kills: 1, moves: true, text: 'kill -9 of its pair unit' },
  'standby-switch': {
    share: 3,
    kills: 1,
    moves: false,
    text: 'kill -9 of the switch of the standby',
  },
  'standby-media': {
    share: 3,
    kills: 1,
    moves: false,
    text: 'kill -9 of the media of the standby',
  },
  'standby-pair': {
    share: 3,
    kills: 1,
    moves: false,
    text: 'kill -9 of the pair unit of the standby',
  },
  'standby-in-mid-sync': {
    share: 4,
    kills: 2,
    moves: false,
    text: 'kill -9 of the standby, and again while it catches up',
  },
  switchover: { share: 9, kills: 0, moves: true, text: 'planned switchover' },
  'one-link': { share: 4, kills: 0, moves: false, text: 'one link cut and healed' },
  'two-links': { share: 4, kills: 0, moves: false, text: 'two links cut and healed' },
  'hung-switch': { share: 0, kills: 0, moves: true, text: 'its switch stands still' },
  'hung-media': { share: 0, kills: 0, moves: true, text: 'its media stands still' },
  'hung-pair': { share: 0, kills: 0, moves: true, text: 'its pair unit stands still' },
  'stand-still-1': { share: 0, kills: 0, moves: true, text: 'the primary stands still for 1 s' },
  'stand-still-10': {
    ...{ share: 0, kills: 0, moves: true, lastsMs: 12_000 },
    text: 'the primary stands still for 10 s',
  },
  'stand-still-60': {
    ...{ share: 0, kills: 0, moves: true, lastsMs: 62_000 },
    text: 'the primary stands still for 60 s',
  },
  // While the LAN is whole again and no link is, both answer.
  'all-links': {
    ...{ share: 0, kills: 0, moves: false, changes: Number.POSITIVE_INFINITY },
    text: 'both nodes cut apart',
  },
  'lan-before-links': {
    ...{ share: 0, kills: 0, moves: false, changes: Number.POSITIVE_INFINITY },
    text: 'both nodes cut apart, and on one LAN again before they hear each other',
  },
  upgrade: {
    ...{ share: 0, kills: 0, moves: false, changes: 1, lastsMs: 45_000 },
    text: 'both nodes change their version',
  },
}

/** @param random a number from 0 to below 1 */
export function chooseFault(random: number): FaultKind {
  let rest = random * faultKinds.reduce((sum, kind) => sum + faults[kind].share, 0)
  for (const kind of faultKinds) {
    rest -= faults[kind].share
    if (rest < 0) return kind
  }
  return 'primary'
}

/** A fault that was done: when, and what is to be awaited before the next one. */
interface DoneFault {
  readonly atMs: number
  /** Resolves when what died is there again; the pair need not be in step yet. */
  repaired(): Promise<void>
  /** What was seen until then. */
  readonly findings?: () => FaultFindings
}

interface Scene {
  readonly lab: Lab
  readonly primary: LabNode
  readonly random: () => number
  /** Which program a node runs when it changes its version. */
  readonly programOf: (node: LabNode) => string
}

export async function commit(kind: FaultKind, scene: Scene): Promise<DoneFault> {
  const { lab, primary } = scene
  const standby = lab.other(primary)
  switch (kind) {
    case 'primary':
      return killNode(primary)
    case 'standby':
      return killNode(standby)
    case 'primary-switch':
      return killUnit(primary, 'switch')
    case 'primary-media':
      return killUnit(primary, 'media')
    case 'primary-pair':
      return killUnit(primary, 'pair')
    case 'standby-switch':
      return killUnit(standby, 'switch')
    case 'standby-media':
      return killUnit(standby, 'media')
    case 'standby-pair':
      return killUnit(standby, 'pair')
    case 'standby-in-mid-sync':
      return killInMidSync(standby, scene.random)
    case 'switchover':
      return switchOver(primary)
    case 'one-link':
      return cutLinks(scene, 1)
    case 'two-links':
      return cutLinks(scene, 2)
    case 'all-links':
    case 'lan-before-links':
      return cutApart(lab, scene.random, kind === 'lan-before-links')
    case 'upgrade':
      return upgrade(lab, primary, scene.programOf)
    default:
      return standstill(kind, scene)
  }
}

type Standstill = Extract<FaultKind, `hung-${string}` | `stand-still-${string}`>

function standstill(kind: Standstill, { lab, primary }: Scene): Promise<DoneFault> {
  switch (kind) {
    case 'hung-switch':
      return hangUnit(primary, 'switch')
    case 'hung-media':
      return hangUnit(primary, 'media')
    case 'hung-pair':
      return hangUnit(primary, 'pair')
    default:
      return standStill(lab, primary, Number(kind.slice('stand-still-'.length)))
  }
}

function killNode(node: LabNode): DoneFault {
  const { atMs } = node.killAll()
  return { atMs, repaired: () => node.start() }
}

async function killUnit(node: LabNode, unit: UnitName): Promise<DoneFault> {
  const { atMs, pid } = await node.killUnit(unit)
  return { atMs, repaired: () => newUnit(node, unit, pid) }
}

/** Until its supervisor ends it and starts another one. */
async function hangUnit(node: LabNode, unit: UnitName): Promise<DoneFault> {
  const { atMs, pid } = await node.stopUnit(unit)
  return { atMs, repaired: () => newUnit(node, unit, pid) }
}

async function newUnit(node: LabNode, unit: UnitName, formerPid: number): Promise<void> {
  await until(
    async () => {
      node.prefer()
      const found = (await node.opinion()).units.find((one) => one.unit === unit)
      return found?.state === 'up' && found.pid !== formerPid
    },
    { what: `new ${unit} of ${node.name}` },
  )
}

/** The second kill falls into the start, before or while the records come. */
const secondKillMsMin = 300
const secondKillMsMore = 900

function killInMidSync(node: LabNode, random: () => number): DoneFault {
  const { atMs } = node.killAll()
  return {
    atMs,
    repaired: async () => {
      // Ends when it sees, much later, that what it waits for has died.
      void node.start().catch(() => undefined)
      await delay(secondKillMsMin + random() * secondKillMsMore)
      node.killAll()
      await node.start()
    },
  }
}

async function switchOver(node: LabNode): Promise<DoneFault> {
  const atMs = Date.now()
  const { done, detail } = await node.ask('switchover', {
    dryRun: false,
    reason: 'soak',
    force: false,
  })
  if (!done) throw new Error(`the switchover was not done: ${detail}`)
  return { atMs, repaired: async () => undefined }
}

/** Around the time after which a link counts as silent. */
const cutMsMin = 300
const cutMsMore = 1_200

function cutLinks({ lab, primary, random }: Scene, count: 1 | 2): DoneFault {
  const { links } = lab.network
  const first = Math.floor(random() * links.length)
  const cut = Array.from({ length: count }, (_, index) => links[(first + index) % links.length])
  const chosen = cut.filter((link): link is LinkName => link !== undefined)
  const node = random() < 0.5 ? primary : lab.other(primary)
  const atMs = Date.now()
  for (const link of chosen) lab.network.cut(link, node.node)
  return {
    atMs,
    repaired: async () => {
      await delay(cutMsMin + random() * cutMsMore)
      for (const link of chosen) lab.network.heal(link, node.node)
    },
  }
}
