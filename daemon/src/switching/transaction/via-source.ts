//! Where responses go: `received` and `rport` of RFC 3261 18.2 and RFC 3581.
import type { Endpoint, SipRequest, Via } from '../../wire/sip/message.ts'

export const sipPort = 5060

/** The request with its source written into the top Via. Whatever the sender had put into `received`
 * and `rport` is replaced, so that one packet cannot aim our answers at another host. Stamping
 * twice changes nothing. */
export function topViaWithSource(request: SipRequest, source: Endpoint): SipRequest {
  const [top, ...others] = request.via
  if (top === undefined) return request
  const parameters = new Map(top.parameters)
  const symmetric = parameters.has('rport')
  if (symmetric) parameters.set('rport', String(source.port))
  // RFC 3581 4: with rport, `received` is there even when it equals the sent-by.
  if (symmetric || bareHost(top.host) !== bareHost(source.address)) {
    parameters.set('received', source.address)
  } else parameters.delete('received')
  return { ...request, via: [{ ...top, parameters }, ...others] }
}

/** RFC 3261 18.2.2 for UDP, of a Via that `topViaWithSource` has stamped. `maddr` is not followed:
 * no terminal of a voice switch uses it, and it would let a forged packet choose our target. */
export function responseTarget(via: Via): Endpoint {
  const received = via.parameters.get('received') ?? null
  const rport = via.parameters.get('rport') ?? null
  return {
    address: bareHost(received ?? via.host),
    port: rport === null ? (via.port ?? sipPort) : Number(rport),
  }
}

/** Host in lower case and without the brackets of IPv6. */
export function bareHost(host: string): string {
  const lower = host.toLowerCase()
  return lower.startsWith('[') ? lower.slice(1, -1) : lower
}
