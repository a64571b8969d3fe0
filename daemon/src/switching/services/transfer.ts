//! Call transfer (呼叫转接, S1.27; ED-137 sheet 5.8): a party of a call sends REFER, and the other one talks
//! to the target. The target becomes a member of the same session, called by us (blind) or taken over
//! from another call of the party (attended), so that who stays hears of it only if he was held. When the
//! target does not come and the one who has asked for it has left, it rings there again (recall). How far
//! it is, is in the record of the session.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import { toneSet } from '../../tables/tone-sets.ts'
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import { type Entrance, enterConference } from '../conference/enter.ts'
import { ownContact } from '../dialog/dialog.ts'
import { nextWay, signsIn } from '../trunk/outgoing.ts'
import { answerNewcomer } from '../wired/answer.ts'
import { type Call, withSession } from '../wired/call.ts'
import { keepDescription, noteProgress } from '../wired/early.ts'
import type { Answered, Failed, OpenedRequest } from '../wired/events.ts'
import { align } from '../wired/modify.ts'
import { answerBye, dropMember, endCall, onBye } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { takeAnswer } from '../wired/take-answer.ts'
import { play, setHoldTones, stop, stopTones } from './call-tones.ts'
import { isHere, setProgress, tell } from './refer-progress.ts'
import { type Referral, referralOf } from './refer-to.ts'
import type { Service } from './service.ts'
import {
  addRecalled,
  addTarget,
  callTarget,
  partyOf,
  type Target,
  takeTarget,
} from './transfer-target.ts'

const name = 'transfer'

export const transferring: Service = { name, timer: onTimer, restore }

/** REFER of a party of a call. */
export function onRefer(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const referral = referralOf(call, request)
  const status = 'status' in referral ? referral.status : refusalOf(call, leg, referral)
  if ('status' in referral || status !== null) {
    const headers = status === 500 ? [{ name: 'Retry-After', value: '1' }] : []
    call.refuse(opened, status ?? 400, { headers })
    return
  }
  call.accept(leg, 'relayServer', { id, pending })
  const { isSilent } = referral
  const started = isSilent ? start(call, leg, referral) : null
  if (typeof started === 'number') {
    declineFor(call, leg, started)
    return
  }
  call.respond(leg, 'relayServer', 202, {
    contact: [ownContact(call.exchange.options, call.member(call.far(leg)).user)],
    headers: isSilent ? [{ name: 'Refer-Sub', value: 'false' }] : [],
  })
  call.used('transfer')
  call.change({
    transfer: {
      by: leg,
      returnsTo: accountOf(call, leg),
      target: null,
      also: null,
      joins: null,
      referSeq: request.cseq.number,
      status: 100,
      told: 0,
      isSilent,
      startedAtMs: call.now.wallMs,
    },
  })
  begin(call, leg, started ?? start(call, leg, referral))
}

function start(call: Call, by: Leg, referral: Referral): Target {
  const { replaces } = referral
  return replaces === null ? callTarget(call, by, referral) : takeTarget(call, by, replaces)
}

/** Who wants to be told nothing hangs up behind a 202, and the other party would be left to nobody. Of the
 * target the status would say something of the dialog (RFC 5057), so that it is in a Reason. */
function declineFor(call: Call, by: Leg, status: number): void {
  const headers = [{ name: 'Reason', value: `SIP;cause=${status}` }]
  call.respond(by, 'relayServer', 603, { headers })
}

/** Somebody at another system is not called back: nobody here pays for that. */
function accountOf(call: Call, leg: Leg): string | null {
  const { user, trunk } = call.member(leg)
  const isAccount = trunk === null && call.exchange.options.tables.phoneBook.get(user) !== undefined
  return isAccount ? user : null
}

/** ED-137 sheet 5.8: only DA/IDA calls are transferred. */
function refusalOf(call: Call, leg: Leg, { method }: Referral): number | null {
  const { callType, transfer } = call.session
  // Members are dropped by the focus of a conference only.
  if (callType !== 'da-ida' || method !== 'INVITE') return 400
  if (transfer !== null) return 491
  // What it has asked before is not answered (INFO).
  return call.dialog(leg).relayServer?.final === null ? 500 : null
}

function begin(call: Call, by: Leg, started: Target): void {
  if (typeof started === 'number') {
    setProgress(call, started)
    return
  }
  if ('conference' in started) {
    intoConference(call, by, started)
    return
  }
  const { transfer } = call.session
  assert(transfer !== null, 'the transfer has begun')
  const { target, also, isThere } = started
  call.change({ transfer: { ...transfer, target, also: also.length === 0 ? null : [...also] } })
  if (isThere) {
    complete(call, target)
    return
  }
  tell(call)
  startRinging(call, target, limits.noAnswerMs)
}

