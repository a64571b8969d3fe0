//! Whose numbers a URI names that a terminal gives: a wish of a terminal opens no way to anywhere else.
import type { SipUri } from '../../wire/sip/message.ts'
import { parseUri } from '../../wire/sip/write.ts'
import { liveBindings } from '../registrar/bindings.ts'
import { bareHost } from '../transaction/via-source.ts'
import type { Exchange } from '../wired/exchange.ts'

/** True for a number at the pair, at the domain of the site, or at the terminal that is registered for it:
 * telephones name each other by what they know. */
export function isOfSite(
  { addresses, options }: Exchange,
  { scheme, user, host }: Pick<SipUri, 'scheme' | 'user' | 'host'>,
  nowWallMs: number,
): boolean {
  if (scheme !== 'sip' || user === null || user === '') return false
  const named = bareHost(host)
  if ([...addresses, options.realm].some((own) => bareHost(own) === named)) return true
  const bindings = liveBindings(options.tables.user.get(user), nowWallMs)
  return bindings.some(({ contact }) => bareHost(parseUri(contact)?.host ?? '') === named)
}
