//! The verbs of the control socket, answered from what this node knows.
import { setTimeout as pause } from 'node:timers/promises'
import type { BusMessageOf } from '../bus/messages.ts'
import type { BodyOf, CheckedParamsOf, Decision } from '../control/api.ts'
import { answerLog } from '../control/log-verb.ts'
import type { AskPeer, ControlHandlers } from '../control/session.ts'
import type { StatusResult } from '../control/status-schema.ts'
import { limits } from '../limits.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { countCalls, listCalls, listUsers } from '../oam/session-lists.ts'
import { assembleStatus, parsePeerAnswer, type Received, type UnitState } from '../oam/status.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import type { Replicator } from '../replication/replicator.ts'
import { failure, type Result, success } from '../result.ts'
import type { Core } from '../switching/core.ts'
import type { Tables } from '../tables/tables.ts'
import type { Alarms } from './alarms.ts'
import { makeConfigVerbs } from './config-verbs.ts'
import type { Configuration } from './configuration.ts'
import type { CoreRunner } from './core-runner.ts'
import { hypothesis } from './hypothesis.ts'
import type { LogHub } from './log-hub.ts'
import type { PairLink } from './pair-link.ts'

interface HandlerParts {
  readonly config: NodeConfig
  readonly version: string
  readonly tables: Tables
  readonly core: Core
  readonly runner: CoreRunner
  readonly replicator: Replicator
  readonly pair: PairLink
  readonly alarms: Alarms
  readonly log: LogHub
  readonly configuration: Configuration
  readonly askPeer: AskPeer
  media(): Received<BusMessageOf<'media-statistics'>> | null
  units(): UnitState[]
}

export function makeHandlers(parts: HandlerParts): ControlHandlers {
  return {
    status: (params) => status(parts, params),
    why: (params) => why(parts, params),
    switchover: (params) => switchover(parts, params),
    calls: async () => {
      const conferences = parts.tables.table('wired-conference').values()
      return success({ calls: listCalls(conferences), asOf: iso(wallMs()) })
    },
    users: async () => {
      const accounts = [...parts.tables.table('phone-book').values()]
      const known = accounts.map(({ number, type }) => ({ user: number, type }))
      const users = listUsers(parts.tables.table('user').values(), known, wallMs())
      return success({ users, asOf: iso(wallMs()) })
    },
    alarms: async ({ history }) => {
      const { list } = parts.alarms
      return success({ active: list.active(), history: history ? list.history() : [] })
    },
    log: async (params, context) => answerLog(parts.log.tail, params, context),
    version: async () => {
      const { version, config } = parts
      return success({ node: config.node, version, runtime: `node ${process.version}` })
    },
    'release-call': async ({ sessionId }) => {
      let found = false
      parts.runner.run((now) => {
        const effects = parts.core.release(sessionId, now)
        found = effects !== null
        return effects ?? []
      })
      if (found) return success({ sessionId })
      return failure('not-found', `no call ${sessionId} that this node serves`)
    },
    ...makeConfigVerbs(parts.configuration, parts.askPeer),
  }
}

async function status(
  parts: HandlerParts,
  { opinions }: CheckedParamsOf<'status'>,
): Promise<Result<BodyOf<'status'>>> {
  const peer = opinions === 'both' ? await askStatus(parts) : null
  return success(ownStatus(parts, peer))
}

async function askStatus(parts: HandlerParts): Promise<StatusResult | null> {
  const heard = parts.pair.status?.message.peer ?? null
  if (heard === null) return null
  const answer = await parts.askPeer('status', { opinions: 'own' })
  return answer.ok ? parsePeerAnswer(answer.value) : null
}

function ownStatus(parts: HandlerParts, peerAnswer: StatusResult | null): StatusResult {
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
    },
    peerName: pair.status?.message.peer?.node ?? null,
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

async function why(
  parts: HandlerParts,
  { if: question }: CheckedParamsOf<'why'>,
): Promise<Result<BodyOf<'why'>>> {
  const message = parts.pair.status?.message
  if (message === undefined) return failure('operation-failed', 'the pair unit does not answer')
  const decisions = message.decisions.map(
    ({ atMs, ...record }): Decision => ({ ...record, at: iso(atMs) }),
  )
  const node = parts.config.node
  if (question === undefined) return success({ node, decisions, hypothesis: null })
  const supposed = hypothesis(question, message, parts.config)
  return supposed.ok ? success({ node, decisions, hypothesis: supposed.value }) : supposed
}

async function switchover(
  parts: HandlerParts,
  { dryRun, force, reason }: CheckedParamsOf<'switchover'>,
): Promise<Result<BodyOf<'switchover'>>> {
  const before = ownStatus(parts, await askStatus(parts))
  const { safe, checks, callsAtRisk, reasons } = before.switchover
  const from = before.primary ?? parts.config.node
  const to = before.nodes.find(({ name }) => name !== from)?.name ?? ''
  const termBefore = before.term ?? 0
  const plan = { dryRun, force, from, to, termBefore, safe, checks, callsAtRisk }
  if (dryRun) {
    const detail = safe ? 'nothing was changed' : reasons.join('; ')
    return success({ ...plan, done: false, termAfter: termBefore, detail, tookMs: null })
  }
  if (!safe && !force) return failure('refused-unsafe', reasons.join('; '))
  const outcome = await parts.pair.switchover({ force, reason })
  if (!outcome.ok) return outcome
  const { ok, detail, tookMs } = outcome.value
  if (!ok) return failure('refused-unsafe', detail)
  await calm(parts)
  const termAfter = parts.pair.status?.message.term ?? termBefore + 1
  return success({ ...plan, done: true, termAfter, detail, tookMs })
}

/** Shorter than the time in which a question of the peer has to be answered. */
const calmMsMax = 1_500
/** What heartbeats say may be older than the change; the next two are not. */
const calmMsMin = 2.5 * limits.heartbeatMs
const calmPollMs = 50

/** Both nodes tell the new roles, and the new standby has caught up, a moment after the role has moved.
 * Whoever looks right after the answer shall see the pair as it stays, not that moment. */
async function calm(parts: HandlerParts): Promise<void> {
  const startMs = monotonicMs()
  let sinceMs: number | null = null
  for (let nowMs = startMs; nowMs < startMs + calmMsMax; nowMs = monotonicMs()) {
    const { degraded, disagreements } = ownStatus(parts, await askStatus(parts))
    if (degraded.length + disagreements.length > 0) sinceMs = null
    else sinceMs ??= nowMs
    if (sinceMs !== null && nowMs - sinceMs >= calmMsMin) return
    await pause(calmPollMs)
  }
}

/** Of the links; null: not measured. */
function shortestRttMs({ status: last }: PairLink): number | null {
  const measured = (last?.message.links ?? []).flatMap(({ rttMs }) => rttMs ?? [])
  return measured.length === 0 ? null : Math.min(...measured)
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
