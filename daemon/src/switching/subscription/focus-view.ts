//! What a session with a focus shows to the subscribers of the package `conference` (RFC 4575).
import { limits } from '../../limits.ts'
import type { Member } from '../../tables/wired-conference.ts'
import type { Exchange } from '../wired/exchange.ts'
import { isOver } from '../wired/sessions.ts'
import type { FocusMember, FocusView } from './conference-package.ts'

/** @returns null when no conference is reached by this number. */
export function focusViewOf(exchange: Exchange, number: string): FocusView | null {
  const session = exchange.sessions.get(number)
  if (session === undefined || session.type === 'ordinary' || isOver(session)) return null
  return {
    subject: session.subject,
    membersMax: limits.membersPerSessionMax,
    isActive: session.state !== 'ringing',
    members: session.members.flatMap((member) => memberOf(exchange, member) ?? []),
  }
}

const statuses = {
  calling: 'dialing-out',
  ringing: 'alerting',
  talking: 'connected',
  hold: 'on-hold',
} as const

function memberOf(exchange: Exchange, { user, side, state, mediaId }: Member): FocusMember | null {
  if (state === 'releasing' || state === 'released') return null
  const leg = exchange.options.tables.wiredMedia.get(mediaId)
  return {
    number: user,
    role: 'participant',
    status: statuses[state],
    joined: side === 'caller' ? 'dialed-in' : 'dialed-out',
    media: leg?.direction ?? 'inactive',
  }
}
