//! Assembles the answer to `status` from the last reports of the units and the peer's own answer.
//! Pure: every time is given.
import type { BusMessageOf, Role } from '../bus/messages.ts'
import {
  type AlarmItem,
  type NodeStatus,
  type StatusResult,
  statusResultSchema,
} from '../control/status-schema.ts'
import { type TableName, tableNames } from '../tables/address.ts'
import { judge } from './status-judgement.ts'

/** A report of a unit, and when it came (CLOCK_MONOTONIC). */
export interface Received<M> {
  readonly message: M
  readonly atMs: number
}

export interface UnitState {
  readonly unit: 'supervisor' | 'switch' | 'media' | 'pair'
  readonly state: 'up' | 'starting' | 'down' | 'unknown'
  readonly pid: number | null
  readonly sinceWallMs: number | null
  readonly restarts: number
}

export interface StatusInputs {
  readonly now: { readonly wallMs: number; readonly monotonicMs: number }
  readonly node: {
    readonly name: string
    readonly site: string
    readonly version: string
    readonly config: { readonly revision: number; readonly hash: string }
    /** Names of the configured links; none: stand-alone. */
    readonly links: readonly string[]
    readonly reach: NonNullable<NodeStatus['reach']>
  }
  /** As the heartbeats say; null: never heard. */
  readonly peerName: string | null
  readonly pair: Received<BusMessageOf<'pair-status'>> | null
  readonly media: Received<BusMessageOf<'media-statistics'>> | null
  readonly units: readonly UnitState[]
  readonly replication: {
    readonly inStep: boolean
    readonly pending: number
    readonly unacked: number
    readonly rttMs: number | null
    /** CLOCK_MONOTONIC. */
    readonly lastSweepAtMs: number | null
  }
  readonly tables: Readonly<Record<TableName, number>>
  readonly service: NonNullable<NodeStatus['service']>
  readonly alarms: readonly AlarmItem[]
  /** The peer's answer to `status` with `opinions: 'own'`; null: not asked, or no answer. */
  readonly peerAnswer: StatusResult | null
}

/** A report older than this says nothing about now. */
const reportMsMax = 2_000

/** Reads the peer's answer; null when it is none that we understand. */
export function parsePeerAnswer(value: unknown): StatusResult | null {
  const parsed = statusResultSchema.safeParse(value)
  return parsed.success ? parsed.data : null
}

export function assembleStatus(inputs: StatusInputs): StatusResult {
  const { node, now } = inputs
  const self = selfStatus(inputs)
  const peer = node.links.length === 0 ? null : peerStatus(inputs, self)
  const judgement = judge(self, peer)
  const primary = [self, peer].find((one) => one !== null && one.name === judgement.primary)
  return {
    schema: 'vccs/status/1',
    site: node.site,
    ...judgement,
    term: primary?.term ?? self.term,
    since: primary?.since ?? null,
    nodes: peer === null ? [self] : [self, peer],
    alarms: [...inputs.alarms],
    version: node.version,
    asOf: iso(now.wallMs),
  }
}

function selfStatus(inputs: StatusInputs): NodeStatus {
  const { node, now, replication, service } = inputs
  const pair = fresh(inputs.pair, now.monotonicMs)
  const links = linksOf(inputs)
  const partly = inputs.units.some(({ state }) => state !== 'up') || links.some(isNotUp)
  return {
    name: node.name,
    asked: 'self',
    reachable: true,
    role: pair?.role ?? null,
    state: stateOf(pair?.role ?? null, partly),
    alone: pair?.alone ?? false,
    paused: pair?.paused ?? false,
    held: pair?.held ?? false,
    term: pair?.term ?? null,
    since: pair === null ? null : iso(now.wallMs - (now.monotonicMs - pair.sinceMs)),
    version: node.version,
    realtime: pair?.realtime ?? null,
    config: node.config,
    reach: node.reach,
    units: inputs.units.map(({ sinceWallMs, ...unit }) => ({
      ...unit,
      since: sinceWallMs === null ? null : iso(sinceWallMs),
    })),
    links,
    peerSeen: peerSeenOf(inputs),
    sync: {
      inStep: replication.inStep,
      pending: replication.pending,
      unacked: replication.unacked,
      rttMs: replication.rttMs,
      lastSweepMsAgo: ago(replication.lastSweepAtMs, now.monotonicMs),
      tables: tableNames.map((table) => ({ table, records: inputs.tables[table] })),
      threads: threadsOf(pair?.role ?? null),
    },
    media: mediaOf(inputs),
    clock: pair === null ? null : { offsetMs: pair.clockOffsetMs, skewMs: pair.clockSkewMs },
    service,
    asOf: iso(now.wallMs),
  }
}

