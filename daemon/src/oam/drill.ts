//! The drill of a switchover (`vccs drill`): whether it may begin, and what its figures mean. Pure.

import type { Severity } from '../alarms.ts'
import type { DrillMove, DrillReport } from '../control/operation-schema.ts'
import type { Check, StatusResult } from '../control/status-schema.ts'

/** Stricter than for a switchover: nobody needs a drill now, so anything that is not well is a reason to
 * leave it. */
export function drillChecks(status: StatusResult, busy: string | null): Check[] {
  const { switchover, nodes, alarms } = status
  const paused = nodes.some((node) => node.paused || node.held)
  const names = (wanted: Severity) =>
    alarms
      .filter(({ severity }) => severity === wanted)
      .map(({ code, subject }) => `${code} ${subject}`.trim())
      .join(', ')
  const [critical, urgent] = [names('critical'), names('urgent')]
  const down = nodes.flatMap(({ name, links }) =>
    links
      .filter(({ state }) => state !== 'up')
      .map((link) => `${name}: ${link.name} ${link.state}`),
  )
  return [
    ...switchover.checks.filter(({ name }) => name !== 'links'),
    check('links', down.length === 0, 'all up', down.join(', ')),
    check('pause', !paused, 'not paused', 'the pair is paused, or held after too many changes'),
    // What is urgent and matters for the move is in the checks above.
    urgent !== '' && critical === ''
      ? { name: 'alarms', outcome: 'warning', detail: urgent }
      : check('alarms', critical === '', 'none that is critical', critical),
    check('other', busy === null, 'no other operation', `op ${busy} is on its way`),
  ]
}

function check(name: string, good: boolean, well: string, otherwise: string): Check {
  return { name, outcome: good ? 'ok' : 'failed', detail: good ? well : otherwise }
}

export function reasonsAgainst(checks: readonly Check[]): string[] {
  return checks.filter(({ outcome }) => outcome === 'failed').map(({ detail }) => detail)
}

/** What is not as it should be after a move; empty: nothing. */
function moveFindings(move: DrillMove): string[] {
  const { from, to, ok, detail, inStepMs, callsLost, twin, criticalAlarms } = move
  const name = `${from} to ${to}`
  if (!ok) return [`${name} was not done: ${detail}`]
  const findings: string[] = []
  if (inStepMs === null) findings.push(`after ${name} the pair did not become redundant again`)
  if (callsLost > 0) findings.push(`${name} lost ${callsLost} calls`)
  if (twin.both !== twin.wanted) {
    findings.push(`after ${name} ${twin.both} of ${twin.wanted} legs were on both nodes`)
  }
  for (const alarm of criticalAlarms) findings.push(`${name} raised ${alarm}`)
  return findings
}

/** The report of a drill whose moves were made, or were not made after the first one. */
export function judgeDrill(
  begun: Omit<DrillReport, 'schema' | 'endedAt' | 'outcome' | 'findings' | 'moves'>,
  moves: readonly DrillMove[],
  endedAt: string,
): DrillReport {
  const findings = moves.flatMap(moveFindings)
  const [away] = moves
  if (away?.ok === true && moves.length < 2) {
    findings.push(`the role stays at ${away.to}: moving it back would not be safe`)
  }
  const passed = findings.length === 0 && moves.length === 2
  const schema = 'vccs/drill-report/1'
  const outcome = passed ? 'passed' : 'failed'
  return { schema, ...begun, endedAt, outcome, findings, moves: [...moves] }
}

export function refuseDrill(
  begun: Omit<DrillReport, 'schema' | 'endedAt' | 'outcome' | 'findings' | 'moves'>,
  endedAt: string,
): DrillReport {
  const findings = reasonsAgainst(begun.checks)
  return {
    schema: 'vccs/drill-report/1',
    ...begun,
    endedAt,
    outcome: 'refused',
    findings,
    moves: [],
  }
}

/** The report for people, 80 columns. */
export function drillText(report: DrillReport): string[] {
  const { operation, operator, node, reason, startedAt, endedAt, outcome, findings } = report
  const lines = [
    `Drill ${operation}: ${outcome.toUpperCase()}`,
    `  ordered by ${operator} on ${node}${reason === '' ? '' : `: ${reason}`}`,
    `  from ${startedAt} to ${endedAt}`,
    '',
    'Before',
    ...report.checks.map(({ name, outcome: one, detail }) => {
      return `  ${one === 'ok' ? 'ok     ' : one.padEnd(7)} ${name}: ${detail}`
    }),
  ]
  for (const move of report.moves) lines.push('', ...moveText(move))
  lines.push('', findings.length === 0 ? 'Nothing was found.' : 'Found')
  return [...lines, ...findings.map((one) => `  ${one}`)]
}

function moveText(move: DrillMove): string[] {
  const { from, to, ok, detail, tookMs, inStepMs, twin } = move
  if (!ok) return [`${from} to ${to}: not done`, `  ${detail}`]
  const ms = (value: number | null) => (value === null ? 'not measured' : `${Math.round(value)} ms`)
  const raised = [...move.criticalAlarms, ...move.otherAlarms]
  const counts = [`${move.callsKept} kept`, `${move.callsEnded} ended by their telephones`]
  return [
    `${from} to ${to}`,
    `  role moved in      ${ms(tookMs)}`,
    `  redundant again    ${ms(inStepMs)}`,
    `  calls              ${move.callsBefore}: ${counts.join(', ')}, ${move.callsLost} lost`,
    `  legs on both       ${twin.both}/${twin.wanted}`,
    ...move.voice.map(voiceText),
    `  alarms raised      ${raised.length === 0 ? 'none' : raised.join(', ')}`,
  ]
}

function voiceText({ node, ...voice }: DrillMove['voice'][number], index: number): string {
  const { ticks, packetsSent, packetsLost, ticksLate } = voice
  const name = `${index === 0 ? 'voice' : ''}`.padEnd(18)
  const late = `${ticksLate} of ${ticks} ticks late`
  return `  ${name} ${node}: ${late}, ${packetsSent} packets sent, ${packetsLost} lost`
}
