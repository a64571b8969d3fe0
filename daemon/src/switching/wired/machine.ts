//! The machine of a wired call: one row a state of S1.82, one cell an event, every cell written.
//!
//!   (INVITE) --> ringing --200--> communicating <--re-INVITE--> hold
//!   ringing, communicating, hold --BYE, CANCEL, refusal, time-out--> released --> (gone)
import { assert } from '../../assert.ts'
import type { Conference } from '../../tables/wired-conference.ts'
import { onDigit } from '../services/digits.ts'
import { onInfo, onInfoDone } from '../services/info.ts'
import { onEarlyUpdate, onUpdate } from '../services/update.ts'
import { onAnswered, onProvisional, onRefused } from './answer.ts'
import type { Call } from './call.ts'
import type { CallEventName, CallEvents, OpenedRequest } from './events.ts'
import { onAck, onModificationRefused, onModified, onReinvite } from './modify.ts'
import {
  forget,
  onBye,
  onByeDone,
  onCancel,
  onCancelAgain,
  onCancelled,
  onLateAck,
  onLateBye,
  onLateProvisional,
  onLateSuccess,
  onMemberGone,
  onNoAnswer,
  onRelease,
  onUnacknowledged,
} from './release.ts'
import { isPresent } from './sessions.ts'

type Row = { readonly [K in CallEventName]: (call: Call, event: CallEvents[K]) => void }
type State = Exclude<Conference['state'], 'idle'>

/** What no service has taken; the gate refuses these methods before (`registrar/capabilities.ts`). A
 * service that takes a cell writes it below, and its method into Allow. */
const notOffered = {
  refer: refused(405),
  prack: refused(405),
  notify: refused(405),
  subscribe: refused(405),
} as const

const established: Row = {
  reinvite: onReinvite,
  bye: onBye,
  info: onInfo,
  ...notOffered,
  update: onUpdate,
  digit: onDigit,
  ack: onAck,
  // A re-INVITE is answered soon anyway.
  cancel: ignored,
  provisional: ignored,
  success: onModified,
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

const machine: Readonly<Record<State, Row>> = {
  ringing: {
    // RFC 3261 14.2: the first INVITE of the caller has no final answer yet.
    reinvite: refused(500),
    bye: onBye,
    info: refused(481),
    ...notOffered,
    update: onEarlyUpdate,
    digit: onDigit,
    ack: ignored,
    cancel: onCancel,
    provisional: onProvisional,
    success: onAnswered,
    failure: onRefused,
    'bye-done': ignored,
    'info-done': ignored,
    unacknowledged: ignored,
    'no-answer': onNoAnswer,
    'cancel-again': onCancelAgain,
    linger: ignored,
    'member-gone': ignored,
    release: onRelease,
  },
  communicating: established,
  hold: established,
  released: {
    reinvite: refused(481),
    bye: onLateBye,
    info: refused(481),
    refer: refused(481),
    update: refused(481),
    prack: refused(481),
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
    unacknowledged: onUnacknowledged,
    'no-answer': ignored,
    'cancel-again': onCancelAgain,
    linger: forget,
    'member-gone': onMemberGone,
    release: ignored,
  },
}

/** A member who has left a call that goes on is dealt with as if the call were over. */
export function deliver<K extends CallEventName>(call: Call, name: K, event: CallEvents[K]): void {
  const { state } = call.session
  assert(state !== 'idle', 'a session is in its table from its INVITE on')
  const row = 'leg' in event && !isPresent(call.member(event.leg)) ? 'released' : state
  machine[row][name](call, event)
}

/** The event is possible here and means nothing. */
function ignored(): void {}

function refused(status: number): (call: Call, opened: OpenedRequest) => void {
  return (call, opened) => call.refuse(opened, status)
}
