//! INVITE with Join (RFC 3911): somebody comes into a call that stands, which becomes a conference, or into
//! a conference. The dialog is named as its terminal knows it.
import { profileOf } from '../../tables/profile.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import { header } from '../../wire/sip/message.ts'
import { joinConference } from '../conference/open.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import type { CoreEffect } from '../effects.ts'
import type { Exchange } from '../wired/exchange.ts'
import { refuse } from '../wired/refuse.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import type { SetUp } from '../wired/setup.ts'
import { isOpen } from './conversations.ts'
import type { Service } from './service.ts'

export const joining: Service = {
  name: 'join',
  invited(work) {
    const value = header(work.invitation.request, 'Join')
    return value === undefined ? null : join(work, value)
  },
}

function join(work: SetUp, value: string): CoreEffect[] {
  const { exchange, invitation, xip } = work
  const session = sessionOf(exchange, value)
  // RFC 3911 4: no such dialog.
  if (session === null) return refuse(exchange, invitation, 481)
  if (!mayJoin(exchange, session, xip.sourceUser)) return refuse(exchange, invitation, 403)
  if (pendingServerOf(invitation.request, invitation.source) === null) {
    return refuse(exchange, invitation, 513)
  }
  return joinConference(work, session)
}

function sessionOf({ sessions }: Exchange, value: string): Conference | null {
  const [callId = '', ...parameters] = value.split(';').map((part) => part.trim())
  const tags = new Map(parameters.map((one) => one.split('=', 2) as [string, string]))
  const found = sessions.leg(callId, tags.get('to-tag') ?? '')
  const member = sessions.memberOf(found)
  const session = found === undefined ? undefined : sessions.get(found.sessionId)
  if (session === undefined || member === undefined || isOver(session)) return null
  return member.dialog.remoteTag === tags.get('from-tag') && isPresent(member) ? session : null
}

/** Who is in it with another telephone, and who may intrude: into a call of two if both allow it. */
function mayJoin(exchange: Exchange, session: Conference, user: string): boolean {
  if (session.members.some((member) => member.user === user && isPresent(member))) return true
  const entry = exchange.options.tables.phoneBook.get(user)
  if (entry === undefined || !profileOf(entry).rights.intrude) return false
  return session.focus !== null || isOpen(exchange, session)
}
