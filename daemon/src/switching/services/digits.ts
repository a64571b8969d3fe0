//! Digits of a terminal, from its media or in an INFO: the first service that has a use for one takes it. The
//! media unit passes those of a call of two on to the other terminal, taken or not.

import { infoDigit } from '../../wire/info-digit.ts'
import { header } from '../../wire/sip/message.ts'
import type { Call } from '../wired/call.ts'
import type { CallEvents, OpenedRequest } from '../wired/events.ts'

export function onDigit(call: Call, { leg, digit, mark }: CallEvents['digit']): void {
  take(call, { leg, digit, mark })
}

function take(call: Call, { leg, digit, mark }: CallEvents['digit']): boolean {
  if (call.member(leg).lastDigit === mark) return true
  const isTaken = call.exchange.services.some(({ dialled }) => dialled?.(call, leg, digit))
  // In the same commit as what the service did: after a take-over it is not done again.
  if (isTaken && call.has(leg)) call.changeMember(leg, { lastDigit: mark })
  return isTaken
}

/** An INFO with a digit that a service takes is answered here. @returns false when it is none. */
export function takesInfoDigit(call: Call, { leg, id, request, pending }: OpenedRequest): boolean {
  const digit = infoDigit(header(request, 'Content-Type'), request.body)
  if (digit === null || call.dialog(leg).relayServer?.final === null) return false
  if (!take(call, { leg, digit, mark: `info.${request.cseq.number}` })) return false
  if (!call.has(leg)) return true
  call.accept(leg, 'relayServer', { id, pending })
  call.respond(leg, 'relayServer', 200)
  return true
}
