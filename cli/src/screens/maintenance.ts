//! Screens of `pause`, `resume`, `reinit` and `drill`.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import type { DrillReport, Operation } from '../../../daemon/src/control/operation-schema.ts'
import { drillText, reasonsAgainst } from '../../../daemon/src/oam/drill.ts'
import type { Screen } from './screen.ts'
import { duration, moment, plural } from './words.ts'

export function drawPaused(
  screen: Screen,
  { paused, detail }: ResultOf<'pause'> | ResultOf<'resume'>,
): string[] {
  const { text, tone } = screen.mark(paused ? 'warning' : 'good', detail)
  const next = 'No role changes by itself now. When you are done: vccs resume'
  return [...screen.text(text, 2, tone), ...(paused ? screen.text(next) : [])]
}

export function drawReinit(screen: Screen, plan: ResultOf<'reinit'>): string[] {
  const { node, records, recordsPeer } = plan
  const text = `${plural(records, 'record')} of ${node} would be removed, and ${recordsPeer} fetched.`
  return [...screen.text(text), '(nothing was changed)']
}

export function drawProgress(screen: Screen, operation: Operation): string[] {
  const { state, progress, detail, tookMs } = operation
  if (state === 'running') {
    return progress === null ? [] : [`${progress.done} of ${progress.of} ${progress.what}`]
  }
  const took = tookMs === null ? '' : ` in ${duration(tookMs)}`
  const { text, tone } = screen.mark(
    state === 'done' ? 'good' : 'bad',
    `${state}${took}: ${detail}`,
  )
  return screen.text(text, 2, tone)
}

const outcomeTones = { ok: 'good', warning: 'warning', failed: 'bad' } as const

export function drawDrillPlan(screen: Screen, plan: ResultOf<'drill'>): string[] {
  const { checks, safe, nextAt } = plan
  const pieces = checks.map(({ name, outcome, detail }) =>
    screen.mark(outcomeTones[outcome], `${name}: ${detail}`),
  )
  const verdict = safe
    ? screen.mark('good', 'A drill may begin.')
    : screen.mark('bad', `No drill now: ${reasonsAgainst(checks).join('; ')}.`)
  return [
    ...screen.line('Checks', pieces),
    ...screen.text(verdict.text, 2, verdict.tone),
    nextAt === null ? 'No drill is scheduled.' : `The next scheduled drill: ${moment(nextAt)}`,
    '(nothing was changed)',
  ]
}

const reportTones = { passed: 'good', failed: 'bad', refused: 'warning' } as const

/** The first line says it all; the rest is the text of the report. */
export function drawDrillReport(screen: Screen, report: DrillReport): string[] {
  const [head = '', ...rest] = drillText(report)
  const { text, tone } = screen.mark(reportTones[report.outcome], head)
  return [
    screen.paint({ text, tone }),
    ...rest.flatMap((line) => {
      const indent = line.length - line.trimStart().length
      return line.length <= screen.columns ? [line] : screen.text(line.trimStart(), indent + 2)
    }),
  ]
}
