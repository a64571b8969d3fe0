//! Screens of `positions`, `groups`, `conferences` and `trunks`.
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import type { Cell, Screen, Tone } from './screen.ts'
import { duration, exactMoment, plural } from './words.ts'

type Position = ResultOf<'positions'>['positions'][number]
type Group = ResultOf<'groups'>['groups'][number]
type Conference = ResultOf<'conferences'>['conferences'][number]
type Trunk = ResultOf<'trunks'>['trunks'][number]

export function drawPositions(
  screen: Screen,
  { positions, asOf }: ResultOf<'positions'>,
): string[] {
  if (positions.length === 0) return ['No positions are configured.']
  const rows = positions.map((one) => [
    one.position,
    one.account || '-',
    loginCell(screen, one),
    one.loginName || '-',
    one.expiresAt === null ? '-' : untilText(one.expiresAt, asOf),
    String(one.calls),
    setText(one),
  ])
  const head = ['POSITION', 'ACCOUNT', 'STATE', 'WHO', 'EXPIRES IN', 'CALLS', 'SET']
  const there = positions.filter(({ connection }) => connection === 'connected').length
  const sum = `${there} of ${plural(positions.length, 'position')} connected`
  return [...screen.table(head, rows), sum]
}

export function drawPosition(screen: Screen, one: Position, asOf: string): string[] {
  const { terminals, expiresAt } = one
  const state =
    one.connection === 'connected' ? `connected, ${one.loginName}` : 'nobody is logged in'
  const until = expiresAt === null ? '' : `, for ${untilText(expiresAt, asOf)}`
  return [
    ...screen.labelled('position', [one.position, one.name, one.role].filter(Boolean).join('   ')),
    ...screen.labelled('account', one.account || 'none'),
    ...screen.labelled('state', `${state}${until}`),
    ...screen.labelled('terminals', terminals.length === 0 ? 'none' : terminals.join(', ')),
    ...screen.labelled('calls', String(one.calls)),
    ...screen.labelled('set', setText(one)),
  ]
}

function loginCell(screen: Screen, { connection }: Position): Cell {
  return screen.mark(connection === 'connected' ? 'good' : 'faint', connection)
}

function untilText(iso: string, asOf: string): string {
  return duration(Math.max(0, Date.parse(iso) - Date.parse(asOf)))
}

function setText({ doNotDisturb, forward }: Position): string {
  const set = [...(doNotDisturb ? ['do not disturb'] : []), ...(forward === '' ? [] : [forward])]
  return set.length === 0 ? '-' : set.join(', ')
}

const modes: Readonly<Record<Group['mode'], string>> = {
  first: 'first answer',
  all: 'all join',
}

export function drawGroups(screen: Screen, { groups }: ResultOf<'groups'>): string[] {
  if (groups.length === 0) return ['No groups are configured.']
  const rows = groups.map(({ name, number, mode, members }) => [
    name,
    number ?? '-',
    modes[mode],
    `${members.filter(({ online }) => online).length} of ${members.length}`,
    members.map((member) => member.number).join(' '),
  ])
  return screen.table(['GROUP', 'NUMBER', 'ANSWERED BY', 'ONLINE', 'MEMBERS'], rows)
}

export function drawGroup(screen: Screen, group: Group): string[] {
  const { name, displayName, number, mode, noAnswerSeconds, members } = group
  const rows = members.map((member) => [
    member.number,
    screen.mark(member.online ? 'good' : 'faint', member.online ? 'online' : 'offline'),
    String(member.calls),
  ])
  return [
    ...screen.labelled('group', [name, displayName].filter(Boolean).join('   ')),
    ...screen.labelled('number', number ?? 'none'),
    ...screen.labelled('mode', `${modes[mode]}, rings ${noAnswerSeconds} s`),
    '',
    ...screen.table(['MEMBER', 'STATE', 'CALLS'], rows),
  ]
}

