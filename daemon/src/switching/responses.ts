//! What a response to a request of ours is to its call: in the transaction of a place of the record, or late.
import { limits } from '../limits.ts'
import type { Leg } from '../tables/wired-conference.ts'
import type { SipResponse } from '../wire/sip/message.ts'
import { deliver } from './deliver.ts'
import { tagOf } from './dialog/dialog.ts'
import { settleTimer } from './dialog/session-timer.ts'
import { signsInAgain } from './trunk/sign-in.ts'
import type { Call } from './wired/call.ts'
import { isPrack, onPracked, signsInEarly, takeEarly, withEarlyAnswer } from './wired/early.ts'
import type { Failed } from './wired/events.ts'
import { bestOf, cancelForks, goesOn, isFork, refuseFork, takesOver } from './wired/forks.ts'
import type { Link } from './wired/links.ts'
import { asksForLonger } from './wired/longer.ts'
import { onForksDone } from './wired/release.ts'
import { isPresent } from './wired/sessions.ts'

/** A response in the transaction of a place. */
export function answer(call: Call, { leg, slot }: Link, response: SipResponse): void {
  if (isPrack(slot)) {
    onPracked(call, leg, { slot, response })
    return
  }
  if (isFork(slot) && !takesOver(call, leg, { slot, response })) {
    onForksDone(call, leg)
    return
  }
  const pending =
    slot === 'relayClient' ? call.dialog(leg).relayClient : call.dialog(leg).pendingClient
  if (pending === null || !isFor(pending, response)) {
    repeated(call, leg, response)
    return
  }
  const { status } = response
  if (signsInAgain(call, { leg, slot }, response)) return
  if (signsInEarly(call, { leg, slot }, response)) return
  if (pending.method !== 'INVITE') {
    if (status >= 200) deliver(call, doneName(slot, pending.method), { leg, status, response })
  } else if (status < 200) {
    if (takeEarly(call, leg, response)) deliver(call, 'provisional', { leg, response })
  } else if (status < 300) {
    deliver(call, 'success', { leg, response: withEarlyAnswer(call, leg, response) })
    if (call.has(leg)) cancelForks(call, leg)
    settleSession(call, leg, response)
  } else refusedInvite(call, { leg, status, response })
}

/** It may be asked for a longer session; of several contacts the others may go on; else the best refusal
 * counts. */
function refusedInvite(call: Call, failed: Failed): void {
  if (asksForLonger(call, failed)) return
  if (goesOn(call, failed)) return
  if (failed.status >= 600) cancelForks(call, failed.leg, null)
  deliver(call, 'failure', bestOf(call, failed))
}

/** RFC 4028 7.4: what the 2xx says of refreshes holds from now on. */
function settleSession(call: Call, leg: Leg, response: SipResponse): void {
  if (!call.has(leg) || !isPresent(call.member(leg))) return
  const askedS = call.dialog(leg).timer?.intervalS ?? limits.sessionTimerS
  call.settleTimer(leg, settleTimer(response, askedS))
}

/** Timer B or F. */
export function silence(call: Call, { leg, slot }: Link): void {
  if (isPrack(slot)) {
    onPracked(call, leg, { slot, response: null })
    return
  }
  if (isFork(slot)) {
    takesOver(call, leg, { slot, response: null })
    onForksDone(call, leg)
    return
  }
  const pending =
    slot === 'relayClient' ? call.dialog(leg).relayClient : call.dialog(leg).pendingClient
  if (pending === null) return
  const failed = { leg, status: 408, response: null }
  if (pending.method === 'INVITE') refusedInvite(call, failed)
  else deliver(call, doneName(slot, pending.method), failed)
}

function doneName(slot: Link['slot'], method: string): 'info-done' | 'bye-done' | 'notify-done' {
  if (method === 'NOTIFY') return 'notify-done'
  return slot === 'relayClient' ? 'info-done' : 'bye-done'
}

function isFor(pending: { method: string; cseq: number }, response: SipResponse): boolean {
  return pending.method === response.cseq.method && pending.cseq === response.cseq.number
}

/** A final answer that was taken already: its ACK was lost, so there is another one. */
export function repeated(call: Call, leg: Leg, response: SipResponse): void {
  const { dialog, forks } = call.member(leg)
  const { remoteTag, localSeq } = dialog
  const { cseq, status } = response
  if (cseq.method !== 'INVITE' || status < 200 || cseq.number > localSeq) return
  if (status >= 300) call.acknowledgeRefusal(leg, response)
  else if (remoteTag === null && forks === null) return
  else if (tagOf(response.to) === remoteTag) call.acknowledge(leg, response.cseq.number)
  else refuseFork(call, leg, response)
}
