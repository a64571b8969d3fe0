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

export type Wanted =
  /** No Contact: only tell the binding. */
  | { readonly kind: 'query' }
  | { readonly kind: 'remove-all' }
  | {
      readonly kind: 'contacts'
      readonly remove: readonly SipUri[]
      readonly bind: {
        readonly uri: SipUri
        readonly seconds: number
        /** Where the contact says it is; null when that is a host name, or an address that is none or
         * cannot be reached. */
        readonly place: Endpoint | null
      } | null
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly extras: Pick<ResponseExtras, 'reason' | 'headers'>
    }

/** Of several contacts to bind the first one counts: a user has one binding. */
export function readContacts(request: SipRequest): Wanted {
  const { contact, callId } = request
  // Table 1 holds that many characters.
  if (callId.length > 256) return bad('Call-ID Too Long')
  if (contact === '*') {
    return header(request, 'Expires')?.trim() === '0' ? { kind: 'remove-all' } : bad('Bad Expires')
  }
  if (contact.length === 0) return { kind: 'query' }
  const remove: SipUri[] = []
  let first: { uri: SipUri; seconds: number } | null = null
  for (const address of contact) {
    const seconds = secondsOf(request, address)
    if (!isReachable(address.uri)) return bad('Bad Contact')
    if (seconds === 0) remove.push(address.uri)
    else if (seconds < limits.registrationSecondsMin) return tooBrief()
    else first ??= { uri: address.uri, seconds }
  }
  const bind = first === null ? null : { ...first, place: placeOf(first.uri) }
  return { kind: 'contacts', remove, bind }
}

/** Parameter, else header, else our own choice; what is malformed counts as absent (20.19). */
function secondsOf(request: SipRequest, address: NameAddress): number {
  const text = address.parameters.get('expires') ?? header(request, 'Expires')?.trim()
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
