//! The machine of a two-party call: one row a state of S1.82, one cell an event, every cell written.
//!
//!   (INVITE) --> ringing --200--> communicating <--re-INVITE--> hold
//!   ringing, communicating, hold --BYE, CANCEL, refusal, time-out--> released --> (gone)
import type { Conference } from '../../tables/wired-conference.ts'
import { onDigit } from '../services/digits.ts'
import { onNoAnswer } from '../services/failure-tones.ts'
import { onInfo, onInfoDone, onInfoTooEarly } from '../services/info.ts'
import { onNotified, onReferSubscribe, tell } from '../services/refer-progress.ts'
import {
  onPartyBye,
  onRefer,
  onTargetAnswered,
  onTargetBye,
  onTargetProvisional,
  onTargetRefused,
} from '../services/transfer.ts'
import { onUpdate } from '../services/update.ts'
import { onAnswered, onProvisional, onRefused } from './answer.ts'
import type { Call } from './call.ts'
import { alignLate, onAck, onModificationRefused, onModified, onReinvite } from './modify.ts'
import { onBye, onCancel, onCancelAgain, onRelease, onUnacknowledged } from './release.ts'
import { ignored, leftRow, notOffered, type Row, reinvitedTooEarly } from './rows.ts'
import { isOver } from './sessions.ts'

type State = Exclude<Conference['state'], 'idle'>

const established: Row = {
  reinvite: onReinvite,
  bye: onPartyBye,
  info: onInfo,
  ...notOffered,
  update: onUpdate,
  refer: onRefer,
  subscribe: onReferSubscribe,
  digit: onDigit,
  ack: andAlign(onAck),
  // A re-INVITE is answered soon anyway.
  cancel: ignored,
  provisional: ignored,
  success: andAlign(onModified),
  failure: andAlign(onModificationRefused),
  'bye-done': ignored,
  'info-done': andTell(onInfoDone),
  'notify-done': onNotified,
  unacknowledged: onUnacknowledged,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onRelease,
}

/** Who waits to be told a direction is told it when nothing is open any more. */
function andAlign<E>(handler: (call: Call, event: E) => void): (call: Call, event: E) => void {
  return (call, event) => {
    handler(call, event)
    if (!isOver(call.session)) alignLate(call)
  }
}

/** The place of a NOTIFY is free again. */
function andTell<E>(handler: (call: Call, event: E) => void): (call: Call, event: E) => void {
  return (call, event) => {
    handler(call, event)
    tell(call)
  }
}

/** The target of a transfer, until it answers. */
export const targetRow: Row = {
  reinvite: reinvitedTooEarly,
  bye: onTargetBye,
  info: onInfoTooEarly,
  ...notOffered,
  update: onUpdate,
  digit: ignored,
  ack: ignored,
  cancel: ignored,
  provisional: onTargetProvisional,
  success: onTargetAnswered,
  failure: onTargetRefused,
  'bye-done': ignored,
  'info-done': onInfoDone,
  unacknowledged: ignored,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onRelease,
}

export const callMachine: Readonly<Record<State, Row>> = {
  ringing: {
    reinvite: reinvitedTooEarly,
    bye: onBye,
    info: onInfo,
    ...notOffered,
    update: onUpdate,
    digit: onDigit,
    ack: ignored,
    cancel: onCancel,
    provisional: onProvisional,
    success: onAnswered,
    failure: onRefused,
    'bye-done': ignored,
    'info-done': onInfoDone,
    unacknowledged: ignored,
    'no-answer': onNoAnswer,
    'cancel-again': onCancelAgain,
    linger: ignored,
    'member-gone': ignored,
    release: onRelease,
  },
  communicating: established,
  hold: established,
  released: leftRow,
}
