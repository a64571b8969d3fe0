//! Calls that the switch answers by itself: it is the other end, and nobody is called. A tone confirms what
//! was set by dialling; who monitors hears the conversation of others (`monitor.ts`).
import { limits } from '../../limits.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import type { Attendant, Conference, Leg } from '../../tables/wired-conference.ts'
import {
  answerMember,
  onMemberAck,
  onMemberModified,
  onMemberReinvite,
  onModificationRefused,
} from '../conference/answer.ts'
import { onMemberInfo } from '../conference/pin.ts'
import { newSeat } from '../conference/seat.ts'
import { pendingServerOf } from '../dialog/pending.ts'
import { Call } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import { memberOfInvite } from '../wired/member.ts'
import { endCall, onBye, onCancelAgain, onRelease, onUnacknowledged } from '../wired/release.ts'
import { ignored, notOffered, type Row } from '../wired/rows.ts'
import { isOver } from '../wired/sessions.ts'
import type { SetUp } from '../wired/setup.ts'
import { hasRoom, newSession } from '../wired/setup-terminal.ts'
import { play } from './call-tones.ts'
import { isProbe, onProbed } from './probe.ts'
import type { Service } from './service.ts'
import { onUpdate } from './update.ts'

const name = 'attendant'
/** The only leg of such a call. */
export const attendedLeg: Leg = 'a'

export const attending: Service = {
  name,
  timer: (call) => endCall(call, { by: 'switch', status: 200 }),
  restore: (call) => {
    if (!isOver(call.session) && call.session.attendant?.kind === 'confirmation') startClock(call)
  },
}

/** Answers the call with 200; to be committed by who has asked for it.
 * @returns the status that refuses it when there is no room. */
export function attend(work: SetUp, attendant: Attendant): Call | number {
  const { exchange, invitation, xip, names } = work
  const { request, source, now } = invitation
  const { sessionId } = xip
  const pending = pendingServerOf(request, source)
  if (pending === null) return 513
  const place = { sessionId, leg: attendedLeg, localPort: 1, names }
  const caller = memberOfInvite(exchange, invitation, place)
  if (caller === null) return 400
  const taken = hasRoom(exchange, 1) ? exchange.resources.take(sessionId, 1) : null
  const localPort = taken?.ports[0]
  if (taken === null || localPort === undefined) return 503
  const wg67Version = xip.wg67Versions.join(', ')
  const seat = newSeat(undefined, { user: caller.user, wg67Version, now })
  const mayTalk = attendant.kind !== 'monitoring'
  const session: Conference = {
    ...newSession(xip, { conferenceId: taken.conferenceId, now }),
    type: 'service',
    state: 'communicating',
    answeredAtMs: now.wallMs,
    attendant,
    members: [{ ...caller, localPort, seat: { ...seat, mayTalk } }],
  }
  if (!exchange.sessions.save(session)) {
    exchange.resources.giveBack(sessionId, taken)
    return 503
  }
  exchange.started += 1
  exchange.answered += 1
  const call = new Call(exchange, session, now)
  call.accept(attendedLeg, 'pendingServer', { id: invitation.id, pending })
  answerMember(call, attendedLeg)
  return call
}

/** The caller hears that it is done, and the call ends by itself.
 * @returns the status that refuses it when there is no room. */
export function confirm(work: SetUp): Call | number {
  const { destinationUser: number } = work.xip
  const call = attend(work, { kind: 'confirmation', number, heard: null })
  if (typeof call === 'number') return call
  play(call, attendedLeg, toneSet(call.exchange.plan.tones).confirmation)
  startClock(call)
  return call
}

function startClock({ exchange, sessionId, session, now }: Call): void {
  // The wall clocks of the nodes may differ; the wait is never longer than a whole one.
  const waitedMs = Math.max(now.wallMs - session.startedAtMs, 0)
  const restMs = Math.max(limits.confirmationMs - waitedMs, 0)
  const timer = { sessionId, timer: 'service', service: name, leg: attendedLeg } as const
  exchange.timers.start(timer, now.monotonicMs + restMs)
}

export const attendantRow: Row = {
  reinvite: onMemberReinvite,
  bye: onBye,
  info: onMemberInfo,
  ...notOffered,
  update: onUpdate,
  digit: ignored,
  ack: onMemberAck,
  // Its INVITE was answered at once.
  cancel: ignored,
  provisional: ignored,
  success: onMemberModified,
  failure: onModificationRefused,
  'bye-done': ignored,
  'info-done': onInfoDone,
  unacknowledged: onUnacknowledged,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onRelease,
}

/** The switch asks the terminal nothing but whether it lives. */
function onInfoDone(call: Call, failed: Failed): void {
  if (isProbe(call, failed.leg)) onProbed(call, failed)
  else call.close(failed.leg, 'relayClient')
}
