//! `vccs status`: both nodes' opinions on one screen.
import type { NodeStatus, StatusResult } from '../../../daemon/src/control/status-schema.ts'
import type { Cell, Screen, Tone } from './screen.ts'
import { duration, milliseconds, moment, plural } from './words.ts'

export function drawStatus(screen: Screen, status: StatusResult): string[] {
  const [self, peer] = status.nodes
  if (self === undefined) return []
  return [
    ...warnings(screen, status),
    ...titleLines(screen, status),
    '',
    ...nodeTable(screen, status),
    '',
    ...linkLines(screen, self, peer),
    ...unitLines(screen, status.nodes),
    ...syncLines(screen, self, peer),
    ...mediaLines(screen, status),
    ...serviceLines(screen, self),
    ...alarmLines(screen, status),
    ...switchoverLines(screen, status),
  ]
}

/** First on the screen, so that they cannot be missed. */
function warnings(screen: Screen, status: StatusResult): string[] {
  const lines: string[] = []
  if (status.mode === 'not redundant') {
    const reasons = status.degraded.join('; ')
    const { text } = screen.mark('warning', `NOT REDUNDANT: ${reasons}. Next: vccs why`)
    lines.push(...screen.text(text, 2, 'warning'))
  }
  if (status.nodes.some(({ paused }) => paused)) {
    const { text } = screen.mark('warning', 'PAUSED: nobody takes over. Next: vccs resume')
    lines.push(...screen.text(text, 2, 'warning'))
  }
  const held = status.nodes.filter((node) => node.held).map(({ name }) => name)
  if (held.length > 0) {
    const text = `HELD on ${held.join(' and ')}: the role changed too often. Next: vccs why`
    lines.push(...screen.text(screen.mark('warning', text).text, 2, 'warning'))
  }
  for (const sentence of status.disagreements) {
    const { text } = screen.mark('warning', `THE NODES DISAGREE: ${sentence}`)
    lines.push(...screen.text(text, 2, 'warning'))
  }
  return lines
}

function titleLines(screen: Screen, status: StatusResult): string[] {
  const pieces = [status.site, status.mode]
  if (status.term !== null) pieces.push(`term ${status.term}`)
  if (status.since !== null) {
    const age = Date.parse(status.asOf) - Date.parse(status.since)
    pieces.push(`since ${moment(status.since)} (${duration(age)})`)
  }
  return screen.line('Site', pieces, 5)
}

function nodeTable(screen: Screen, { nodes }: StatusResult): string[] {
  const rows = nodes.map((node) => {
    const other = nodes.find((one) => one !== node)
    const heard = other?.peerSeen?.heardMsAgo
    return [
      node.name,
      roleText(node),
      stateCell(screen, node),
      heard === undefined ? '-' : duration(heard),
      linksCell(screen, node),
      configCell(screen, node, other),
      node.version ?? 'unknown',
    ]
  })
  return screen.table(['NODE', 'ROLE', 'STATE', 'HEARD', 'LINKS', 'CONFIG', 'VERSION'], rows)
}

function roleText(node: NodeStatus): string {
  if (node.role === null) return 'unknown'
  return node.alone ? `${node.role} (alone)` : node.role
}

const stateTones: Record<NodeStatus['state'], Tone> = {
  up: 'good',
  degraded: 'warning',
  starting: 'warning',
  lost: 'bad',
  unknown: 'unknown',
}

function stateCell(screen: Screen, node: NodeStatus): Cell {
  const word = node.state === 'lost' ? 'not heard' : node.state
  return screen.mark(stateTones[node.state], word)
}

function linksCell(screen: Screen, { links }: NodeStatus): string | Cell {
  if (links.length === 0) return 'unknown'
  const up = links.filter(({ state }) => state === 'up').length
  const count = `${up}/${links.length}`
  if (up === links.length) return count
  return screen.mark(up === 0 ? 'bad' : 'warning', count)
}

function configCell(
  screen: Screen,
  node: NodeStatus,
  other: NodeStatus | undefined,
): string | Cell {
  if (node.config === null) return 'unknown'
  const revision = `r${node.config.revision}`
  if (other === undefined || other.config === null) return revision
  if (other.config.hash === node.config.hash) return `${revision} =`
  return screen.mark('warning', `${revision} differs`)
}

const linkTones = { up: 'good', down: 'bad', unknown: 'unknown' } as const

function linkLines(screen: Screen, self: NodeStatus, peer: NodeStatus | undefined): string[] {
  if (self.links.length === 0) return []
  const pieces = self.links.map(({ name, state, rttMs, heardMsAgo, lossPercent, heardByPeer }) => {
    let figure = ''
    if (state === 'up') {
      if (rttMs !== null) figure = ` ${milliseconds(rttMs)}`
      if (lossPercent) figure += `, ${lossPercent.toFixed(1)} % lost`
      if (heardByPeer === false) figure += ', not heard by the peer'
    }
    if (state === 'down' && heardMsAgo !== null) figure = `, heard ${duration(heardMsAgo)} ago`
    return screen.mark(linkTones[state], `${name} ${state}${figure}`)
  })
  const lines = screen.line('LINKS', pieces)
  const other = (peer?.links ?? []).filter(
    (link) => self.links.find(({ name }) => name === link.name)?.state !== link.state,
  )
  if (peer === undefined || other.length === 0) return lines
  const said = other.map(({ name, state }) => screen.mark(linkTones[state], `${name} ${state}`))
  return [...lines, ...screen.line('', [`${peer.name} says`, ...said])]
}

