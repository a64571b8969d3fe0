//! The answer to `status`, from what this node knows and what its peer says.
import type { BusMessageOf } from '../bus/messages.ts'
import type { AskPeer } from '../control/session.ts'
import type { StatusResult } from '../control/status-schema.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { countCalls } from '../oam/session-lists.ts'
import { assembleStatus, parsePeerAnswer, type Received, type UnitState } from '../oam/status.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import type { Replicator } from '../replication/replicator.ts'
import type { Tables } from '../tables/tables.ts'
import type { Alarms } from './alarms.ts'
import type { Configuration } from './configuration.ts'
import type { PairLink } from './pair-link.ts'

export interface StatusParts {
  readonly config: NodeConfig
  readonly version: string
  readonly tables: Tables
  readonly replicator: Replicator
  readonly pair: PairLink
  readonly alarms: Alarms
  readonly configuration: Configuration
  readonly askPeer: AskPeer
  media(): Received<BusMessageOf<'media-statistics'>> | null
  units(): UnitState[]
}

/** As both nodes see it; the peer's opinion is missing when it does not answer. */
export async function pairStatusOf(parts: StatusParts): Promise<StatusResult> {
  return ownStatus(parts, await askStatus(parts))
}

async function askStatus(parts: StatusParts): Promise<StatusResult | null> {
  const heard = parts.pair.status?.message.peer ?? null
  if (heard === null) return null
  const answer = await parts.askPeer('status', { opinions: 'own' })
  return answer.ok ? parsePeerAnswer(answer.value) : null
}

export function ownStatus(parts: StatusParts, peerAnswer: StatusResult | null): StatusResult {
  const { config, tables, replicator, pair } = parts
  const phoneBook = tables.table('phone-book')
  const online = [...tables.table('user').values()].filter(
    ({ status: state, expiresAtMs }) => state === 'online' && expiresAtMs > wallMs(),
  )
  const replication = replicator.status(monotonicMs())
  return assembleStatus({
    now: { wallMs: wallMs(), monotonicMs: monotonicMs() },
    node: {
      name: config.node,
      site: config.site,
      version: parts.version,
      config: parts.configuration.state,
      links: config.links.map(({ name }) => name),
      reach: {
        mode: config.service.reach,
        address: config.service.address,
        peerAddress: config.service.peerAddress,
      },
    },
    peerName: pair.peerName,
    pair: pair.status,
    media: parts.media(),
    units: parts.units(),
    replication: {
      inStep: replication.inStep,
      pending: replication.pending,
      unacked: tables.unacknowledged(),
      rttMs: shortestRttMs(pair),
      lastSweepAtMs: replication.lastSweep?.atMs ?? null,
    },
    tables: tables.counts(),
    service: {
      ...countCalls(tables.table('wired-conference').values()),
      usersOnline: online.length,
      users: phoneBook.size,
    },
    alarms: parts.alarms.list.active(),
    peerAnswer,
  })
}

/** Of the links; null: not measured. */
function shortestRttMs({ status: last }: PairLink): number | null {
  const measured = (last?.message.links ?? []).flatMap(({ rttMs }) => rttMs ?? [])
  return measured.length === 0 ? null : Math.min(...measured)
}