/** The other party is answered by the focus, and who has asked for it leaves. */
function intoConference(call: Call, by: Leg, entrance: Entrance): void {
  const party = call.far(by)
  setProgress(call, 200)
  dropMember(call, by, { status: 200 })
  call.change({ transfer: null })
  stopTones(call)
  call.log('info', 'a call is transferred to a conference', { party: call.member(party).user })
  enterConference(call, party, entrance)
}

function startRinging({ exchange, sessionId, now }: Call, target: Leg, ms: number): void {
  exchange.timers.start(clockOf(sessionId, target), now.monotonicMs + ms)
}

function clockOf(sessionId: string, leg: Leg) {
  return { sessionId, timer: 'service', service: name, leg } as const
}

/** 100 .. 199 of the target. Its voice is let in when it answers: the parties still talk. */
export function onTargetProvisional(call: Call, answered: Answered): void {
  if (!noteProgress(call, answered)) return
  keepDescription(call, answered)
  if (!isRecall(call)) setProgress(call, answered.response.status)
}

export function onTargetAnswered(call: Call, answered: Answered): void {
  const { leg } = answered
  const unusable = takeAnswer(call, answered)
  if (unusable !== null) {
    withoutTarget(call, leg, unusable)
    return
  }
  for (const other of targetsOf(call)) {
    if (other !== leg) dropMember(call, other, { status: 200 })
  }
  const { transfer } = call.session
  if (transfer !== null) call.change({ transfer: { ...transfer, target: leg, also: null } })
  complete(call, leg)
}

/** Another system may want a password, or be reached another way. */
export function onTargetRefused(call: Call, failed: Failed): void {
  const { leg, status } = failed
  call.close(leg, 'pendingClient')
  if (signsIn(call, failed) || goesOtherWay(call, failed, leg)) return
  withoutTarget(call, leg, { status: status < 400 ? 480 : status, gone: leg })
}

/** Another system has said nothing in its time: nobody waits for it any longer. */
export function onTargetSilent(call: Call, leg: Leg): void {
  const { state, dialog } = call.member(leg)
  if (state !== 'calling' || dialog.pendingClient === null) return
  if (dialog.pendingClient.proceeding || dialog.pendingClient.cancelled) return
  const failed = { leg, status: 408, response: null }
  if (!goesOtherWay(call, failed)) withoutTarget(call, leg, { status: 408 })
}

/** @param gone the leg, when it was heard of: there is nothing to cancel. */
function goesOtherWay(call: Call, failed: Failed, gone?: Leg): boolean {
  const { transfer } = call.session
  const callee = transfer === null ? null : nextWay(call, failed)
  const target = callee === null ? null : addTarget(call, transfer?.by ?? '', callee)
  if (transfer === null || target === null) return false
  const end = { status: failed.status, ...(gone === undefined ? {} : { gone }) }
  dropMember(call, failed.leg, end)
  call.change({ transfer: { ...transfer, target } })
  startRinging(call, target, restMs(call))
  return true
}

export function onTargetBye(call: Call, opened: OpenedRequest): void {
  const { leg } = opened
  answerBye(call, opened, () => withoutTarget(call, leg, { status: 487, gone: leg }))
}

/** All who are called for the transfer. */
function targetsOf({ session }: Call): Leg[] {
  const { target = null, also = null } = session.transfer ?? {}
  return target === null ? [] : [target, ...(also ?? [])]
}

/** One of them will not come. The last one: nobody does. */
function withoutTarget(call: Call, leg: Leg, end: { status: number; gone?: Leg }): void {
  const { transfer } = call.session
  const [next, ...others] = targetsOf(call).filter((one) => one !== leg)
  if (transfer === null || next === undefined) {
    fail(call, end)
    return
  }
  dropMember(call, leg, end)
  const also = others.length === 0 ? null : others
  call.change({ transfer: { ...transfer, target: next, also } })
  startRinging(call, next, restMs(call))
}

/** The one who transfers may hang up before the target answers: the others wait for it. He may also not
 * have heard yet that it does not come. */
export function onPartyBye(call: Call, opened: OpenedRequest): void {
  const { leg } = opened
  const { transfer } = call.session
  if (transfer === null || transfer.by !== leg) {
    onBye(call, opened)
    return
  }
  answerBye(call, opened, () => dropMember(call, leg, { status: 200, gone: leg }))
  if (transfer.target === null) recallLater(call)
  else soundRinging(call)
}

/** Nobody talks to who stays any more, and somebody rings for him. */
function soundRinging(call: Call): void {
  const party = partyOf(call, call.session.transfer?.by ?? '')
  if (party === null) return
  play(call, legOf(party), toneSet(call.exchange.plan.tones).ringback)
}

