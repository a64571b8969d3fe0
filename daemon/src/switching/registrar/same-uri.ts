//! Whether two URIs name the same place, as far as a registration and a digest need it.
import type { SipUri } from '../../wire/sip/message.ts'
import { bareHost, sipPort } from '../transaction/via-source.ts'

/** RFC 3261 19.1.4 without the parameters: a telephone that writes `;transport=udp` in one place and
 * leaves it out in the other means the same. */
export function isSameUri(one: SipUri, other: SipUri): boolean {
  return (
    one.scheme === other.scheme &&
    one.user === other.user &&
    bareHost(one.host) === bareHost(other.host) &&
    (one.port ?? sipPort) === (other.port ?? sipPort)
  )
}
