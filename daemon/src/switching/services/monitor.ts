//! Central monitoring (监听): who may monitor dials a code and the number of an account, and hears the
//! conversation that this account has. He has a call of his own with the switch; only his leg is in the
//! bridge of the conversation, where nobody hears him. It ends with his call, or when the account leaves
//! the conversation. Those who are heard notice nothing, unless the site has a tone for it.
import { profileOf } from '../../tables/profile.ts'
import { isSounding } from '../../tables/tone.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Conference, legOf, type Member } from '../../tables/wired-conference.ts'
import type { CoreEffect } from '../effects.ts'
import { destinationOf } from '../numbering.ts'
import { type Call, withSession } from '../wired/call.ts'
import type { Exchange } from '../wired/exchange.ts'
import { reconnect } from '../wired/media.ts'
import { refuse } from '../wired/refuse.ts'
import { endCall } from '../wired/release.ts'
import { isOver } from '../wired/sessions.ts'
import { directoryOf, type SetUp } from '../wired/setup.ts'
import { attend, attendedLeg } from './attendant.ts'
import { play, stop } from './call-tones.ts'
import { heardBy } from './listeners.ts'
import type { Service } from './service.ts'

export const monitoring: Service = {
  name: 'monitor',
  invited,
  changed: (exchange, { previous, next }) => {
    exchange.listeners.note(previous, next)
    const { sessionId } = next ?? previous ?? { sessionId: '' }
    for (const listener of exchange.listeners.of(sessionId)) followLater(exchange, listener)
    const heard = previous === null || isOver(previous) ? null : heardBy(previous)
    if (heard !== null && (next === null || isOver(next))) soundLater(exchange, heard)
    return []
  },
  restore: ({ exchange, session, sessionId }) => {
    exchange.listeners.note(null, session)
    // The conversation may have ended in the moment of the take-over.
    if (heardBy(session) !== null) followLater(exchange, sessionId)
  },
}

function invited(work: SetUp): CoreEffect[] | null {
  const { exchange, invitation, xip } = work
  const dialled = destinationOf(xip.destinationUser, directoryOf(exchange))
  if (dialled.kind !== 'feature' || dialled.feature !== 'monitor') return null
  const number = dialled.argument
  const status = refusalOf(exchange, xip.sourceUser, number)
  if (status !== null) return refuse(exchange, invitation, status)
  const talk = conversationOf(exchange, number)
  if (talk === null) return refuse(exchange, invitation, 480, { reason: 'Not Talking' })
  const { sessionId, conferenceId } = talk
  const listening = { ...work, xip: { ...xip, callType: 'monitoring' as const } }
  const heard = { sessionId, conferenceId }
  const call = attend(listening, { kind: 'monitoring', number, heard })
  if (typeof call === 'number') return refuse(exchange, invitation, call)
  call.log('info', 'a conversation is monitored', { by: xip.sourceUser, number, heard: sessionId })
  soundLater(exchange, sessionId)
  return call.commit()
}

/** Both sides must have the right: who listens, and who is heard. */
function refusalOf({ options }: Exchange, listener: string, number: string): number | null {
  const { phoneBook } = options.tables
  const entry = phoneBook.get(number)
  const asker = phoneBook.get(listener)
  if (asker === undefined || !profileOf(asker).rights.monitor || listener === number) return 403
  if (entry === undefined || entry.type === 'radio') return 404
  return profileOf(entry).rights.beMonitored ? null : 403
}

/** The oldest one. */
function conversationOf({ sessions }: Exchange, number: string): Conference | null {
  return sessions.of(number).find((session) => canBeHeard(session, number)) ?? null
}

function canBeHeard(session: Conference, number: string): boolean {
  const { callType, type, members } = session
  if (isOver(session) || callType !== 'da-ida' || type === 'service') return false
  const talking = members.filter(isTalking)
  return talking.length >= 2 && talking.some(({ user, seat }) => user === number && !seat?.room)
}

function isTalking({ state }: Member): boolean {
  return state === 'talking' || state === 'hold'
}

function followLater(exchange: Exchange, sessionId: string): void {
  exchange.followUps.push((now) => withSession(exchange, { sessionId, now }, follow))
}

/** The conversation has changed: it may have ended, or have another bridge. */
function follow(call: Call): void {
  const { attendant } = call.session
  if (isOver(call.session) || attendant === null || attendant.heard === null) return
  const { heard, number } = attendant
  const talk = call.exchange.sessions.get(heard.sessionId)
  if (talk === undefined || !canBeHeard(talk, number)) {
    endCall(call, { by: 'switch', status: 200 })
    return
  }
  soundLater(call.exchange, heard.sessionId)
  const { conferenceId } = talk
  if (conferenceId === heard.conferenceId) return
  call.change({ attendant: { ...attendant, heard: { ...heard, conferenceId } } })
  reconnect(call, attendedLeg)
}

/** The record of a conversation says that it is heard; so does a tone, if the site wants it. */
function soundLater(exchange: Exchange, sessionId: string): void {
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId, now }, (talk) => {
      if (isOver(talk.session)) return
      const isHeard = exchange.listeners.of(sessionId).length > 0
      if (isHeard && talk.session.history?.services.includes(noted) !== true) talk.used(noted)
      if (exchange.plan.monitoringTone) sound(talk, isHeard)
    }),
  )
}

const noted = 'monitored'

/** Any other tone of a leg is more important. */
function sound(talk: Call, isHeard: boolean): void {
  const { plan, options } = talk.exchange
  const pattern = toneSet(plan.tones).monitoring
  for (const member of talk.session.members) {
    const record = options.tables.wiredMedia.get(member.mediaId)
    if (record === undefined || !isTalking(member)) continue
    if (!isHeard) stop(talk, legOf(member), pattern.name)
    else if (record.tone === null || !isSounding(record.tone, talk.now.tick)) {
      play(talk, legOf(member), pattern)
    }
  }
}
