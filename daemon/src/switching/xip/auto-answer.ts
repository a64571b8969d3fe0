//! Calls that nobody is to answer by hand: instantaneous access and monitoring (ED-137 volume 2). A position
//! knows them by their Subject; what follows says the same to a telephone that knows nothing of ED-137.
import type { SipHeader } from '../../wire/sip/message.ts'

/** RFC 5373, and what many telephones take for their intercom. The URI of Call-Info is not meant to be asked
 * (RFC 6761 6.4: nobody has that name). */
const atOnce: readonly SipHeader[] = [
  { name: 'Answer-Mode', value: 'Auto' },
  { name: 'Call-Info', value: '<sip:answer.invalid>;answer-after=0' },
]

export function autoAnswerHeaders(callType: string): readonly SipHeader[] {
  return callType === 'da-ida' || callType === '' ? [] : atOnce
}
