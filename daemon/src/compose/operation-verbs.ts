//! The verbs that are recorded as operations, and those that tell of them.
import {
  type BodyOf,
  type CheckedParamsOf,
  type Decision,
  operationNotification,
} from '../control/api.ts'
import type { Operation, OperationKind } from '../control/operation-schema.ts'
import { operationSchema } from '../control/operation-schema.ts'
import { type CallContext, type ControlHandlers, operatorName } from '../control/session.ts'
import { limits } from '../limits.ts'
import { monotonicMs } from '../platform/clock.ts'
import { failure, type Result, success } from '../result.ts'
import { hypothesis } from './hypothesis.ts'
import type { Logbook } from './logbook.ts'
import { ownStatus, pairStatusOf, type StatusParts } from './node-status.ts'

export interface OperationParts extends StatusParts {
  readonly logbook: Logbook
}

type OperationHandlers = Pick<ControlHandlers, 'why' | 'switchover' | 'op' | 'op.copy' | 'history'>

export function makeOperationVerbs(parts: OperationParts): OperationHandlers {
  const { logbook, config } = parts
  return {
    why: (params) => why(parts, params),
    switchover: (params, context) => switchover(parts, params, context),
    op: (params) => findOperation(parts, params),
    'op.copy': async ({ operation }, { caller }) => {
      if (caller.via !== 'peer') return failure('control-verb', 'op.copy is for the peer only')
      logbook.copy(operation)
      return success({})
    },
    history: async ({ lines }) => {
      const entries = [...logbook.history.list()].reverse().slice(0, lines)
      return success({ node: config.node, entries })
    },
  }
}

interface Asked {
  readonly reason: string
  readonly operator: string
  readonly announce: boolean
}

/** Records an operation and tells its number at once, so that it can be asked for when the connection
 * is lost. */
export function beginOperation(
  { logbook }: Pick<OperationParts, 'logbook'>,
  kind: OperationKind,
  { reason, operator, announce }: Asked,
  { caller, notify }: CallContext,
): Operation {
  const order = { kind, reason, operator: operatorName(caller, operator), via: caller.via }
  const operation = logbook.begin(order)
  if (announce) notify(operationNotification, { op: operation.id })
  return operation
}

/** `sync-db` with its number; a standby passes it on to the primary, which records it. */
export function recordSyncDb(
  parts: OperationParts,
  handler: ControlHandlers['sync-db'],
): ControlHandlers['sync-db'] {
  const isPrimary = () => parts.configuration.role === 'primary'
  const named = async (...asked: Parameters<ControlHandlers['sync-db']>) => {
    const answer = await handler(...asked)
    const peer = parts.pair.status?.message.peer?.node
    if (!answer.ok || !isPrimary() || peer === undefined) return answer
    return success({ ...answer.value, to: peer })
  }
  return async (params, context) => {
    const operator = operatorName(context.caller, params.operator)
    const signed = { ...params, operator, announce: false }
    if (params.dryRun || !isPrimary()) return named(signed, context)
    const { id } = beginOperation(parts, 'sync-db', params, context)
    const startedMs = monotonicMs()
    const answer = await named(signed, context)
    const tookMs = Math.round(monotonicMs() - startedMs)
    if (!answer.ok) {
      parts.logbook.end(id, { state: 'failed', detail: answer.failure.detail, tookMs })
      return answer
    }
    const { differences, repair } = answer.value
    const failed = repair?.failed ?? 0
    const detail = `${differences} differences, ${repair?.repaired ?? 0} repaired, ${failed} failed`
    parts.logbook.end(id, { state: failed === 0 ? 'done' : 'failed', detail, tookMs })
    return success({ ...answer.value, op: id })
  }
}

async function why(
  parts: OperationParts,
  { if: question }: CheckedParamsOf<'why'>,
): Promise<Result<BodyOf<'why'>>> {
  const message = parts.pair.status?.message
  if (message === undefined) return failure('operation-failed', 'the pair unit does not answer')
  const decisions = message.decisions.map((decision): Decision => {
    const { atMs, ...record } = decision
    const entry = decision.from === decision.to ? null : parts.logbook.history.entryOf(decision)
    return {
      ...record,
      at: new Date(atMs).toISOString(),
      operation: entry?.operation ?? null,
      operator: entry?.operator ?? null,
      effect: entry?.effect ?? null,
    }
  })
  const node = parts.config.node
  if (question === undefined) return success({ node, decisions, hypothesis: null })
  const supposed = hypothesis(question, message, parts.config)
  return supposed.ok ? success({ node, decisions, hypothesis: supposed.value }) : supposed
}

