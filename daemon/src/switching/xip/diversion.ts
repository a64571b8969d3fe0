//! The steps of a forwarded call on the wire: Diversion (RFC 5806), the last step first, and
//! History-Info (RFC 7044), the first number first. What another system has said comes before our own steps.
import type { Diversion, Received } from '../../tables/diversion.ts'
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

interface Way {
  /** The steps of this site. */
  readonly diversions: readonly Diversion[]
  /** Those of the system that the call came from; null: it has said nothing. */
  readonly received: Received | null
  /** Who is called now. */
  readonly target: string
}

/** @param host of the numbers of this site. */
export function diversionHeaders({ diversions, received, target }: Way, host: string): SipHeader[] {
  const own = diversions.toReversed().map(({ from, reason }) => {
    return `<${numberUri(from, host)}>;reason=${reason};counter=1`
  })
  const said = [...own, ...(received?.diversions ?? [])]
  const former = received?.history ?? []
  const first = received?.index ?? '1'
  const history = diversions.map(({ from, reason }, step) => {
    const why = `Reason=SIP%3Bcause%3D${causes[reason]}`
    return `<${numberUri(from, host)}?${why}>;index=${first}${'.1'.repeat(step)}`
  })
  const last = diversions.at(-1)?.to ?? target
  const now = `<${numberUri(last, host)}>;index=${first}${'.1'.repeat(diversions.length)}`
  const isTold = former.length + history.length > 0
  return [
    ...said.map((value) => ({ name: 'Diversion', value })),
    ...(isTold ? [...former, ...history, now] : []).map((value) => ({
      name: 'History-Info',
      value,
    })),
  ]
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