/** Somebody has picked up (代答) what rang for the transfer, and is its target.
 * @param leg of his INVITE, which is open */
export function comeInstead(call: Call, leg: Leg): void {
  const { exchange, sessionId, session } = call
  const { transfer } = session
  assert(transfer !== null && transfer.target !== null, 'somebody rang for the transfer')
  exchange.timers.stop(clockOf(sessionId, transfer.target))
  call.change({ transfer: { ...transfer, target: leg, also: null } })
  answerNewcomer(call, leg)
  complete(call, leg)
}

/** The target is there: who has asked for it leaves. */
function complete(call: Call, target: Leg): void {
  const { exchange, sessionId, session } = call
  assert(session.transfer !== null, 'a transfer is under way')
  const { by } = session.transfer
  exchange.timers.stop(clockOf(sessionId, target))
  if (isHere(call, by)) {
    // The last word need not wait for the answer to the one before: the call ends behind it.
    call.close(by, 'relayClient')
    setProgress(call, 200)
    dropMember(call, by, { status: 200 })
  }
  const present = call.session.members.filter(isPresent)
  if (present.length < 2) {
    // The other party has vanished meanwhile.
    endCall(call, { by: 'switch', status: 200 })
    return
  }
  const isHeld = present.some((member) => member.state === 'hold')
  const text = isRecall(call) ? 'a transferred call is back' : 'a call is transferred'
  call.change({ transfer: null, state: isHeld ? 'hold' : 'communicating' })
  for (const member of present) stop(call, legOf(member), 'ringback')
  setHoldTones(call)
  for (const member of present) align(call, legOf(member))
  call.log('info', text, { to: call.member(target).user })
}

/** No target: the call is as it was, and who has asked is told. Without him it rings there again. */
function fail(call: Call, { status, gone }: { status: number; gone?: Leg }): void {
  const { exchange, sessionId, session } = call
  const { transfer } = session
  assert(transfer !== null && transfer.target !== null, 'a target was called')
  const { by, target } = transfer
  exchange.timers.stop(clockOf(sessionId, target))
  for (const leg of targetsOf(call)) {
    dropMember(call, leg, { status: 487, ...(gone === leg ? { gone } : {}) })
  }
  const why = isRecall(call) ? transfer.status : status
  call.change({ transfer: { ...transfer, target: null, also: null, status: why } })
  if (isHere(call, by)) setProgress(call, why)
  else recall(call)
}

/** It rings at who has transferred the call and has left. */
function isRecall({ session: { transfer } }: Call): boolean {
  return transfer !== null && transfer.target !== null && transfer.status >= 300
}

/** The party is not left to nobody: who has sent it away is called for it. When he does not come either, it
 * is released with the reason of the target. */
function recall(call: Call): void {
  const { transfer } = call.session
  assert(transfer !== null && transfer.target === null, 'the transfer has failed')
  const { by, returnsTo, status } = transfer
  const target = returnsTo === null ? null : addRecalled(call, by, returnsTo)
  if (target === null) {
    const headers = [{ name: 'Reason', value: `SIP;cause=${status}` }]
    endCall(call, { by: 'callee', status: 200, headers })
    return
  }
  call.used('recall')
  const startedAtMs = call.now.wallMs
  call.change({ transfer: { ...transfer, returnsTo: null, target, startedAtMs } })
  soundRinging(call)
  startRinging(call, target, limits.noAnswerMs)
  call.log('info', 'a transfer has failed, and rings again', { at: returnsTo, status })
}

/** Once his line is free of this call. */
function recallLater({ exchange, sessionId }: Call): void {
  exchange.followUps.push((now) =>
    withSession(exchange, { sessionId, now }, (call) => {
      const { transfer } = call.session
      if (!isOver(call.session) && transfer !== null && transfer.target === null) recall(call)
    }),
  )
}

/** The target was called for long enough. */
function onTimer(call: Call, leg: Leg): void {
  if (!isOver(call.session) && call.session.transfer?.target === leg) fail(call, { status: 408 })
}

function restore(call: Call): void {
  const { transfer, focus } = call.session
  if (isOver(call.session) || transfer === null) return
  if (transfer.target !== null) startRinging(call, transfer.target, restMs(call))
  else if (focus === null && transfer.status >= 300 && !isHere(call, transfer.by)) recallLater(call)
}

/** The wall clocks of the nodes may differ; the wait is never longer than a whole one. */
function restMs({ session, now }: Call): number {
  const waitedMs = now.wallMs - (session.transfer?.startedAtMs ?? now.wallMs)
  return limits.noAnswerMs - Math.min(Math.max(waitedMs, 0), limits.noAnswerMs)
}
