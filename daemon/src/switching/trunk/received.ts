//! How a call from another system has come to us, and which accounts of this site have had it before.
import { limits } from '../../limits.ts'
import type { Received } from '../../tables/diversion.ts'
import type { SipUri } from '../../wire/sip/message.ts'
import type { TrunkPlan } from '../plan.ts'
import { isOfSite } from '../services/site-uri.ts'
import type { Invitation } from '../wired/caller.ts'
import type { Exchange } from '../wired/exchange.ts'
import { readReceived } from '../xip/received.ts'
import { translated } from './numbers.ts'

export function receivedOver(
  exchange: Exchange,
  trunk: TrunkPlan,
  { request, now }: Invitation,
): Received | null {
  const read = readReceived(request, ({ user }) => user === request.uri.user)
  if (read === null) return null
  const { former, ...received } = read
  const { phoneBook } = exchange.options.tables
  const numbers = former
    .flatMap((uri) => numbersOf(exchange, trunk, { uri, nowWallMs: now.wallMs }))
    .filter((number) => phoneBook.get(number) !== undefined)
  return { ...received, accounts: [...new Set(numbers)].slice(0, limits.diversionsMax) }
}

/** What the other system means: a number at this site is as we have named it, or as it is dialled there; one at
 * another place is ours only when it is dialled so for us. */
function numbersOf(
  exchange: Exchange,
  { incoming }: TrunkPlan,
  { uri, nowWallMs }: { readonly uri: SipUri; readonly nowWallMs: number },
): string[] {
  const said = uri.user ?? ''
  const own = translated(said, incoming.called)
  if (isOfSite(exchange, uri, nowWallMs)) return [said, own]
  return own === said ? [] : [own]
}
