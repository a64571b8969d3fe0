//! What a session with a focus shows to the subscribers of the package `conference` (RFC 4575).
import type { Member } from '../../tables/wired-conference.ts'
import { ofTerminal } from '../wired/direction.ts'
import type { Exchange } from '../wired/exchange.ts'
import type { FocusMember, FocusView } from './conference-package.ts'

/** @returns null when no conference is reached by this number. */
export function focusViewOf(exchange: Exchange, number: string): FocusView | null {
  const session = exchange.sessions.conference(number)
  if (session === undefined || session.focus === null) return null
  return {
    subject: session.focus.displayName || session.subject,
    membersMax: session.focus.membersMax,
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

function memberOf(
  exchange: Exchange,
  { user, side, state, mediaId, seat }: Member,
): FocusMember | null {
  if (state === 'releasing' || state === 'released') return null
  const leg = exchange.options.tables.wiredMedia.get(mediaId)
  return {
    number: user,
    role: seat?.mayTalk === false ? 'listener' : 'participant',
    status: statuses[state],
    joined: side === 'caller' ? 'dialed-in' : 'dialed-out',
    media: leg === undefined ? 'inactive' : ofTerminal(leg.direction, leg.muted === true),
  }
}
