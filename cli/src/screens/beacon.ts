//! The screen of `vccs beacon`: a few lines a beacon.
import type { BeaconCounters } from '../../../daemon/src/oam/beacon-watch.ts'
import type { Beacon } from '../../../daemon/src/wire/beacon.ts'
import type { XmlNode } from '../../../daemon/src/wire/xml.ts'
import type { Cell, Screen } from './screen.ts'
import { duration, milliseconds, moment, plural } from './words.ts'

const linkTones = { up: 'good', down: 'bad', unknown: 'unknown' } as const

export function drawBeacon(screen: Screen, beacon: Beacon, counters: BeaconCounters): string[] {
  const { site, node, role, alone, term, sentAt, peer, links, sync, service } = beacon
  const own = `${site}  ${node} is ${role}${alone ? ', ALONE' : ''}, term ${term}`
  const head = screen.mark(role === 'primary' && !alone ? 'good' : 'warning', own)
  const other =
    peer === null
      ? screen.mark('bad', 'its peer is not heard')
      : `${peer.node} ${peer.role}, heard ${duration(peer.heardMsAgo)} ago`
  const linkPieces = links.map(({ name, state, rttMs }): Cell => {
    const rtt = rttMs === null ? '' : ` ${milliseconds(rttMs)}`
    return screen.mark(linkTones[state], `${name} ${state}${rtt}`)
  })
  const step = sync.inStep
    ? screen.mark('good', 'in step')
    : screen.mark('warning', `not in step, ${sync.pending} pending`)
  const counts = `${plural(service.calls, 'call')}, ${service.usersOnline}/${service.users} users`
  return [
    ...screen.line(moment(sentAt), [head, other], 22),
    ...screen.line('', [...linkPieces, step, counts, alarmText(beacon.alarms)], 22),
    ...extensionLines(screen, beacon.extension),
    ...droppedLines(screen, counters),
  ]
}

export function drawSilence(screen: Screen, ms: number, counters: BeaconCounters): string[] {
  const { text, tone } = screen.mark('bad', `no beacon for ${Math.floor(ms / 1_000)} s`)
  return [
    ...screen.text(`${text}: no primary is heard here`, 2, tone),
    ...droppedLines(screen, counters),
  ]
}

function alarmText({ critical, urgent, notUrgent, informative }: Beacon['alarms']): string {
  const total = critical + urgent + notUrgent + informative
  if (total === 0) return 'no alarms'
  return `${plural(total, 'alarm')} (${critical} critical, ${urgent} urgent)`
}

function extensionLines(screen: Screen, extension: readonly XmlNode[]): string[] {
  const pieces = extension.flatMap((node) =>
    typeof node === 'string' ? [] : [`${node.name}: ${textOf(node)}`],
  )
  return pieces.length === 0 ? [] : screen.line('', pieces, 22)
}

function textOf(node: XmlNode): string {
  return typeof node === 'string' ? node : node.children.map(textOf).join('')
}

function droppedLines(screen: Screen, { forged, malformed, old }: BeaconCounters): string[] {
  if (forged + malformed + old === 0) return []
  const text = `dropped: ${forged} forged, ${malformed} malformed, ${old} old`
  return screen.line('', [screen.mark('warning', text)], 22)
}
