//! Call transfer (呼叫转接, S1.27; ED-137 sheet 5.8): a party of a call sends REFER, and the other one talks
//! to the target. The target becomes a member of the same session, called by us (blind) or taken over
//! from another call of the party (attended), so that who stays hears of it only if he was held. How
//! far it is, is in the record of the session.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import { type Leg, legOf } from '../../tables/wired-conference.ts'
import { ownContact } from '../dialog/dialog.ts'
import type { Call } from '../wired/call.ts'
import type { Answered, Failed, OpenedRequest } from '../wired/events.ts'
import { align } from '../wired/modify.ts'
import { answerBye, dropMember, endCall, onBye } from '../wired/release.ts'
import { isOver, isPresent } from '../wired/sessions.ts'
import { takeAnswer } from '../wired/take-answer.ts'
import { mediaOf } from '../xip/media.ts'
import { setHoldTones } from './call-tones.ts'
import { isHere, setProgress, tell } from './refer-progress.ts'
import { type Referral, referralOf } from './refer-to.ts'
import type { Service } from './service.ts'
import { callTarget, takeTarget } from './transfer-target.ts'

const name = 'transfer'

export const transferring: Service = { name, timer: onTimer, restore }

/** REFER of a party of a call. */
export function onRefer(call: Call, opened: OpenedRequest): void {
  const { leg, id, request, pending } = opened
  const referral = referralOf(request)
  const status = 'status' in referral ? referral.status : refusalOf(call, leg)
  if ('status' in referral || status !== null) {
    const headers = status === 500 ? [{ name: 'Retry-After', value: '1' }] : []
    call.refuse(opened, status ?? 400, { headers })
    return
  }
  call.accept(leg, 'relayServer', { id, pending })
  const { isSilent } = referral
  call.respond(leg, 'relayServer', 202, {
    contact: [ownContact(call.exchange.options, call.member(call.far(leg)).user)],
    headers: isSilent ? [{ name: 'Refer-Sub', value: 'false' }] : [],
  })
  call.change({
    transfer: {
      by: leg,
      target: null,
      referSeq: request.cseq.number,
      status: 100,
      told: 0,
      isSilent,
      startedAtMs: call.now.wallMs,
    },
  })
  begin(call, leg, referral)
}

/** ED-137 sheet 5.8: only DA/IDA calls are transferred. */
function refusalOf(call: Call, leg: Leg): number | null {
  const { callType, transfer } = call.session
  if (callType !== 'da-ida') return 400
  if (transfer !== null) return 491
  // What it has asked before is not answered (INFO).
  return call.dialog(leg).relayServer?.final === null ? 500 : null
}

function begin(call: Call, by: Leg, referral: Referral): void {
  const { replaces } = referral
  const started =
    replaces === null ? callTarget(call, by, referral) : takeTarget(call, by, replaces)
  if (typeof started === 'number') {
    setProgress(call, started)
    return
  }
  const { transfer } = call.session
  assert(transfer !== null, 'the transfer has begun')
  const { target, isThere } = started
  call.change({ transfer: { ...transfer, target } })
  if (isThere) {
    complete(call, target)
    return
  }
  tell(call)
  startRinging(call, target, limits.noAnswerMs)
}

function startRinging({ exchange, sessionId, now }: Call, target: Leg, ms: number): void {
  exchange.timers.start(clockOf(sessionId, target), now.monotonicMs + ms)
}

function clockOf(sessionId: string, leg: Leg) {
  return { sessionId, timer: 'service', service: name, leg } as const
}

/** 100 .. 199 of the target. Its voice is let in when it answers: the parties still talk. */
export function onTargetProvisional(call: Call, { leg, response }: Answered): void {
  const pending = call.dialog(leg).pendingClient
  assert(pending !== null, 'a provisional answer belongs to an open INVITE')
  call.changeDialog(leg, { pendingClient: { ...pending, proceeding: true } })
  if (response.status === 100) return
  if (call.member(leg).state === 'calling') call.changeMember(leg, { state: 'ringing' })
  // It may stand for the one in the 200, which repeats it or has none (RFC 3261 13.2.1).
  if (mediaOf(response.body) !== null) call.changeDialog(leg, { remoteSdp: response.body })
  setProgress(call, response.status)
}

export function onTargetAnswered(call: Call, answered: Answered): void {
  const unusable = takeAnswer(call, answered)
  if (unusable === null) complete(call, answered.leg)
  else fail(call, unusable)
}

export function onTargetRefused(call: Call, { leg, status }: Failed): void {
  call.close(leg, 'pendingClient')
  fail(call, { status: status < 400 ? 480 : status, gone: leg })
}

export function onTargetBye(call: Call, opened: OpenedRequest): void {
  answerBye(call, opened, () => fail(call, { status: 487, gone: opened.leg }))
}

/** The one who transfers may hang up before the target answers: the others wait for it. */
export function onPartyBye(call: Call, opened: OpenedRequest): void {
  const { leg } = opened
  const { transfer } = call.session
  if (transfer === null || transfer.target === null || transfer.by !== leg) onBye(call, opened)
  else answerBye(call, opened, () => dropMember(call, leg, { status: 200, gone: leg }))
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
  call.change({ transfer: null, state: isHeld ? 'hold' : 'communicating' })
  setHoldTones(call)
  for (const member of present) align(call, legOf(member))
  call.log('info', 'a call is transferred', { to: call.member(target).user })
}

/** No target: the call is as it was, and who has asked is told. Without him there is no call any more. */
function fail(call: Call, { status, gone }: { status: number; gone?: Leg }): void {
  const { exchange, sessionId, session } = call
  const { transfer } = session
  assert(transfer !== null && transfer.target !== null, 'a target was called')
  const { by, target } = transfer
  exchange.timers.stop(clockOf(sessionId, target))
  dropMember(call, target, { status: 487, ...(gone === undefined ? {} : { gone }) })
  call.change({ transfer: { ...transfer, target: null } })
  if (isHere(call, by)) setProgress(call, status)
  else {
    const headers = [{ name: 'Reason', value: `SIP;cause=${status}` }]
    endCall(call, { by: 'callee', status: 200, headers })
  }
}

/** The target was called for long enough. */
function onTimer(call: Call, leg: Leg): void {
  if (!isOver(call.session) && call.session.transfer?.target === leg) fail(call, { status: 408 })
}

/** The wall clocks of the nodes may differ; the wait is never longer than a whole one. */
function restore(call: Call): void {
  const { transfer } = call.session
  if (isOver(call.session) || transfer === null || transfer.target === null) return
  const waitedMs = Math.min(Math.max(call.now.wallMs - transfer.startedAtMs, 0), limits.noAnswerMs)
  startRinging(call, transfer.target, limits.noAnswerMs - waitedMs)
}