/** What is known of the peer: its own answer, or else no more than its heartbeats. */
function peerStatus(inputs: StatusInputs, self: NodeStatus): NodeStatus {
  const answered = inputs.peerAnswer?.nodes.find(({ asked }) => asked === 'self')
  if (answered !== undefined) return { ...answered, asked: 'peer', reachable: true }
  const { now } = inputs
  const pair = fresh(inputs.pair, now.monotonicMs)
  const seen = self.peerSeen
  const heard = seen === null ? null : (pair?.peer ?? null)
  return {
    name: inputs.peerName ?? 'peer',
    asked: 'peer',
    reachable: false,
    role: seen?.role ?? null,
    state: peerStateOf(pair !== null, seen?.role ?? null),
    alone: false,
    paused: false,
    held: false,
    term: seen?.term ?? null,
    since: null,
    version: null,
    realtime: null,
    config: null,
    reach: null,
    units: heard === null ? [] : heardUnits(heard),
    links: [],
    peerSeen: null,
    sync: null,
    media: null,
    clock: null,
    service: null,
    asOf: iso(now.wallMs - (seen?.heardMsAgo ?? 0)),
  }
}

function heardUnits(heard: NonNullable<BusMessageOf<'pair-status'>['peer']>): NodeStatus['units'] {
  const unit = (name: 'switch' | 'media', alive: boolean) => ({
    unit: name,
    state: alive ? ('up' as const) : ('down' as const),
    pid: null,
    since: null,
    restarts: 0,
  })
  return [unit('switch', heard.switchAlive), unit('media', heard.mediaAlive)]
}

/** Null when nothing is heard on any link (S1.66), however fresh the last heartbeat looks. */
function peerSeenOf({ pair, now }: StatusInputs): NodeStatus['peerSeen'] {
  const report = fresh(pair, now.monotonicMs)
  if (pair === null || report === null || report.peer === null) return null
  const heardMsAgo = report.peer.heardMsAgo + (now.monotonicMs - pair.atMs)
  const silent = report.links.every(({ state }) => state === 'down')
  if (silent || report.alone || heardMsAgo > reportMsMax) return null
  const { role, term, sessions, inStep } = report.peer
  return { role, term, heardMsAgo, sessions, inStep }
}

function linksOf({ node, pair, now }: StatusInputs): NodeStatus['links'] {
  const report = fresh(pair, now.monotonicMs)
  if (report !== null && pair !== null) {
    const age = now.monotonicMs - pair.atMs
    return report.links.map((link) => ({
      ...link,
      heardMsAgo: link.heardMsAgo === null ? null : link.heardMsAgo + age,
    }))
  }
  return node.links.map((name) => ({
    name,
    own: '',
    peer: '',
    state: 'unknown',
    heardMsAgo: null,
    rttMs: null,
    lost: 0,
    lossPercent: null,
    heardByPeer: null,
  }))
}

function mediaOf({ media, now }: StatusInputs): NodeStatus['media'] {
  const report = fresh(media, now.monotonicMs)
  if (report === null || media === null) return null
  const { kind: _kind, ...figures } = report
  return { ...figures, msAgo: now.monotonicMs - media.atMs }
}

/** S1.105: the primary sends and takes the responses, the standby receives. */
function threadsOf(role: Role | null): ('send' | 'response' | 'receive')[] {
  if (role === 'primary') return ['send', 'response']
  return role === 'standby' ? ['receive'] : []
}

function stateOf(role: Role | null, partly: boolean): NodeStatus['state'] {
  if (role === null) return 'unknown'
  if (role === 'starting') return 'starting'
  return partly ? 'degraded' : 'up'
}

function peerStateOf(pairAnswers: boolean, role: Role | null): NodeStatus['state'] {
  if (!pairAnswers) return 'unknown'
  if (role === null) return 'lost'
  return role === 'starting' ? 'starting' : 'degraded'
}

function isNotUp({ state }: { readonly state: string }): boolean {
  return state !== 'up'
}

function fresh<M>(received: Received<M> | null, monotonicMs: number): M | null {
  if (received === null || monotonicMs - received.atMs > reportMsMax) return null
  return received.message
}

function ago(atMs: number | null, nowMs: number): number | null {
  return atMs === null ? null : nowMs - atMs
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