const unitTones = { up: 'good', starting: 'warning', down: 'bad', unknown: 'unknown' } as const

function unitLines(screen: Screen, nodes: readonly NodeStatus[]): string[] {
  return nodes
    .filter(({ units }) => units.length > 0)
    .flatMap(({ name, units }, index) => {
      const pieces = units.map(({ unit, state, restarts }) => {
        const word = restarts > 0 ? `${unit} ${state}, restarted ${restarts}x` : `${unit} ${state}`
        return screen.mark(unitTones[state], word)
      })
      return screen.line(index === 0 ? 'UNITS' : '', [name, ...pieces])
    })
}

function syncLines(screen: Screen, self: NodeStatus, peer: NodeStatus | undefined): string[] {
  const { sync } = self
  if (peer === undefined || sync === null) return []
  const pieces: (string | Cell)[] = [
    sync.inStep ? screen.mark('good', 'in step') : screen.mark('warning', 'not in step'),
    `pending ${sync.pending}`,
    `unacked ${sync.unacked}`,
  ]
  if (sync.rttMs !== null) pieces.push(`rtt ${milliseconds(sync.rttMs)}`)
  if (sync.lastSweepMsAgo !== null) pieces.push(`sweep ${duration(sync.lastSweepMsAgo)} ago`)
  const threads = [self, peer].flatMap(({ name, sync: one }) =>
    one === null || one.threads.length === 0 ? [] : [`${name}: ${one.threads.join(', ')}`],
  )
  return [
    ...screen.line('SYNC', pieces),
    ...(threads.length > 0 ? screen.line('', ['threads', ...threads]) : []),
    ...screen.line('', [tablesText(self, peer)]),
  ]
}

/** Records in the eight tables; where the nodes differ, both figures. */
function tablesText(self: NodeStatus, peer: NodeStatus): string {
  const own = self.sync?.tables ?? []
  const other = new Map(peer.sync?.tables.map(({ table, records }) => [table, records]))
  const filled = own.filter(({ table, records }) => records > 0 || (other.get(table) ?? 0) > 0)
  if (filled.length === 0) return `${own.length} tables, no records`
  const total = own.reduce((sum, { records }) => sum + records, 0)
  const unequal = filled.filter(({ table, records }) => (other.get(table) ?? records) !== records)
  const text = `${own.length} tables, ${plural(total, 'record')}`
  if (unequal.length === 0) return text
  const parts = unequal.map(({ table, records }) => `${table} ${records}/${other.get(table)}`)
  return `${text}; differ: ${parts.join(', ')}`
}

function mediaLines(screen: Screen, { nodes, twin }: StatusResult): string[] {
  const [self, peer] = nodes
  if (self === undefined) return []
  if (self.media === null) return screen.line('MEDIA', [screen.mark('unknown', 'unknown')])
  const pieces: (string | Cell)[] = []
  if (peer === undefined) pieces.push(plural(self.media.legs, 'leg'))
  else if (peer.media === null) {
    pieces.push(plural(self.media.legs, 'leg'), screen.mark('unknown', 'twin unknown'))
  } else {
    const whole = twin.both === twin.wanted
    const word = `twin ${whole ? 'ok ' : ''}${twin.both}/${twin.wanted} legs`
    pieces.push(screen.mark(whole ? 'good' : 'warning', word))
    if (twin.skewMs !== null) pieces.push(`skew ${milliseconds(twin.skewMs)}`)
  }
  for (const node of nodes) {
    if (node.media === null) continue
    const { backend, realtime, ticksLate } = node.media
    const ordinary = realtime ? 'real-time' : 'not real-time'
    pieces.push(`${node.name}: ${backend}, ${ordinary}, ${ticksLate} late`)
  }
  return screen.line('MEDIA', pieces)
}

function serviceLines(screen: Screen, { service, reach }: NodeStatus): string[] {
  if (service === null) return []
  const { calls, ringing, held, usersOnline, users } = service
  return screen.line('SERVICE', [
    `${plural(calls, 'call')} (${ringing} ringing, ${held} held)`,
    `${usersOnline}/${users} users`,
    ...reachPieces(reach),
  ])
}

/** The addresses that terminals know, and how both nodes come to hear what is sent there. */
function reachPieces(reach: NodeStatus['reach']): string[] {
  if (reach === null) return []
  const { mode, address, peerAddress } = reach
  return [`${mode} ${peerAddress === null ? address : `${address}, ${peerAddress}`}`]
}

function alarmLines(screen: Screen, { alarms }: StatusResult): string[] {
  if (alarms.length === 0) return screen.line('ALARMS', ['none'])
  const counts = (['critical', 'urgent', 'not-urgent', 'informative'] as const).flatMap((level) => {
    const count = alarms.filter(({ severity }) => severity === level).length
    if (count === 0) return []
    const tone = level === 'critical' ? 'bad' : level === 'urgent' ? 'warning' : 'plain'
    return [screen.mark(tone, `${count} ${level}`)]
  })
  return screen.line('ALARMS', [...counts, 'see: vccs alarms'])
}

function switchoverLines(screen: Screen, { mode, switchover }: StatusResult): string[] {
  if (mode === 'stand-alone') return ['A switchover is not possible: this node has no peer.']
  const { safe, reasons, callsAtRisk } = switchover
  const text = safe
    ? `SAFE: ${plural(callsAtRisk, 'call')} at risk.`
    : `UNSAFE: ${reasons.join('; ')}. ${plural(callsAtRisk, 'call')} at risk.`
  return screen.text(`A switchover now would be ${text}`, 2, safe ? 'good' : 'warning')
}
