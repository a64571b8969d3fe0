//! What the machines of sessions share: the form of a row, and the row of who has left.
import { onPrack } from '../services/prack.ts'
import { onNotified } from '../services/refer-progress.ts'
import type { Call } from './call.ts'
import type { CallEventName, CallEvents, OpenedRequest } from './events.ts'
import {
  forget,
  onByeDone,
  onCancelAgain,
  onCancelled,
  onLateAck,
  onLateBye,
  onLateProvisional,
  onLateSuccess,
  onMemberGone,
  onUnacknowledged,
} from './release.ts'

/** One cell an event. */
export type Row = { readonly [K in CallEventName]: (call: Call, event: CallEvents[K]) => void }

/** The event is possible here and means nothing. */
export function ignored(): void {}

function refused(status: number): (call: Call, opened: OpenedRequest) => void {
  return (call, opened) => call.refuse(opened, status)
}

/** A re-INVITE before the first INVITE has a final answer, ours or theirs (RFC 3261 14.2). */
export function reinvitedTooEarly(call: Call, opened: OpenedRequest): void {
  if (call.dialog(opened.leg).pendingClient !== null) call.refuse(opened, 491)
  else call.refuse(opened, 500, { headers: [{ name: 'Retry-After', value: '1' }] })
}

/** What no service has taken; the gate refuses these methods before (`registrar/capabilities.ts`). A
 * service that takes a cell writes it behind this in the row, and its method into Allow. */
export const notOffered = {
  refer: refused(403),
  update: refused(405),
  prack: onPrack,
  notify: refused(405),
  subscribe: refused(403),
  'notify-done': ignored,
} as const

/** A session that is over, and a member who has left one that goes on. */
export const leftRow: Row = {
  reinvite: refused(481),
  bye: onLateBye,
  info: refused(481),
  refer: refused(481),
  update: refused(481),
  prack: onPrack,
  notify: refused(481),
  subscribe: refused(481),
  digit: ignored,
  ack: onLateAck,
  cancel: ignored,
  provisional: onLateProvisional,
  success: onLateSuccess,
  failure: onCancelled,
  'bye-done': onByeDone,
  'info-done': ignored,
  'notify-done': onNotified,
  unacknowledged: onUnacknowledged,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: forget,
  'member-gone': onMemberGone,
  release: ignored,
}
