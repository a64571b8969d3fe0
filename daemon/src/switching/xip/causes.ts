//! Why a call has failed, where the SIP status leaves it open: a cause of Q.850 in a header Reason (RFC 3326,
//! RFC 6432), for whoever called and for the call record.
import type { SipHeader } from '../../wire/sip/message.ts'

function cause(number: number, text: string): readonly SipHeader[] {
  return [{ name: 'Reason', value: `Q.850;cause=${number};text="${text}"` }]
}

export const causes = {
  busy: cause(17, 'User busy'),
  /** Its terminal says nothing at all. */
  noReply: cause(18, 'No user responding'),
  noAnswer: cause(19, 'No answer from user'),
  notRegistered: cause(20, 'Subscriber absent'),
  doNotDisturb: cause(21, 'Do not disturb'),
} as const

/** Of a line that takes no call. @param status what the caller is told because of it */
export function causeOfLine(status: number): readonly SipHeader[] {
  if (status === 486) return causes.busy
  return status === 480 ? causes.notRegistered : []
}
