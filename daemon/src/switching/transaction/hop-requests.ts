//! The two requests that live for one hop and are made from another one: ACK of a non-2xx and CANCEL.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { NameAddress, SipRequest, SipResponse } from '../../wire/sip/message.ts'

/** RFC 3261 17.1.1.3: ACK of a non-2xx, same branch, To of the response, Route of the INVITE. */
export function ackOf(invite: SipRequest, response: SipResponse): SipRequest {
  return sameHop(invite, 'ACK', response.to)
}

/** RFC 3261 9.1: everything that identifies the request is equal, only the method differs. */
export function cancelOf(invite: SipRequest, reason?: string | null): SipRequest {
  const headers = reason == null ? [] : [{ name: 'Reason', value: reason }]
  return { ...sameHop(invite, 'CANCEL', invite.to), headers }
}

function sameHop(invite: SipRequest, method: 'ACK' | 'CANCEL', to: NameAddress): SipRequest {
  assert(invite.method === 'INVITE', `${method} belongs to an INVITE`)
  return {
    kind: 'request',
    method,
    uri: invite.uri,
    via: invite.via.slice(0, 1),
    from: invite.from,
    to,
    callId: invite.callId,
    cseq: { number: invite.cseq.number, method },
    contact: [],
    route: invite.route,
    recordRoute: [],
    maxForwards: limits.sipMaxForwards,
    headers: [],
    body: '',
  }
}
