//! Conferences as a service: their clocks, and the digits that come with the voice.
import { limits } from '../../limits.ts'
import { legOf, type Member } from '../../tables/wired-conference.ts'
import { onNotAnswered, startRinging } from '../conference/invite.ts'
import { onCodeDigit } from '../conference/member-codes.ts'
import { onPinDigit } from '../conference/pin.ts'
import { referred } from '../conference/referred.ts'
import { isConnected } from '../conference/seat.ts'
import type { Call } from '../wired/call.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import type { Service } from './service.ts'

export const conferenceService: Service = {
  name: 'conference',
  dialled: (call, leg, digit) => onPinDigit(call, leg, digit) || onCodeDigit(call, leg, digit),
  timer(call, leg) {
    const member = call.member(leg)
    const isLate = !isConnected(member) || member.seat?.room !== null
    if (!isPresent(member) || !isLate) return
    referred(call, leg, 408)
    onNotAnswered(call, leg)
  },
  restore(call) {
    if (isOver(call.session) || call.session.focus === null) return
    for (const member of call.session.members) restoreClock(call, member)
  },
}

/** The wall clocks of the nodes may differ; the wait is never longer than a whole one. */
function restoreClock(call: Call, member: Member): void {
  const { seat } = member
  if (seat === null || !isPresent(member)) return
  if (isConnected(member) && seat.room === null) return
  const wholeMs = isConnected(member) ? limits.conferencePinMs : limits.conferenceRingMs
  const waitedMs = Math.min(Math.max(call.now.wallMs - seat.sinceMs, 0), wholeMs)
  startRinging(call, legOf(member), wholeMs - waitedMs)
}
