//! Screens of `calls`, `users`, `alarms`, `log` and of configuration changes.
import type {
  CallItem,
  ConfigChange,
  LogLine,
  ResultOf,
  UserItem,
} from '../../../daemon/src/control/api.ts'
import type { AlarmItem } from '../../../daemon/src/control/status-schema.ts'
import { type Cell, clean, type Screen, type Tone } from './screen.ts'
import { duration, exactMoment, moment, plural } from './words.ts'

export function drawCalls(screen: Screen, { calls, asOf }: ResultOf<'calls'>): string[] {
  if (calls.length === 0) return ['No calls.']
  const rows = calls.map((call: CallItem) => [
    call.sessionId,
    call.state,
    call.caller,
    call.callee || '-',
    duration(Date.parse(asOf) - Date.parse(call.answeredAt ?? call.startedAt)),
    String(call.members),
    call.priority,
  ])
  const head = ['SESSION', 'STATE', 'CALLER', 'CALLEE', 'FOR', 'MEMBERS', 'PRIORITY']
  return [...screen.table(head, rows), plural(calls.length, 'call')]
}

export function drawUsers(screen: Screen, { users, asOf }: ResultOf<'users'>): string[] {
  if (users.length === 0) return ['No users.']
  const rows = users.map((user: UserItem) => [
    user.user,
    user.type,
    user.status === 'online' ? screen.mark('good', 'online') : screen.mark('faint', 'offline'),
    user.address === null ? '-' : `${user.address}:${user.port}`,
    user.expiresAt === null ? '-' : duration(Date.parse(user.expiresAt) - Date.parse(asOf)),
  ])
  const online = users.filter(({ status }) => status === 'online').length
  return [
    ...screen.table(['USER', 'TYPE', 'STATUS', 'ADDRESS', 'EXPIRES IN'], rows),
    `${online} of ${plural(users.length, 'user')} online`,
  ]
}

const severityTones: Record<AlarmItem['severity'], Tone> = {
  critical: 'bad',
  urgent: 'warning',
  'not-urgent': 'plain',
  informative: 'plain',
}

export function drawAlarms(screen: Screen, { active, history }: ResultOf<'alarms'>): string[] {
  const lines = active.length === 0 ? ['No active alarms.'] : []
  for (const alarm of active) lines.push(...drawAlarm(screen, alarm))
  if (history.length === 0) return lines
  const rows = history.map((alarm) => [
    moment(alarm.raisedAt),
    alarm.clearedAt === null ? '-' : moment(alarm.clearedAt),
    alarm.severity,
    `${alarm.code} ${alarm.subject}`.trim(),
  ])
  return [...lines, '', ...screen.table(['RAISED', 'ENDED', 'SEVERITY', 'ALARM'], rows)]
}

function drawAlarm(screen: Screen, alarm: AlarmItem): string[] {
  const name = `${alarm.severity}: ${alarm.code} ${alarm.subject}`.trim()
  const { text } = screen.mark(severityTones[alarm.severity], name)
  return [
    ...screen.text(`${text}  since ${moment(alarm.raisedAt)}`, 2, severityTones[alarm.severity]),
    ...screen.labelled('  what', [alarm.text, alarm.detail].filter(Boolean).join(' ')),
    ...screen.labelled('  effect', alarm.effect),
    ...screen.labelled('  next', alarm.next),
  ]
}

const levelTones: Record<LogLine['level'], Tone> = {
  debug: 'faint',
  info: 'plain',
  warn: 'warning',
  error: 'bad',
}

/** One line, as long as it is: logs are searched and piped. */
export function drawLogLine(screen: Screen, line: LogLine): string {
  const level: Cell = { text: line.level.toUpperCase().padEnd(5), tone: levelTones[line.level] }
  const fields = Object.entries(line.fields).map(([key, value]) => `${key}=${fieldText(value)}`)
  const text = [line.text, ...fields].join(' ')
  const rest = clean(`${line.unit.padEnd(6)} ${text}`)
  return `${exactMoment(line.at)} ${screen.paint(level)} ${rest}`
}

function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)
}

/** `+ path: value`, `- path: value`. */
export function drawChanges(
  screen: Screen,
  { changes, changesTotal }: { changes: readonly ConfigChange[]; changesTotal: number },
): string[] {
  if (changesTotal === 0) return ['No differences.']
  const minus = (path: string, value: unknown) =>
    screen.text(`- ${path}: ${JSON.stringify(value)}`, 4, 'bad')
  const plus = (path: string, value: unknown) =>
    screen.text(`+ ${path}: ${JSON.stringify(value)}`, 4, 'good')
  const lines = changes.flatMap(({ kind, path, before, after }) => [
    ...(kind === 'added' ? [] : minus(path, before)),
    ...(kind === 'removed' ? [] : plus(path, after)),
  ])
  const more = changesTotal - changes.length
  return more === 0 ? lines : [...lines, `... and ${more} more`]
}
