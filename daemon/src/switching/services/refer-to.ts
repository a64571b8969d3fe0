//! What a REFER asks for (RFC 3515, RFC 3892, RFC 4488), or the status that refuses it.
import { header, type SipRequest, type SipUri } from '../../wire/sip/message.ts'
import { nameAddressText, parseNameAddress } from '../../wire/sip/write.ts'
import { type Replaces, readReplaces } from '../dialog/replaces.ts'
import type { Call } from '../wired/call.ts'
import { isOfSite } from './site-uri.ts'

export interface Referral {
  /** What the number is asked for: to come, or to go. */
  readonly method: 'INVITE' | 'BYE'
  readonly number: string
  /** Null: a call to the number. */
  readonly replaces: Replaces | null
  /** Value of the header Referred-By, or null. */
  readonly referredBy: string | null
  /** Nothing is to be told of what becomes of it. */
  readonly isSilent: boolean
}

/** It goes into an INVITE, which a record holds. */
const referredByLengthMax = 512

export function referralOf(
  { exchange, now }: Pick<Call, 'exchange' | 'now'>,
  request: SipRequest,
): Referral | { readonly status: number } {
  const target = parseNameAddress(header(request, 'Refer-To') ?? '')
  if (target === null) return { status: 400 }
  const { uri } = target
  if (uri.scheme !== 'sip') return { status: 416 }
  const method = uri.parameters.get('method')?.toUpperCase() ?? 'INVITE'
  const isKnown = method === 'INVITE' || method === 'BYE'
  if (!isKnown || uri.user === null || uri.user === '') return { status: 400 }
  const replaces = replacesIn(uri)
  if (replaces === 'unreadable') return { status: 400 }
  // A dialog is found by its names alone; a number of another system is none of this one.
  if (replaces === null && !isOfSite(exchange, uri, now.wallMs)) return { status: 403 }
  return {
    method,
    number: uri.user,
    replaces,
    referredBy: referredByOf(request),
    isSilent: (header(request, 'Refer-Sub') ?? '').split(';')[0]?.trim().toLowerCase() === 'false',
  }
}

/** The headers of a URI are written with escapes (RFC 3261 19.1.1). */
function replacesIn({ headers }: SipUri): Replaces | null | 'unreadable' {
  for (const one of headers === '' ? [] : headers.split('&')) {
    const [name = '', value = ''] = one.split('=', 2)
    if (name.toLowerCase() !== 'replaces') continue
    const text = unescaped(value)
    return (text === null ? null : readReplaces(text)) ?? 'unreadable'
  }
  return null
}

function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

function referredByOf(request: SipRequest): string | null {
  const address = parseNameAddress(header(request, 'Referred-By') ?? '')
  if (address === null) return null
  const text = nameAddressText({ ...address, parameters: new Map() })
  return text.length <= referredByLengthMax ? text : null
}
