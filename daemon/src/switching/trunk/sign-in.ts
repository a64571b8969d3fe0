//! Another system asks for the password of a trunk (RFC 3261 22.2, 22.3): the same request again, with it. Of
//! the first INVITE and of every request in its dialog, on either node: what was asked is in the record.
import type { PendingClient } from '../../tables/dialog.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import type { SipHeader, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { uriText } from '../../wire/sip/write.ts'
import { requestIn } from '../dialog/pending.ts'
import type { TrunkLogin } from '../plan.ts'
import type { Call } from '../wired/call.ts'
import { credentialsFor, shownAgain } from './credentials.ts'

/** What the record holds. */
const credentialsLengthMax = 1_024

/** The header that answers the challenge; null: there is no password for it. */
export function loginHeader(
  call: Call,
  leg: Leg,
  {
    response,
    method,
    uri,
  }: { readonly response: SipResponse; readonly method: string; readonly uri: string },
): SipHeader | null {
  const { exchange } = call
  const login = loginOf(call, leg)
  if (login === null) return null
  const how = { method, uri, cnonce: exchange.options.newToken() }
  const credentials = credentialsFor(response, login, how)
  const isShort = credentials !== null && credentials.value.length <= credentialsLengthMax
  return isShort ? credentials : null
}

/** The headers of a request of ours that is asked again for another reason than its password. */
export function shownAgainIn(call: Call, leg: Leg, request: SipRequest): SipHeader[] {
  const { trunk } = call.member(leg)
  const login = loginOf(call, leg)
  const shown = request.headers.find(({ name }) => isCredentials(name))
  if (trunk === null || shown === undefined) return [...request.headers]
  const again = login === null ? null : shownAgain(shown, login, request.method)
  // The ACK of its 2xx shows the same (RFC 3261 22.1).
  if (request.method === 'INVITE')
    call.changeMember(leg, { trunk: { ...trunk, credentials: again } })
  return request.headers.flatMap((one) => (one === shown ? (again ?? []) : one))
}

function loginOf(call: Call, leg: Leg): TrunkLogin | null {
  const { trunk } = call.member(leg)
  return call.exchange.plan.trunks.find(({ name }) => name === trunk?.name)?.login ?? null
}

/** A request in the dialog of a trunk is challenged: it is asked again, once.
 * @returns false: the challenge is its answer. */
export function signsInAgain(
  call: Call,
  { leg, slot }: { readonly leg: Leg; readonly slot: string },
  response: SipResponse,
): boolean {
  if (slot !== 'pendingClient' && slot !== 'relayClient') return false
  const { trunk, dialog } = call.member(leg)
  const pending = dialog[slot]
  if (trunk === null || dialog.remoteTag === null || pending === null) return false
  if (pending.cancelled || pending.cseq !== response.cseq.number) return false
  const credentials = loginFor(call, leg, { response, pending })
  if (credentials === null) return false
  const { method, headers, body, maxForwards } = requestIn(pending)
  // The ACK of a 2xx shows what its INVITE has shown (RFC 3261 22.1).
  if (method === 'INVITE') call.changeMember(leg, { trunk: { ...trunk, credentials } })
  const hops = maxForwards === null ? {} : { maxForwards }
  call.request(leg, slot, { method, headers: [credentials, ...headers], body, ...hops })
  return true
}

/** The header with which a request of ours that is challenged is asked again; null: the challenge is its
 * answer. */
export function loginFor(
  call: Call,
  leg: Leg,
  { response, pending }: { readonly response: SipResponse; readonly pending: PendingClient },
): SipHeader | null {
  if (response.status !== 401 && response.status !== 407) return null
  const { method, uri, headers } = requestIn(pending)
  // What was asked with the password is not asked again.
  if (headers.some(({ name }) => isCredentials(name))) return null
  return loginHeader(call, leg, { response, method, uri: uriText(uri) })
}

function isCredentials(name: string): boolean {
  const lower = name.toLowerCase()
  return lower === 'authorization' || lower === 'proxy-authorization'
}
