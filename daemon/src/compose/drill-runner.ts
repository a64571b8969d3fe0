//! Carries a drill out: the role goes to the other node and comes back, and what that did to calls,
//! legs and alarms is measured and reported (`oam/drill.ts` judges it).
import { setTimeout as delay } from 'node:timers/promises'
import type { DrillMove, DrillReport, Operation } from '../control/operation-schema.ts'
import type { Check, StatusResult } from '../control/status-schema.ts'
import { drillChecks, drillText, judgeDrill, reasonsAgainst, refuseDrill } from '../oam/drill.ts'
import { voiceBetween } from '../oam/drill-voice.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import { ReportFolder } from '../platform/report-folder.ts'
import { alarmsFromNow } from './alarms-since.ts'
import type { LogHub } from './log-hub.ts'
import type { Logbook } from './logbook.ts'
import { pairStatusOf, type StatusParts } from './node-status.ts'

interface DrillParts extends StatusParts {
  readonly logbook: Logbook
  readonly log: LogHub
}

/** The new standby has this long to hold everything again. */
const inStepMsMax = 30_000
const pollMs = 50
/** What a move brings about shows within this time; the media units tell once a second. */
const afterMs = 1_500
const reportsKept = 50

type Begun = Omit<DrillReport, 'schema' | 'endedAt' | 'outcome' | 'findings' | 'moves'>

export class DrillRunner {
  readonly #parts: DrillParts
  readonly #folder: ReportFolder

  constructor(parts: DrillParts) {
    this.#parts = parts
    const { config, log } = parts
    this.#folder = new ReportFolder(`${config.stateDirectory}/drills`, reportsKept, (error) =>
      log.warn('the report of a drill cannot be kept', { error }),
    )
  }

  /** Whether a drill may begin now. */
  async checks(): Promise<Check[]> {
    const running = this.#parts.logbook.operations.running(
      'drill',
      'switchover',
      'failover',
      'reinit',
    )
    return drillChecks(await pairStatusOf(this.#parts), running?.id ?? null)
  }

  /** To its end, with the report in the operation and in the folder. */
  async run(operation: Operation, checks: readonly Check[]): Promise<DrillReport> {
    const { config, logbook, log } = this.#parts
    const { id, operator, reason, startedAt } = operation
    const begun = { operation: id, node: config.node, operator, reason, startedAt }
    const report = await this.#report(operation, { ...begun, checks: [...checks] })
    const { outcome, findings } = report
    const state = outcome === 'passed' ? 'done' : outcome === 'refused' ? 'refused' : 'failed'
    const detail = findings.length === 0 ? 'passed' : `${outcome}: ${findings.join('; ')}`
    const tookMs = Date.parse(report.endedAt) - Date.parse(startedAt)
    const name = `${startedAt.replaceAll(/[:.]/g, '-')}-${id}`
    this.#folder.write(`${name}.json`, `${JSON.stringify(report, null, 2)}\n`)
    this.#folder.write(`${name}.txt`, `${drillText(report).join('\n')}\n`)
    log[outcome === 'passed' ? 'info' : 'warn']('drill', { op: id, outcome, findings })
    logbook.end(id, { state, detail, tookMs, report })
    return report
  }

  async #report(operation: Operation, begun: Begun): Promise<DrillReport> {
    const { logbook } = this.#parts
    if (reasonsAgainst(begun.checks).length > 0) return refuseDrill(begun, now())
    await logbook.share(operation)
    const moves: DrillMove[] = []
    for (const what of ['moves: the role goes away', 'moves: the role comes back']) {
      logbook.progress(operation.id, { done: moves.length, of: 2, what })
      const move = await this.#move(operation.id)
      moves.push(move)
      if (!move.ok || move.inStepMs === null) break
    }
    return judgeDrill(begun, moves, now())
  }

  async #move(id: string): Promise<DrillMove> {
    const { tables, logbook, pair, alarms, askPeer } = this.#parts
    const before = await pairStatusOf(this.#parts)
    const from = before.primary ?? ''
    const to = before.nodes.find(({ name }) => name !== from)?.name ?? ''
    const sessions = () => tables.table('wired-conference').values()
    const { calls, stop } = logbook.watchCalls(sessions())
    const raised = await alarmsFromNow({ list: alarms.list, askPeer })
    const startedMs = monotonicMs()
    const outcome = await pair.switchover({ force: false, reason: `drill ${id}` })
    const done = outcome.ok && outcome.value.ok
    const after = done ? await this.#settled(to) : null
    const inStepMs = after === null ? null : Math.round(monotonicMs() - startedMs)
    if (done) await delay(afterMs)
    calls.settle(sessions())
    stop()
    const { calls: callsBefore, kept, ended, lost } = calls.counts
    const then = done ? await pairStatusOf(this.#parts) : before
    const { twin } = then
    return {
      from,
      to,
      ok: done,
      detail: outcome.ok ? outcome.value.detail : outcome.failure.detail,
      tookMs: done ? Math.round(outcome.value.tookMs * 10) / 10 : null,
      inStepMs,
      callsBefore,
      callsKept: kept,
      callsEnded: ended,
      callsLost: lost,
      twin: { both: twin.both, wanted: twin.wanted },
      voice: voiceBetween(before, then),
      ...(await raised()),
    }
  }

  /** The pair is redundant again, with `primary` serving; null: not in time. */
  async #settled(primary: string): Promise<StatusResult | null> {
    const startedMs = monotonicMs()
    while (monotonicMs() - startedMs < inStepMsMax) {
      const status = await pairStatusOf(this.#parts)
      const { degraded, disagreements, twin } = status
      const calm = degraded.length + disagreements.length === 0 && twin.both === twin.wanted
      if (calm && status.primary === primary) return status
      await delay(pollMs)
    }
    return null
  }
}

function now(): string {
  return new Date(wallMs()).toISOString()
}