async function switchover(
  parts: OperationParts,
  params: CheckedParamsOf<'switchover'>,
  context: CallContext,
): Promise<Result<BodyOf<'switchover'>>> {
  const { dryRun, force } = params
  // A peer that is slow to answer a question holds no order up: what its heartbeats say is known here.
  const before = dryRun
    ? await pairStatusOf(parts)
    : ((await inTime(pairStatusOf(parts), limits.orderAskMsMax)) ?? ownStatus(parts, null))
  const { safe, checks, callsAtRisk, reasons } = before.switchover
  const from = before.primary ?? parts.config.node
  const to = before.nodes.find(({ name }) => name !== from)?.name ?? ''
  const termBefore = before.term ?? 0
  const plan = { dryRun, force, from, to, termBefore, safe, checks, callsAtRisk }
  if (dryRun) {
    const detail = safe ? 'nothing was changed' : reasons.join('; ')
    const termAfter = safe || force ? termBefore + 1 : termBefore
    const nothing = { op: null, done: false, termAfter, detail, tookMs: null }
    return success({ ...plan, ...nothing })
  }
  const operation = beginOperation(parts, force ? 'failover' : 'switchover', params, context)
  const { id } = operation
  if (!safe && !force) return refused(parts, id, reasons.join('; '))
  await inTime(parts.logbook.share(operation), limits.orderTellMsMax)
  const outcome = await parts.pair.switchover({ force, reason: params.reason })
  if (!outcome.ok) {
    const state = outcome.failure.code === 'timed-out' ? 'unknown' : 'failed'
    parts.logbook.end(id, { state, detail: outcome.failure.detail, tookMs: null })
    return failure(outcome.failure.code, `op ${id}: ${outcome.failure.detail}`)
  }
  const { ok, detail, tookMs } = outcome.value
  if (!ok) return refused(parts, id, detail)
  parts.logbook.end(id, { state: 'done', detail: `${from} to ${to}: ${detail}`, tookMs })
  // pair tells the outcome before its status, which may still be the old one here.
  const termAfter = Math.max(parts.pair.status?.message.term ?? 0, termBefore + 1)
  return success({ ...plan, op: id, done: true, termAfter, detail, tookMs })
}

/** @returns null when it takes longer; it goes on all the same. */
async function inTime<T>(work: Promise<T>, msMax: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), msMax)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function refused({ logbook }: OperationParts, id: string, detail: string) {
  logbook.end(id, { state: 'refused', detail, tookMs: null })
  return failure('refused-unsafe', detail)
}

async function findOperation(
  parts: OperationParts,
  { id, opinions }: CheckedParamsOf<'op'>,
): Promise<Result<BodyOf<'op'>>> {
  const { logbook, config } = parts
  const node = config.node
  const own = id === undefined ? logbook.operations.list() : ownOperation(parts, id)
  // The node that carries an operation out knows most of it.
  const ends = (one: Operation) => one.node === node || one.endedAt !== null
  if (opinions === 'both' && (own.length === 0 || !own.every(ends))) {
    for (const one of await askOperations(parts, id)) logbook.copy(one)
  }
  const operations = id === undefined ? logbook.operations.list() : ownOperation(parts, id)
  if (id !== undefined && operations.length === 0) {
    return failure('operation-unknown', `no operation ${id} is known here`)
  }
  return success({ node, operations: operations.slice(0, limits.operationsShown) })
}

function ownOperation({ logbook }: OperationParts, id: string): Operation[] {
  const found = logbook.operations.get(id)
  return found === null ? [] : [found]
}

async function askOperations(parts: OperationParts, id: string | undefined): Promise<Operation[]> {
  if ((parts.pair.status?.message.peer ?? null) === null) return []
  const answer = await parts.askPeer('op', { opinions: 'own', ...(id === undefined ? {} : { id }) })
  if (!answer.ok) return []
  const { operations } = answer.value as { operations?: unknown }
  if (!Array.isArray(operations)) return []
  return operations.flatMap((one) => {
    const parsed = operationSchema.safeParse(one)
    return parsed.success ? [parsed.data] : []
  })
}
