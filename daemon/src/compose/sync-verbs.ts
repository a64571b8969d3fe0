//! `vccs sync status`, `verify` and `failures`: what the nodes have in common.
import { setTimeout as pause } from 'node:timers/promises'
import { type BodyOf, verbs } from '../control/api.ts'
import type { AskPeer, ControlHandlers } from '../control/session.ts'
import { readFailures, readLogCounts } from '../database/logs.ts'
import { attempt } from '../database/store.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { monotonicMs } from '../platform/clock.ts'
import type { Replicator } from '../replication/replicator.ts'
import { failure, type Result, success } from '../result.ts'
import type { Configuration } from './configuration.ts'
import { namedDifferences } from './database-sync.ts'

interface SyncParts {
  readonly config: NodeConfig
  readonly replicator: Replicator
  readonly configuration: Configuration
  readonly askPeer: AskPeer
}

type SyncHandlers = Pick<ControlHandlers, 'sync.status' | 'sync.verify' | 'sync.failures'>
type SyncStatus = BodyOf<'sync.status'>
type RealTime = BodyOf<'sync.verify'>['realTime']

/** A record under way makes two tables differ for a moment: what differs this often, differs. */
const looks = 5
const lookMs = 100

export function makeSyncVerbs(parts: SyncParts): SyncHandlers {
  return {
    'sync.status': () => status(parts),
    'sync.verify': () => verify(parts),
    'sync.failures': async ({ lines }) => {
      const { configuration, config } = parts
      const read = await attempt(() => readFailures(configuration.database, lines))
      if (!read.ok) return read
      const failures = read.value.failures.map(({ atMs, ...one }) => ({
        ...one,
        at: new Date(atMs).toISOString(),
      }))
      return success({ node: config.node, total: read.value.total, failures })
    },
  }
}

async function status({
  config,
  replicator,
  configuration,
}: SyncParts): Promise<Result<SyncStatus>> {
  const nowMs = monotonicMs()
  const { verify, ...now } = replicator.status(nowMs)
  const { atMs, ...counts } = verify
  const logged = await attempt(() => readLogCounts(configuration.database))
  if (!logged.ok) return logged
  return success({
    node: config.node,
    role: configuration.role,
    realTime: {
      inStep: now.inStep,
      peer: now.peer,
      pending: now.pending,
      tables: Object.entries(replicator.tableStates()).map(([table, one]) => ({ table, ...one })),
      comparedMsAgo: atMs === null ? null : nowMs - atMs,
      ...counts,
      refused: { ...now.refused },
    },
    staticData: { ...configuration.rowState, ...configuration.state, ...logged.value },
  })
}

async function verify(parts: SyncParts): Promise<Result<BodyOf<'sync.verify'>>> {
  const rows = await parts.configuration.compareRows()
  if (!rows.ok) return rows
  let realTime = await compareTables(parts)
  for (let look = 1; look < looks && realTime.ok; look++) {
    if (realTime.value.every(({ equal }) => equal)) break
    await pause(lookMs)
    const next = await compareTables(parts)
    if (!next.ok) return next
    realTime = success(once(realTime.value, next.value))
  }
  if (!realTime.ok) return realTime
  const equal = rows.value.length === 0 && realTime.value.every((one) => one.equal)
  const staticData = rows.value.map(namedDifferences)
  return success({ node: parts.config.node, equal, realTime: realTime.value, staticData })
}

/** Equal in one of the looks is equal. */
function once(before: RealTime, now: RealTime): RealTime {
  return now.map((one) => ({
    ...one,
    equal: one.equal || before.some(({ table, equal }) => table === one.table && equal),
  }))
}

async function compareTables(parts: SyncParts): Promise<Result<RealTime>> {
  const answer = await parts.askPeer('sync.status', {})
  if (!answer.ok) return answer
  const peer = verbs['sync.status'].result.omit({ schema: true }).safeParse(answer.value)
  if (!peer.success) return failure('operation-failed', 'the answer of the peer is not readable')
  const own = parts.replicator.tableStates()
  return success(
    peer.data.realTime.tables
      .filter(({ table }) => table in own)
      .map(({ table, records, hash }) => {
        const here = own[table as keyof typeof own]
        return { table, here: here.records, peer: records, equal: here.hash === hash }
      }),
  )
}
