//! Screens of `why`, `history` and `op`: what was done, by whom, and what came of it.
import type { Decision, ResultOf } from '../../../daemon/src/control/api.ts'
import type {
  Effect,
  HistoryEntry,
  Merge,
  Operation,
} from '../../../daemon/src/control/operation-schema.ts'
import type { Cell, Screen, Tone } from './screen.ts'
import { duration, exactMoment, moment, plural } from './words.ts'

export function drawWhy(screen: Screen, result: ResultOf<'why'>): string[] {
  const { hypothesis, decisions, node } = result
  if (hypothesis !== null) return drawHypothesis(screen, result)
  if (decisions.length === 0) return [`${node} has decided nothing since it started.`]
  const newest = [...decisions].sort((a, b) => b.at.localeCompare(a.at))
  return newest.flatMap((decision) => drawDecision(screen, node, decision))
}

function drawHypothesis(screen: Screen, { hypothesis, node }: ResultOf<'why'>): string[] {
  if (hypothesis === null) return []
  const { question, from, to, rule, because, alarms } = hypothesis
  const outcome = from === to ? `${node} stays ${to}` : `${node} becomes ${to} (it is ${from})`
  const raised = alarms.map(({ code, subject }) => `${code} ${subject}`.trim()).join(', ')
  return [
    ...screen.text(`If ${question}: ${outcome}.`, 2),
    ...screen.labelled('  rule', rule),
    ...screen.labelled('  because', because),
    ...screen.labelled('  alarms', raised || 'none'),
  ]
}

function drawDecision(screen: Screen, node: string, decision: Decision): string[] {
  const { at, from, to, term, rule, because, evidence, alternatives, effect } = decision
  const change = from === to ? `stays ${to}` : `${from} ${screen.arrow} ${to}`
  const lines = screen.text(`${exactMoment(at)}  ${node}  ${change}  term ${term}  (${rule})`, 2)
  const clock = clockText(decision)
  if (clock !== '') lines.push(...screen.labelled('  clocks', clock))
  lines.push(...screen.labelled('  because', because))
  const several = (label: string, texts: readonly string[]) => {
    texts.forEach((text, index) => {
      lines.push(...screen.labelled(index === 0 ? label : '', text))
    })
  }
  several('  evidence', evidence)
  several('  not used', alternatives)
  const { operation, operator } = decision
  if (operation) lines.push(...screen.labelled('  ordered', `op ${operation} by ${operator}`))
  if (effect) lines.push(...screen.labelled('  effect', effectText(effect)))
  return lines
}

/** The moment by the clock that never jumps, and by the one that both nodes share. */
function clockText({ monotonicMs, pairMs }: Decision): string {
  const parts: string[] = []
  if (monotonicMs !== undefined) parts.push(`monotonic ${(monotonicMs / 1_000).toFixed(3)} s`)
  if (pairMs !== undefined) parts.push(`pair ${(pairMs / 1_000).toFixed(3)} s`)
  return parts.join(', ')
}

/** `38 calls kept, 0 lost, 1 SIP request answered late (+512 ms)` */
function effectText({ kept, lost, sipLate, sipLateMsMax, sipOpen, complete }: Effect): string {
  const parts = [`${plural(kept, 'call')} kept`, `${lost} lost`]
  const late = sipLateMsMax === null ? '' : ` (+${duration(sipLateMsMax)} at most)`
  parts.push(`${plural(sipLate, 'SIP request')} answered late${late}`)
  if (sipOpen > 0) parts.push(`${sipOpen} not answered${complete ? '' : ' yet'}`)
  return parts.join(', ')
}

export function drawHistory(screen: Screen, result: ResultOf<'history'>): string[] {
  const { entries, node } = result
  if (entries.length === 0) return [`${node} remembers no change of its role.`]
  return entries.flatMap((entry) => drawEntry(screen, entry))
}

