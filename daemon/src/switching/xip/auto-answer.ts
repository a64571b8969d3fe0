//! Calls that nobody is to answer by hand: instantaneous access and monitoring (ED-137 volume 2). A position
//! knows them by their Subject; what follows says the same to a telephone that knows nothing of ED-137. None
//! of it is required: who knows none of it rings.
import type { SipHeader } from '../../wire/sip/message.ts'

/** RFC 5373, and the two that telephones take for their intercom. The URIs are not meant to be asked
 * (RFC 6761 6.4: nobody has that name). */
const atOnce: readonly SipHeader[] = [
  { name: 'Answer-Mode', value: 'Auto' },
  { name: 'Call-Info', value: '<sip:answer.invalid>;answer-after=0' },
  { name: 'Alert-Info', value: '<http://answer.invalid>;info=alert-autoanswer;delay=0' },
]

export function autoAnswerHeaders(callType: string): readonly SipHeader[] {
  return callType === 'da-ida' || callType === '' ? [] : atOnce
}