export function drawConferences(
  screen: Screen,
  { conferences }: ResultOf<'conferences'>,
): string[] {
  if (conferences.length === 0) return ['No conferences.']
  const rows = conferences.map((one) => [
    one.name || '-',
    one.number ?? '-',
    one.kind,
    one.session === null ? screen.mark('faint', 'idle') : screen.mark('good', 'running'),
    presentOf(one),
    [...(one.locked ? ['locked'] : []), ...(one.hasPin ? ['PIN'] : [])].join(', ') || '-',
    one.session ?? '-',
  ])
  const head = ['CONFERENCE', 'NUMBER', 'KIND', 'STATE', 'PRESENT', 'GUARD', 'SESSION']
  return screen.table(head, rows)
}

/** Who is called has to come; whoever else comes is one more. */
function presentOf({ kind, members }: Conference): string {
  const present = members.filter(({ leg }) => leg !== null).length
  return kind === 'preset' ? `${present} of ${members.length}` : String(present)
}

export function drawConference(screen: Screen, one: Conference): string[] {
  const { name, displayName, number, kind, session, startedAt, members } = one
  const guard = `${one.locked ? 'locked' : 'open'}${one.hasPin ? ', asks for a PIN' : ''}`
  const rows = members.map((member) => [
    member.leg ?? '-',
    member.number,
    member.state,
    voiceOf(member),
    member.gainDb === 0 ? '-' : `${member.gainDb} dB`,
  ])
  const running = session === null ? 'idle' : `${session} since ${exactMoment(startedAt ?? '')}`
  return [
    ...screen.labelled('conference', [name, displayName].filter(Boolean).join('   ') || 'unnamed'),
    ...screen.labelled('number', number ?? 'none'),
    ...screen.labelled('kind', `${kind}, ${guard}`),
    ...screen.labelled('session', running),
    '',
    ...(rows.length === 0 ? ['Nobody is in it.'] : screen.table(memberHead, rows)),
  ]
}

const memberHead = ['LEG', 'MEMBER', 'STATE', 'VOICE', 'GAIN']

function voiceOf({ muted, mayTalk }: Conference['members'][number]): string {
  if (muted) return 'muted'
  return mayTalk ? 'talks' : 'listens'
}

const trunkTones: Readonly<Record<Trunk['state'], Tone>> = {
  up: 'good',
  down: 'bad',
  unknown: 'unknown',
}

export function drawTrunks(screen: Screen, { trunks }: ResultOf<'trunks'>): string[] {
  if (trunks.length === 0) return ['No trunks are configured.']
  const rows = trunks.map(({ name, peer, account, state, calls, capacity, routes }) => [
    name,
    peer ?? `account ${account ?? '?'}`,
    screen.mark(trunkTones[state], state),
    `${calls} of ${capacity}`,
    routes.map(({ pattern }) => pattern).join(' ') || '-',
  ])
  return screen.table(['TRUNK', 'PEER', 'STATE', 'CALLS', 'NUMBERS'], rows)
}

export function drawTrunk(screen: Screen, trunk: Trunk): string[] {
  const { name, displayName, peer, account, state, detail, calls, capacity, routes } = trunk
  const rows = routes.map((route) => [
    route.name,
    route.pattern,
    String(route.priority),
    route.class || '-',
    String(route.place),
  ])
  const table = screen.table(['ROUTE', 'NUMBERS', 'PRIORITY', 'CLASS', 'PLACE'], rows)
  return [
    ...screen.labelled('trunk', [name, displayName].filter(Boolean).join('   ')),
    ...screen.labelled('peer', peer ?? `account ${account ?? '?'}`),
    ...screen.labelled('state', `${state}: ${detail}`),
    ...screen.labelled('calls', `${calls} of ${capacity}`),
    ...(routes.length === 0 ? ['No route uses it.'] : ['', ...table]),
  ]
}
