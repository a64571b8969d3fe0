//! The dialog of one leg (RFC 3261 12), as a record that either node can go on with: requests and
//! responses made from it, and what it learns from the other side. Pure; a change is a new record.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { Dialog } from '../../tables/dialog.ts'
import { ipv4Of } from '../../wire/sip/host.ts'
import type {
  Endpoint,
  NameAddress,
  SipHeader,
  SipMessage,
  SipRequest,
  SipResponse,
} from '../../wire/sip/message.ts'
import { nameAddressText, parseNameAddress, parseUri, uriText } from '../../wire/sip/write.ts'
import { sipPort } from '../transaction/via-source.ts'

/** What requests in a dialog are made from. The dialog of a call has more, that of a subscription not. */
export type DialogCore = Pick<
  Dialog,
  | 'callId'
  | 'localTag'
  | 'remoteTag'
  | 'localUri'
  | 'remoteUri'
  | 'localSeq'
  | 'routeSet'
  | 'remoteTarget'
  | 'destination'
>

/** Our side of a leg: the service address, and what every request and 2xx of us says. */
interface OwnEnd {
  readonly address: string
  readonly sipPort: number
}

export function tagOf(address: NameAddress): string | null {
  return address.parameters.get('tag') ?? null
}

/** Our Contact for a leg; the user is the one whom the leg's terminal talks to. */
export function ownContact(own: OwnEnd, user: string): NameAddress {
  const host = own.address.includes(':') ? `[${own.address}]` : own.address
  return {
    displayName: null,
    uri: {
      scheme: 'sip',
      user,
      host,
      port: own.sipPort,
      parameters: new Map(),
      headers: '',
    },
    parameters: new Map(),
  }
}

/** The dialog that an INVITE from a terminal opens (RFC 3261 12.1.1).
 * @returns null when its Contact is none. */
export function dialogOfInvite(
  request: SipRequest,
  our: { localTag: string; sdpSession: number; fallback: Endpoint },
): Dialog | null {
  const contact = firstContact(request)
  if (contact === null) return null
  const remoteTarget = uriText(contact.uri)
  const routeSet = request.recordRoute.map(nameAddressText)
  return {
    callId: request.callId,
    localTag: our.localTag,
    // RFC 3261 12.1.1: a telephone of RFC 2543 has none.
    remoteTag: tagOf(request.from) ?? '',
    localUri: withoutTag(request.to),
    remoteUri: withoutTag(request.from),
    localSeq: 0,
    remoteSeq: request.cseq.number,
    routeSet,
    remoteTarget,
    destination: nextHop(routeSet, remoteTarget, our.fallback),
    sdpSession: our.sdpSession,
    sdpVersion: our.sdpSession,
    localSdp: '',
    remoteSdp: '',
    timer: null,
    early: null,
    pendingServer: null,
    pendingClient: null,
    relayServer: null,
    relayClient: null,
  }
}

/** The dialog that our INVITE to a terminal will open (RFC 3261 12.1.2). */
export function dialogToTerminal(our: {
  callId: string
  localTag: string
  sdpSession: number
  localUri: NameAddress
  remoteUri: NameAddress
  /** Contact URI of the registration. */
  remoteTarget: string
  /** Proxies on the way to it. */
  routeSet?: readonly string[]
  destination: Endpoint
}): Dialog {
  return {
    callId: our.callId,
    localTag: our.localTag,
    remoteTag: null,
    localUri: withoutTag(our.localUri),
    remoteUri: withoutTag(our.remoteUri),
    localSeq: 0,
    remoteSeq: null,
    routeSet: [...(our.routeSet ?? [])],
    remoteTarget: our.remoteTarget,
    destination: our.destination,
    sdpSession: our.sdpSession,
    sdpVersion: our.sdpSession,
    localSdp: '',
    remoteSdp: '',
    timer: null,
    early: null,
    pendingServer: null,
    pendingClient: null,
    relayServer: null,
    relayClient: null,
  }
}

