//! The machine of a two-party call: one row a state of S1.82, one cell an event, every cell written.
//!
//!   (INVITE) --> ringing --200--> communicating <--re-INVITE--> hold
//!   ringing, communicating, hold --BYE, CANCEL, refusal, time-out--> released --> (gone)
import type { Conference } from '../../tables/wired-conference.ts'
import { onDigit } from '../services/digits.ts'
import { onInfo, onInfoDone } from '../services/info.ts'
import { onEarlyUpdate, onUpdate } from '../services/update.ts'
import { onAnswered, onProvisional, onRefused } from './answer.ts'
import { onAck, onModificationRefused, onModified, onReinvite } from './modify.ts'
import {
  onBye,
  onCancel,
  onCancelAgain,
  onNoAnswer,
  onRelease,
  onUnacknowledged,
} from './release.ts'
import { ignored, leftRow, notOffered, type Row, refused } from './rows.ts'

type State = Exclude<Conference['state'], 'idle'>

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

export const callMachine: Readonly<Record<State, Row>> = {
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
  released: leftRow,
}
