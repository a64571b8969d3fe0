//! The steps of a forwarded call on the wire: Diversion (RFC 5806), the last step first, and
//! History-Info (RFC 7044), the first number first.
import type { Diversion } from '../../tables/wired-conference.ts'
import type { SipHeader, SipUri } from '../../wire/sip/message.ts'
import { uriText } from '../../wire/sip/write.ts'

/** RFC 4244 5: why the request left a target, as a SIP status. */
const causes: Readonly<Record<Diversion['reason'], number>> = {
  unconditional: 302,
  'user-busy': 486,
  'no-answer': 408,
  unavailable: 404,
  'do-not-disturb': 480,
  deflection: 302,
}

/** @param host of the numbers of this site. */
export function diversionHeaders(diversions: readonly Diversion[], host: string): SipHeader[] {
  if (diversions.length === 0) return []
  const said = diversions.toReversed().map(({ from, reason }) => ({
    name: 'Diversion',
    value: `<${numberUri(from, host)}>;reason=${reason};counter=1`,
  }))
  const history = diversions.map(({ from, reason }, index) => ({
    name: 'History-Info',
    value: `<${numberUri(from, host)}?Reason=SIP%3Bcause%3D${causes[reason]}>;index=${indexOf(index)}`,
  }))
  const last = diversions.at(-1)?.to ?? ''
  const target = `<${numberUri(last, host)}>;index=${indexOf(diversions.length)}`
  return [...said, ...history, { name: 'History-Info', value: target }]
}

/** `1`, `1.1`, `1.1.1`: each is made from the one before. */
function indexOf(step: number): string {
  return Array.from({ length: step + 1 }, () => '1').join('.')
}

function numberUri(user: string, host: string): string {
  const uri: SipUri = {
    scheme: 'sip',
    user,
    host: host.includes(':') ? `[${host}]` : host,
    port: null,
    parameters: new Map(),
    headers: '',
  }
  return uriText(uri)
}
