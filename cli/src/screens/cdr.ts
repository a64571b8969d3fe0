//! Screens of `cdr` and `cdr show`, and the columns of the export.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import type { RecordItem } from '../../../daemon/src/control/call-schema.ts'
import type { Screen } from './screen.ts'
import { duration, exactMoment, moment, plural } from './words.ts'

/** So much of a session number tells it from others. */
const shortId = 8

export function drawRecords(screen: Screen, { records, next, waiting }: ResultOf<'cdr'>): string[] {
  if (records.length === 0) return ['No call records.']
  const rows = records.map((record) => [
    record.sessionId.slice(0, shortId),
    moment(record.endedAt),
    record.answeredAt === null ? '-' : duration(record.talkedMs),
    record.caller,
    record.called,
    kindOf(record),
    `${record.status} ${record.endedBy}`,
  ])
  const head = ['SESSION', 'ENDED', 'TALKED', 'CALLER', 'CALLED', 'KIND', 'END']
  const more = next === null ? '' : '; there are older ones, see --limit and --until'
  const late = waiting > 0 ? [`${plural(waiting, 'record')} not on the disk yet`] : []
  return [...screen.table(head, rows), `${plural(records.length, 'call record')}${more}`, ...late]
}

/** What is not ordinary of it. */
function kindOf({ type, callType, priority, services }: RecordItem): string {
  const special = [
    ...(type === 'ordinary' || type === 'service' ? [] : [type]),
    ...(callType === '' || callType === 'da-ida' ? [] : [callType]),
    ...(priority === '' || priority === 'normal' ? [] : [priority]),
    ...services.filter((name) => name !== type),
  ]
  return special.length === 0 ? '-' : [...new Set(special)].join(' ')
}

export function drawRecord(screen: Screen, record: RecordItem): string[] {
  const { answeredAt, talkedMs, services, roles, reason } = record
  const trunks = trunksOf(record.parties)
  const answer =
    answeredAt === null ? 'never' : `${exactMoment(answeredAt)}, talked ${duration(talkedMs)}`
  const kind = [record.type, record.callType, record.priority].filter(Boolean).join(', ')
  const subject = record.subject === '' ? [] : screen.labelled('subject', record.subject)
  return [
    ...screen.text(`${record.caller} ${screen.arrow} ${record.called}`),
    ...screen.labelled('session', record.sessionId),
    ...screen.labelled('kind', kind),
    ...subject,
    ...screen.labelled('started', exactMoment(record.startedAt)),
    ...screen.labelled('answered', answer),
    ...screen.labelled('ended', `${exactMoment(record.endedAt)} ${endText(record)}`),
    ...(reason === '' ? [] : screen.labelled('reason', reason)),
    ...screen.labelled('services', services.length === 0 ? 'none' : services.join(', ')),
    ...(trunks.length === 0 ? [] : screen.labelled('trunks', trunks.join(', '))),
    ...roles.flatMap(({ at, term }) =>
      screen.labelled('taken over', `${exactMoment(at)} in term ${term}`),
    ),
    '',
    ...drawParties(screen, record),
  ]
}

function endText({ endedBy, status }: RecordItem): string {
  if (endedBy === 'node') return 'at the latest known moment: both nodes lost it'
  return `by the ${endedBy}, status ${status}`
}

function drawParties(screen: Screen, { parties }: RecordItem): string[] {
  if (parties.length === 0) return ['No legs are known.']
  const rows = parties.map(({ leg, number, side, joinedAt, leftAt, rtp }) => [
    leg,
    number,
    side,
    joinedAt === null ? '-' : clock(joinedAt),
    leftAt === null ? '-' : clock(leftAt),
    rtp === null ? '-' : `${rtp.packetsReceived} (${rtp.packetsLost} lost)`,
    rtp === null ? '-' : `${rtp.jitterMsMax.toFixed(1)} ms`,
  ])
  return screen.table(['LEG', 'NUMBER', 'SIDE', 'JOINED', 'LEFT', 'RECEIVED', 'JITTER'], rows)
}

function clock(iso: string): string {
  return iso.slice(11, 19)
}

export const csvHead: readonly string[] = [
  'session',
  'started',
  'answered',
  'ended',
  'talked_seconds',
  'caller',
  'called',
  'type',
  'call_type',
  'priority',
  'ended_by',
  'status',
  'reason',
  'parties',
  'services',
  'taken_over',
  'packets_sent',
  'packets_received',
  'packets_lost',
  'jitter_ms_max',
  'trunks',
]

export function csvValues(record: RecordItem): (string | number | null)[] {
  const { parties, services, roles } = record
  return [
    record.sessionId,
    record.startedAt,
    record.answeredAt,
    record.endedAt,
    record.talkedMs / 1_000,
    record.caller,
    record.called,
    record.type,
    record.callType,
    record.priority,
    record.endedBy,
    record.status,
    record.reason,
    parties.map(({ leg, number }) => `${leg}:${number}`).join(' '),
    services.join(' '),
    roles.map(({ at }) => at).join(' '),
    figures(parties, ({ packetsSent }) => packetsSent),
    figures(parties, ({ packetsReceived }) => packetsReceived),
    figures(parties, ({ packetsLost }) => packetsLost),
    figures(parties, ({ jitterMsMax }) => jitterMsMax),
    trunksOf(parties).join(' '),
  ]
}

type Party = RecordItem['parties'][number]

/** Of the legs that go over one, e.g. `b:north`. */
function trunksOf(parties: readonly Party[]): string[] {
  return parties.flatMap(({ leg, trunk }) => (trunk === undefined ? [] : [`${leg}:${trunk}`]))
}

/** Of each leg; without a figure when nothing was told of its voice. */
function figures(parties: readonly Party[], of: (rtp: NonNullable<Party['rtp']>) => number) {
  return parties.map(({ leg, rtp }) => `${leg}:${rtp === null ? '' : of(rtp)}`).join(' ')
}
