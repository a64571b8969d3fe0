//! Which machine an event goes to, and which of its rows.
import { assert } from '../assert.ts'
import { groupRow } from './conference/group.ts'
import { conferenceMachine, conferenceRow } from './conference/machine.ts'
import { attendantRow } from './services/attendant.ts'
import { callBackRow } from './services/call-back-ring.ts'
import { failureRow } from './services/failure-tones.ts'
import type { Call } from './wired/call.ts'
import type { CallEventName, CallEvents } from './wired/events.ts'
import { callMachine, targetRow } from './wired/machine.ts'
import { leftRow, type Row } from './wired/rows.ts'
import { isPresent, isTarget } from './wired/sessions.ts'

/** A member who has left a session that goes on is dealt with as if the session were over. */
export function deliver<K extends CallEventName>(call: Call, name: K, event: CallEvents[K]): void {
  const leg = 'leg' in event ? event.leg : null
  rowOf(call, leg)[name](call, event)
}

function rowOf(call: Call, leg: string | null): Row {
  const { state, focus, type } = call.session
  const { attendant, callBack, failure } = call.session
  if (state === 'released') return leftRow
  const member = leg === null ? null : call.member(leg)
  if (member !== null && !isPresent(member)) return leftRow
  if (failure !== null) return failureRow
  if (attendant !== null) return attendantRow
  if (callBack !== null) return callBackRow
  if (type === 'group') return groupRow
  assert(state !== 'idle', 'only a call back is in its table before its first INVITE')
  if (focus === null) {
    return leg !== null && isTarget(call.session, leg) ? targetRow : callMachine[state]
  }
  return member === null ? conferenceRow : conferenceMachine[member.state]
}