/** RFC 3261 12.1.2: what the 2xx of our INVITE settles. Record-Route is read backwards. */
export function establish(dialog: Dialog, response: SipResponse): Dialog {
  const routeSet = response.recordRoute.map(nameAddressText).reverse()
  const contact = firstContact(response)
  const remoteTarget = contact === null ? dialog.remoteTarget : uriText(contact.uri)
  const remoteTag = tagOf(response.to)
  // What was asked and answered in its early dialog holds.
  const early = dialog.early?.find(({ tag }) => tag === remoteTag)
  return {
    ...dialog,
    remoteTag,
    remoteSeq: early?.remoteSeq ?? dialog.remoteSeq,
    localSdp: early?.localSdp ?? dialog.localSdp,
    early: null,
    routeSet,
    remoteTarget,
    destination: nextHop(routeSet, remoteTarget, dialog.destination),
  }
}

/** RFC 3261 12.2: a target refresh, by a re-INVITE, its 2xx, or a SUBSCRIBE. The route set stays. */
export function refreshTarget<D extends DialogCore>(dialog: D, message: SipMessage): D {
  const contact = firstContact(message)
  if (contact === null) return dialog
  const remoteTarget = uriText(contact.uri)
  return {
    ...dialog,
    remoteTarget,
    destination: nextHop(dialog.routeSet, remoteTarget, dialog.destination),
  }
}

export interface RequestParts {
  readonly method: string
  readonly contact: NameAddress | null
  readonly headers: readonly SipHeader[]
  readonly body: string
  readonly maxForwards?: number
}

/** A request in the dialog with the next CSeq. The layer puts the Via.
 * @returns the request, and the dialog with its CSeq. */
export function nextRequest<D extends DialogCore>(
  dialog: D,
  parts: RequestParts,
): { request: SipRequest; dialog: D } {
  const localSeq = dialog.localSeq + 1
  return { request: inDialog(dialog, parts, localSeq), dialog: { ...dialog, localSeq } }
}

/** RFC 3261 13.2.2.4: the ACK of a 2xx has the CSeq of its INVITE and goes to the remote target. */
export function ackOf(dialog: Dialog, cseq: number): SipRequest {
  return inDialog(dialog, { method: 'ACK', contact: null, headers: [], body: '' }, cseq)
}

function inDialog(dialog: DialogCore, parts: RequestParts, cseq: number): SipRequest {
  const uri = dialog.remoteTarget === null ? null : parseUri(dialog.remoteTarget)
  assert(uri !== null, 'a dialog of the tables has a remote target')
  return {
    kind: 'request',
    method: parts.method,
    // RFC 3261 19.1.1: a Contact of a registration may carry headers, a Request-URI must not.
    uri: { ...uri, headers: '' },
    via: [],
    from: tagged(dialog.localUri, dialog.localTag),
    to: tagged(dialog.remoteUri, dialog.remoteTag),
    callId: dialog.callId,
    cseq: { number: cseq, method: parts.method },
    contact: parts.contact === null ? [] : [parts.contact],
    route: dialog.routeSet.flatMap((route) => parseNameAddress(route) ?? []),
    recordRoute: [],
    maxForwards: parts.maxForwards ?? limits.sipMaxForwards,
    headers: parts.headers,
    body: parts.body,
  }
}

/** Where a request of the dialog goes: the first route or the remote target when it is an IPv4 address,
 * else where the terminal is registered (RFC 3261 12.2.1.1; names are not resolved, and an IPv6 address
 * cannot be reached). */
function nextHop(
  routeSet: readonly string[],
  remoteTarget: string | null,
  fallback: Endpoint,
): Endpoint {
  const route = routeSet[0] === undefined ? null : parseNameAddress(routeSet[0])
  const uri = route?.uri ?? (remoteTarget === null ? null : parseUri(remoteTarget))
  if (uri === null || uri === undefined || uri.scheme === 'tel') return fallback
  const address = ipv4Of(uri.host)
  return address === null ? fallback : { address, port: uri.port ?? sipPort }
}

function firstContact(message: SipMessage): NameAddress | null {
  return message.contact === '*' ? null : (message.contact[0] ?? null)
}

function withoutTag(address: NameAddress): string {
  const parameters = new Map(address.parameters)
  parameters.delete('tag')
  return nameAddressText({ ...address, parameters })
}

function tagged(text: string, tag: string | null): NameAddress {
  const address = parseNameAddress(text)
  assert(address !== null, 'a dialog of the tables has good addresses')
  if (tag === null || tag === '') return address
  return { ...address, parameters: new Map([...address.parameters, ['tag', tag]]) }
}
