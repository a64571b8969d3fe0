//! A call back that comes true: the switch calls the asker; when he answers he hears it ring at the number,
//! which is called then; when that answers it is a call of two like any other. All of it is in the record
//! of the session.
import { limits } from '../../limits.ts'
import { profileOf } from '../../tables/profile.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import type { User } from '../../tables/user.ts'
import { type CallBack, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import { onMemberAck, onMemberReinvite } from '../conference/answer.ts'
import type { Call } from '../wired/call.ts'
import type { Answered, Failed, OpenedRequest } from '../wired/events.ts'
import { lineState } from '../wired/line.ts'
import { offerTo } from '../wired/media.ts'
import { memberToInvite, nextLeg } from '../wired/member.ts'
import { align } from '../wired/modify.ts'
import {
  dropMember,
  endCall,
  onBye,
  onCancelAgain,
  onRelease,
  onUnacknowledged,
} from '../wired/release.ts'
import { ignored, notOffered, type Row, reinvitedTooEarly } from '../wired/rows.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { hasRoom } from '../wired/setup-terminal.ts'
import { takeAnswer } from '../wired/take-answer.ts'
import { play, setHoldTones, stopTones } from './call-tones.ts'
import { onInfoDone, onInfoTooEarly } from './info.ts'
import { onUpdate } from './update.ts'

/** It is about the wish, and not about a leg. */
const noLeg: Leg = ''

/** The wall clocks of the nodes may differ; a wait is never longer than a whole one. */
export function startCallBackClock({ exchange, sessionId, now }: Call, callBack: CallBack): void {
  const timer = { sessionId, timer: 'service', service: 'call-back', leg: noLeg } as const
  const { phase, phaseAtMs } = callBack
  const wholeMs = phaseMs[phase]
  const waitedMs = Math.min(Math.max(now.wallMs - phaseAtMs, 0), wholeMs)
  const restMs = phase === 'waiting' ? wholeMs : wholeMs - waitedMs
  exchange.timers.start(timer, now.monotonicMs + restMs)
}

const phaseMs: Readonly<Record<CallBack['phase'], number>> = {
  waiting: limits.callBackLookMs,
  asker: limits.callBackRingMs,
  number: limits.noAnswerMs,
}

/** Both are free: the asker rings. Otherwise it waits on. */
export function attempt(call: Call): void {
  const { callBack } = call.session
  if (isOver(call.session) || callBack === null || callBack.phase !== 'waiting') return
  const asker = freeLine(call, callBack.asker)
  if (asker === null || freeLine(call, callBack.number) === null) return
  const leg = add(call, asker, callBack.number)
  if (leg === null) return
  enter(call, { ...callBack, phase: 'asker', tries: callBack.tries + 1 })
  call.change({ state: 'ringing' })
  call.invite(leg, offerTo(call, leg, 'sendrecv', 'PCMA'))
  call.log('info', 'a call back rings', { asker: callBack.asker, number: callBack.number })
}

function enter(call: Call, callBack: Omit<CallBack, 'phaseAtMs'>): void {
  const entered = { ...callBack, phaseAtMs: call.now.wallMs }
  call.change({ callBack: entered })
  startCallBackClock(call, entered)
}

/** Who can be called now: nobody waits for his line, and he wants to be disturbed. */
function freeLine({ exchange, now, session }: Call, number: string): User | null {
  const entry = exchange.options.tables.phoneBook.get(number)
  if (entry === undefined || exchange.queue.length(number) > 0) return null
  const isAsker = number === session.callBack?.asker
  if (!isAsker && profileOf(entry).settings.doNotDisturb) return null
  const line = lineState(exchange, entry, now)
  return line.kind === 'free' ? line.user : null
}

/** @param from the number that its display shows. @returns null when there is no room. */
function add(call: Call, callee: User, from: string): Leg | null {
  const { exchange, session, sessionId } = call
  const { leg, legCount } = nextLeg(exchange, session)
  const place = { sessionId, leg, localPort: 1 }
  const caller = { user: from, displayName: null }
  const made = memberToInvite(exchange, place, { callee, from: caller })
  if (made === null || !hasRoom(exchange, 1)) return null
  const localPort = exchange.resources.takePort(sessionId)
  if (localPort === null) return null
  call.change({ members: [...session.members, { ...made, localPort }], legCount })
  return leg
}

/** Nobody answers. */
export function onSilence(call: Call): void {
  endCall(call, { by: 'switch', status: 408 })
}

function onProvisional(call: Call, { leg, response }: Answered): void {
  const { pendingClient } = call.dialog(leg)
  if (pendingClient === null) return
  call.changeDialog(leg, { pendingClient: { ...pendingClient, proceeding: true } })
  if (response.status > 100 && call.member(leg).state === 'calling') {
    call.changeMember(leg, { state: 'ringing' })
  }
}

function onAnswered(call: Call, answered: Answered): void {
  const { callBack } = call.session
  const { leg } = answered
  const unusable = takeAnswer(call, answered)
  if (unusable !== null) endCall(call, { by: 'callee', ...unusable })
  else if (callBack?.phase === 'asker') callNumber(call, leg, callBack)
  else join(call)
}

/** The number may be busy again by now. */
function callNumber(call: Call, asker: Leg, callBack: CallBack): void {
  const number = freeLine(call, callBack.number)
  const leg = number === null ? null : add(call, number, callBack.asker)
  if (leg === null) {
    endCall(call, { by: 'switch', status: 486, headers: whyBusy })
    return
  }
  enter(call, { ...callBack, phase: 'number' })
  play(call, asker, toneSet(call.exchange.plan.tones).ringback)
  call.exchange.started += 1
  call.invite(leg, offerTo(call, leg, 'sendrecv', 'PCMA'))
}

const whyBusy = [{ name: 'Reason', value: 'SIP;cause=486;text="Busy Here"' }]

/** From now on it is a call like any other. */
function join(call: Call): void {
  const { exchange, sessionId, now } = call
  exchange.timers.stop({ sessionId, timer: 'service', service: 'call-back', leg: noLeg })
  exchange.answered += 1
  stopTones(call)
  const present = call.session.members.filter(isPresent)
  const state = present.some((member) => member.state === 'hold') ? 'hold' : 'communicating'
  call.change({ type: 'ordinary', state, callBack: null, answeredAtMs: now.wallMs })
  setHoldTones(call)
  for (const member of present) align(call, legOf(member))
}

/** An asker who is busy after all is called again later. */
function onRefused(call: Call, failed: Failed): void {
  const { leg, status } = failed
  const { callBack } = call.session
  call.close(leg, 'pendingClient')
  const isBusy = status === 486 && callBack?.phase === 'asker'
  if (callBack !== null && isBusy && callBack.tries < limits.callBackTriesMax) {
    dropMember(call, leg, { status, gone: leg })
    call.change({ state: 'idle' })
    enter(call, { ...callBack, phase: 'waiting' })
    return
  }
  const headers = status === 486 ? whyBusy : []
  endCall(call, { by: 'callee', status: status < 400 ? 480 : status, gone: leg, headers })
}

function onReinvite(call: Call, opened: OpenedRequest): void {
  if (isTalking(call.member(opened.leg))) onMemberReinvite(call, opened)
  else reinvitedTooEarly(call, opened)
}

function isTalking({ state }: Member): boolean {
  return state === 'talking' || state === 'hold'
}

export const callBackRow: Row = {
  reinvite: onReinvite,
  bye: onBye,
  info: onInfoTooEarly,
  ...notOffered,
  update: onUpdate,
  digit: ignored,
  ack: onMemberAck,
  // Nobody but the switch has invited.
  cancel: ignored,
  provisional: onProvisional,
  success: onAnswered,
  failure: onRefused,
  'bye-done': ignored,
  'info-done': onInfoDone,
  unacknowledged: onUnacknowledged,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onRelease,
}
