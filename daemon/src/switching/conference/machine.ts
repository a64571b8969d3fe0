//! The machine of a conference: one row a state of the member, one cell an event, every cell written.
//!
//!   called by us:  calling --18x--> ringing --200--> talking <--re-INVITE--> hold
//!   calls us:      (INVITE) --> talking
//!   any --BYE, refusal, time-out, dropped--> releasing --> released --> (gone)
import type { Member } from '../../tables/wired-conference.ts'
import { onDigit } from '../services/digits.ts'
import { onNotified } from '../services/refer-progress.ts'
import { onUpdate } from '../services/update.ts'
import type { Call } from '../wired/call.ts'
import type { OfLeg } from '../wired/events.ts'
import { onCancelAgain } from '../wired/release.ts'
import { ignored, leftRow, notOffered, type Row, reinvitedTooEarly } from '../wired/rows.ts'
import {
  onInvitedAnswered,
  onInvitedProvisional,
  onInvitedRefused,
  onMemberAck,
  onMemberModified,
  onMemberReinvite,
  onModificationRefused,
} from './answer.ts'
import { onConferenceReleased, onMemberBye, onMemberUnacknowledged } from './leave.ts'
import { onMemberInfo } from './pin.ts'
import { onMemberRefer } from './refer.ts'

/** Called by the conference, and not there yet. */
const invited: Row = {
  reinvite: reinvitedTooEarly,
  bye: onMemberBye,
  info: onMemberInfo,
  ...notOffered,
  update: onUpdate,
  digit: ignored,
  ack: ignored,
  cancel: ignored,
  provisional: onInvitedProvisional,
  success: onInvitedAnswered,
  failure: onInvitedRefused,
  'bye-done': ignored,
  'info-done': ignored,
  unacknowledged: ignored,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onConferenceReleased,
}

const connected: Row = {
  reinvite: onMemberReinvite,
  bye: onMemberBye,
  info: onMemberInfo,
  ...notOffered,
  refer: onMemberRefer,
  'notify-done': onNotified,
  update: onUpdate,
  digit: onDigit,
  ack: onMemberAck,
  // Its INVITE was answered at once.
  cancel: ignored,
  provisional: ignored,
  success: onMemberModified,
  failure: onModificationRefused,
  'bye-done': ignored,
  'info-done': onInfoTold,
  unacknowledged: onMemberUnacknowledged,
  'no-answer': ignored,
  'cancel-again': onCancelAgain,
  linger: ignored,
  'member-gone': ignored,
  release: onConferenceReleased,
}

/** The answer to an INFO of the switch says nothing. */
function onInfoTold(call: Call, { leg }: OfLeg): void {
  call.close(leg, 'relayClient')
}

export const conferenceMachine: Readonly<Record<Member['state'], Row>> = {
  calling: invited,
  ringing: invited,
  talking: connected,
  hold: connected,
  releasing: leftRow,
  released: leftRow,
}

/** For what concerns the conference as a whole: its clocks, and the operator. */
export const conferenceRow: Row = connected