function drawEntry(screen: Screen, entry: HistoryEntry): string[] {
  const { at, node, from, to, term, rule, because, operation, operator, reason, effect } = entry
  if (entry.merge !== null) return drawMerge(screen, entry, entry.merge)
  const head = `${moment(at)}  ${node}  ${from} ${screen.arrow} ${to}  term ${term}  (${rule})`
  const lines = screen.text(head, 2)
  if (operation === null) lines.push(...screen.labelled('  automatic', because))
  else {
    const said = reason === null || reason === '' ? 'no reason given' : reason
    lines.push(...screen.labelled('  ordered', `op ${operation} by ${operator}: ${said}`))
  }
  if (effect !== null) lines.push(...screen.labelled('  effect', effectText(effect)))
  return lines
}

/** Two primaries met: who stayed, what was handed over, what had to be closed and by which rule. */
function drawMerge(screen: Screen, { at, node, to, term, because }: HistoryEntry, merge: Merge) {
  const stays = merge.side === 'took' ? 'stays' : 'becomes'
  const lines = screen.text(`${moment(at)}  ${node}  ${stays} ${to}  term ${term}  (merge)`, 2)
  lines.push(...screen.labelled('  because', because))
  const { given, users, tookMs, ok } = merge
  const what = `${plural(given, 'session')} and ${plural(users, 'registration')}`
  const way = merge.side === 'took' ? 'of the peer' : 'to the peer'
  const late = ok ? ` in ${duration(tookMs)}` : ': they did not come through in time and are lost'
  lines.push(...screen.labelled('  handed over', `${what} ${way}${late}`))
  if (merge.side === 'took') {
    const { adopted, updated, kept, ended, renumbered } = merge
    const outcomes = [`${adopted} adopted`, `${updated} updated`, `${kept} own kept`]
    const more = [`${ended} ended meanwhile`, `${renumbered} with other ports`]
    lines.push(...screen.labelled('  outcome', [...outcomes, ...more].join(', ')))
  }
  const { closed, closedCount, unreadable } = merge
  if (unreadable > 0) lines.push(...screen.labelled('  not readable', `${unreadable}`))
  const names = closed.map(({ sessionId, rule }) => `${sessionId} (${rule})`)
  if (closedCount > names.length) names.push(`and ${closedCount - names.length} more`)
  lines.push(...screen.labelled('  closed', names.length === 0 ? 'none' : names.join(', ')))
  return lines
}

const stateTones: Record<Operation['state'], Tone> = {
  running: 'plain',
  done: 'good',
  refused: 'warning',
  failed: 'bad',
  unknown: 'unknown',
}

export function drawOperations(screen: Screen, operations: readonly Operation[]): string[] {
  if (operations.length === 0) return ['No operations.']
  const rows = operations.map((one): (string | Cell)[] => [
    one.id,
    moment(one.startedAt),
    one.kind,
    screen.mark(stateTones[one.state], one.state),
    one.node,
    one.operator,
  ])
  const [head = '', ...lines] = screen.table(['OP', 'STARTED', 'WHAT', 'STATE', 'NODE', 'BY'], rows)
  const details = operations.map(({ detail, reason }) => (detail === '' ? reason : detail))
  return [
    head,
    ...lines.flatMap((line, index) => {
      const detail = details[index] ?? ''
      return detail === '' ? [line] : [line, ...screen.labelled('', detail, 8)]
    }),
  ]
}

export function drawOperation(screen: Screen, operation: Operation): string[] {
  const { id, kind, state, node, operator, reason, startedAt, endedAt, tookMs } = operation
  const took = tookMs === null ? '' : ` in ${duration(tookMs)}`
  const { text, tone } = screen.mark(stateTones[state], `op ${id}  ${kind}: ${state}${took}`)
  const lines = screen.text(text, 2, tone)
  if (operation.detail !== '') lines.push(...screen.labelled('  outcome', operation.detail))
  if (operation.progress !== null && state === 'running') {
    const { done, of, what } = operation.progress
    lines.push(...screen.labelled('  progress', `${done} of ${of} ${what}`))
  }
  lines.push(...screen.labelled('  by', `${operator} on ${node}`))
  if (reason !== '') lines.push(...screen.labelled('  reason', reason))
  const end = endedAt === null ? 'not ended' : exactMoment(endedAt)
  lines.push(...screen.labelled('  time', `${exactMoment(startedAt)} to ${end}`))
  return lines
}
