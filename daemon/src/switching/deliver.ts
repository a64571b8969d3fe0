//! Which machine an event goes to, and which of its rows.
import { assert } from '../assert.ts'
import { groupRow } from './conference/group.ts'
import { conferenceMachine, conferenceRow } from './conference/machine.ts'
import type { Call } from './wired/call.ts'
import type { CallEventName, CallEvents } from './wired/events.ts'
import { callMachine, targetRow } from './wired/machine.ts'
import { leftRow, type Row } from './wired/rows.ts'
import { isPresent } from './wired/sessions.ts'

/** A member who has left a session that goes on is dealt with as if the session were over. */
export function deliver<K extends CallEventName>(call: Call, name: K, event: CallEvents[K]): void {
  const leg = 'leg' in event ? event.leg : null
  rowOf(call, leg)[name](call, event)
}

function rowOf(call: Call, leg: string | null): Row {
  const { state, focus, type, transfer } = call.session
  assert(state !== 'idle', 'a session is in its table from its INVITE on')
  if (state === 'released') return leftRow
  const member = leg === null ? null : call.member(leg)
  if (member !== null && !isPresent(member)) return leftRow
  if (type === 'group') return groupRow
  if (focus === null) {
    const isTarget = leg !== null && transfer?.target === leg
    return isTarget ? targetRow : callMachine[state]
  }
  return member === null ? conferenceRow : conferenceMachine[member.state]
}
