//! What the Contact headers of a REGISTER ask for: RFC 3261 10.3 steps 6 and 7.
import { limits } from '../../limits.ts'
import { ipv4Of } from '../../wire/sip/host.ts'
import {
  type Endpoint,
  header,
  type NameAddress,
  type SipRequest,
  type SipUri,
} from '../../wire/sip/message.ts'
import { decimal } from '../../wire/sip/scan.ts'
import { type ResponseExtras, uriText } from '../../wire/sip/write.ts'
import { sipPort } from '../transaction/via-source.ts'
import { isSameUri } from './same-uri.ts'

export interface WantedBinding {
  readonly uri: SipUri
  readonly seconds: number
  /** In thousandths; null: not said. */
  readonly q: number | null
  /** Where the contact says it is; null when that is a host name, or an address that is none or
   * cannot be reached. */
  readonly place: Endpoint | null
  /** The terminal, whatever its contact is now; null: not said. */
  readonly instance: string | null
}

export type Wanted =
  /** No Contact: only tell the bindings. */
  | { readonly kind: 'query' }
  | { readonly kind: 'remove-all' }
  | {
      readonly kind: 'contacts'
      readonly remove: readonly SipUri[]
      readonly bind: readonly WantedBinding[]
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly extras: Pick<ResponseExtras, 'reason' | 'headers'>
    }

/** @param contactsMax of the account: of more contacts than that the first ones count. */
export function readContacts(request: SipRequest, contactsMax: number): Wanted {
  const { contact, callId } = request
  // Table 1 holds that many characters.
  if (callId.length > 256) return bad('Call-ID Too Long')
  if (contact === '*') {
    return header(request, 'Expires')?.trim() === '0' ? { kind: 'remove-all' } : bad('Bad Expires')
  }
  if (contact.length === 0) return { kind: 'query' }
  const remove: SipUri[] = []
  const bind: WantedBinding[] = []
  for (const { uri, parameters } of contact) {
    const seconds = secondsOf(request, parameters)
    if (!isReachable(uri)) return bad('Bad Contact')
    if (seconds === 0) remove.push(uri)
    else if (seconds < limits.registrationSecondsMin) return tooBrief()
    else if (!bind.some((one) => isSameUri(one.uri, uri))) {
      bind.push({
        uri,
        seconds,
        q: qOf(parameters),
        place: placeOf(uri),
        instance: instanceOf(parameters),
      })
    }
  }
  return { kind: 'contacts', remove, bind: firstOf(bind, contactsMax) }
}

/** By q, then in the order of the request. */
function firstOf(bind: readonly WantedBinding[], count: number): WantedBinding[] {
  return bind.toSorted((a, b) => (b.q ?? 1_000) - (a.q ?? 1_000)).slice(0, count)
}

type Parameters = NameAddress['parameters']

/** RFC 3261 25.1; what is malformed counts as absent. */
function qOf(parameters: Parameters): number | null {
  const text = parameters.get('q') ?? ''
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Math.round(Number(text) * 1_000) : null
}

/** RFC 5626 4.1, 4.2; what is malformed counts as absent. */
function instanceOf(parameters: Parameters): string | null {
  const urn = /^"?<([^<>"]+)>"?$/.exec(parameters.get('+sip.instance') ?? '')?.[1]
  if (urn === undefined) return null
  const flow = /^\d{1,9}$/.exec(parameters.get('reg-id') ?? '')?.[0]
  const text = flow === undefined ? urn : `${urn};reg-id=${Number(flow)}`
  return text.length <= limits.instanceLengthMax ? text : null
}

/** Parameter, else header, else our own choice; what is malformed counts as absent (20.19). */
function secondsOf(request: SipRequest, parameters: Parameters): number {
  const text = parameters.get('expires') ?? header(request, 'Expires')?.trim()
  const given = text === undefined ? null : decimal(text, 0xffff_ffff)
  const seconds = given ?? limits.registrationSecondsDefault
  return Math.min(seconds, limits.registrationSecondsMax)
}

/** The switch sends over UDP, to sip URIs of a length that table 1 holds. */
function isReachable(uri: SipUri): boolean {
  const transport = uri.parameters.get('transport')?.toLowerCase() ?? 'udp'
  return uri.scheme === 'sip' && transport === 'udp' && uriText(uri).length <= 512
}

function placeOf(uri: SipUri): Endpoint | null {
  const address = ipv4Of(uri.host)
  return address === null || address === '0.0.0.0' ? null : { address, port: uri.port ?? sipPort }
}

function bad(reason: string): Wanted {
  return { kind: 'refused', status: 400, extras: { reason } }
}

/** 10.2.8: the telephone asks again with the shortest time that is allowed. */
function tooBrief(): Wanted {
  const value = String(limits.registrationSecondsMin)
  return { kind: 'refused', status: 423, extras: { headers: [{ name: 'Min-Expires', value }] } }
}
