//! The verbs of maintenance: `pause`, `resume`, `reinit`, `drill`.
import { setTimeout as delay } from 'node:timers/promises'
import type { BodyOf, CheckedParamsOf } from '../control/api.ts'
import type { Operation } from '../control/operation-schema.ts'
import type { CallContext, ControlHandlers } from '../control/session.ts'
import type { StatusResult } from '../control/status-schema.ts'
import { reasonsAgainst } from '../oam/drill.ts'
import { monotonicMs } from '../platform/clock.ts'
import { failure, type Result, success } from '../result.ts'
import type { DrillRunner } from './drill-runner.ts'
import { pairStatusOf } from './node-status.ts'
import { beginOperation, type OperationParts } from './operation-verbs.ts'

export interface MaintenanceParts extends OperationParts {
  readonly drills: DrillRunner
  /** Unix milliseconds of the next scheduled drill; null: none. */
  nextDrillMs(): number | null
  /** Empties this standby and has it filled. @returns false when that cannot be. */
  reinit(): boolean
}

type MaintenanceHandlers = Pick<ControlHandlers, 'pause' | 'resume' | 'reinit' | 'drill'>

/** A standby that is not full again after this time has another trouble. */
const reinitMsMax = 120_000
const reinitPollMs = 100

export function makeMaintenanceVerbs(parts: MaintenanceParts): MaintenanceHandlers {
  return {
    pause: (params, context) => pause(parts, true, params, context),
    resume: (params, context) => pause(parts, false, params, context),
    reinit: (params, context) => reinit(parts, params, context),
    drill: (params, context) => drill(parts, params, context),
  }
}

async function pause(
  parts: MaintenanceParts,
  on: boolean,
  params: CheckedParamsOf<'pause'>,
  context: CallContext,
): Promise<Result<BodyOf<'pause'>>> {
  const operation = beginOperation(parts, on ? 'pause' : 'resume', params, context)
  const { id } = operation
  const outcome = await parts.pair.pause({ on, reason: params.reason })
  if (!outcome.ok) {
    const { code, detail } = outcome.failure
    parts.logbook.end(id, { state: 'failed', detail, tookMs: null })
    return failure(code, `op ${id}: ${detail}`)
  }
  const { ok, detail, tookMs } = outcome.value
  parts.logbook.end(id, { state: ok ? 'done' : 'refused', detail, tookMs })
  return ok ? success({ op: id, paused: on, detail }) : failure('refused-unsafe', detail)
}

async function reinit(
  parts: MaintenanceParts,
  params: CheckedParamsOf<'reinit'>,
  context: CallContext,
): Promise<Result<BodyOf<'reinit'>>> {
  const { logbook, config } = parts
  const status = await pairStatusOf(parts)
  const [self, peer] = status.nodes
  if (self?.role === 'primary') {
    return failure('wrong-role', `${self.name} is primary; what it holds is all there is`)
  }
  if (self?.role !== 'standby' || peer?.role !== 'primary') {
    const heard = `${self?.name ?? config.node} is ${self?.role ?? 'without a role'}`
    return failure('refused-unsafe', `${heard} and hears no primary that could fill it again`)
  }
  const busy = logbook.operations.running('reinit', 'drill', 'switchover', 'failover')
  if (busy !== null) return failure('refused-unsafe', `op ${busy.id} (${busy.kind}) is on its way`)
  const counts = { records: recordsOf(self), recordsPeer: recordsOf(peer) }
  const { dryRun } = params
  if (dryRun) return success({ op: null, dryRun, node: self.name, ...counts })
  const operation = beginOperation(parts, 'reinit', params, context)
  if (!parts.reinit()) {
    const detail = 'the role of this node has just changed'
    logbook.end(operation.id, { state: 'refused', detail, tookMs: null })
    return failure('refused-unsafe', detail)
  }
  void follow(parts, operation, counts.recordsPeer)
  return success({ op: operation.id, dryRun, node: self.name, ...counts })
}

function recordsOf({ sync }: StatusResult['nodes'][number]): number {
  return (sync?.tables ?? []).reduce((sum, { records }) => sum + records, 0)
}

/** Until the standby has everything again. */
async function follow(parts: MaintenanceParts, { id }: Operation, of: number): Promise<void> {
  const { logbook, tables, replicator, pair } = parts
  const startedMs = monotonicMs()
  const end = (state: 'done' | 'failed', detail: string) => {
    logbook.end(id, { state, detail, tookMs: Math.round(monotonicMs() - startedMs) })
  }
  while (monotonicMs() - startedMs < reinitMsMax) {
    await delay(reinitPollMs)
    const counts = Object.values(tables.counts()).reduce((sum, one) => sum + one, 0)
    logbook.progress(id, { done: counts, of: Math.max(of, counts), what: 'records' })
    const role = pair.status?.message.role
    if (role !== 'standby') return end('failed', `the role became ${role ?? 'unknown'} meanwhile`)
    if (replicator.inStep(monotonicMs())) return end('done', `${counts} records, in step`)
  }
  end('failed', `not in step after ${reinitMsMax / 1_000} s; see \`vccs status\``)
}

async function drill(
  parts: MaintenanceParts,
  params: CheckedParamsOf<'drill'>,
  context: CallContext,
): Promise<Result<BodyOf<'drill'>>> {
  const checks = await parts.drills.checks()
  const reasons = reasonsAgainst(checks)
  const nextMs = parts.nextDrillMs()
  const nextAt = nextMs === null ? null : new Date(nextMs).toISOString()
  const plan = { dryRun: params.dryRun, safe: reasons.length === 0, checks, nextAt }
  if (params.dryRun) return success({ ...plan, op: null })
  const operation = beginOperation(parts, 'drill', params, context)
  void parts.drills.run(operation, checks)
  if (reasons.length > 0)
    return failure('refused-unsafe', `op ${operation.id}: ${reasons.join('; ')}`)
  return success({ ...plan, op: operation.id })
}
