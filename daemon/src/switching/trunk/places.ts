//! Where the other system of a trunk is, and which trunk a request comes from.
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import type { User } from '../../tables/user.ts'
import type { Endpoint, SipRequest } from '../../wire/sip/message.ts'
import type { Plan, TrunkPlan } from '../plan.ts'
import { isFromContact, liveBindings } from '../registrar/bindings.ts'
import { translated } from './numbers.ts'

interface Site {
  readonly plan: Pick<Plan, 'trunks'>
  readonly tables: {
    readonly user: { get(number: string): User | undefined }
    readonly phoneBook: { get(number: string): PhoneBookEntry | undefined }
  }
}

/** Null: the gateway is not registered. */
export function placeOf(trunk: TrunkPlan, { tables }: Site, nowWallMs: number): Endpoint | null {
  if (trunk.peer !== null) return trunk.peer
  const [binding] = liveBindings(tables.user.get(trunk.account ?? ''), nowWallMs)
  return binding === undefined ? null : { address: binding.address, port: binding.port }
}

/** The trunk that a request outside of dialogs comes over; null: its sender speaks for himself. A telephone
 * that is registered at the address of another system stays a telephone. */
export function trunkOfRequest(
  { request, source }: { readonly request: SipRequest; readonly source: Endpoint },
  site: Site,
  nowWallMs: number,
): TrunkPlan | null {
  const { plan, tables } = site
  if (plan.trunks.length === 0) return null
  const number = request.from.uri.user ?? ''
  if (tables.phoneBook.get(number) !== undefined) {
    if (isFromContact(tables.user.get(number), source, nowWallMs)) return null
  }
  const there = plan.trunks.filter((trunk) => isAt(trunk, { source, site }, nowWallMs))
  // Of several at one address the port tells; else the first one counts.
  const exact = there.find((trunk) => placeOf(trunk, site, nowWallMs)?.port === source.port)
  return exact ?? there[0] ?? null
}

/** Who calls from outside never is an account of this site, whatever he says: it would have its rights. */
export function callerFrom(
  trunk: TrunkPlan,
  said: string,
  { phoneBook }: Pick<Site['tables'], 'phoneBook'>,
): string {
  const number = translated(said, trunk.incoming.caller)
  if (number === '') return trunk.name
  const isOurs = phoneBook.get(number) !== undefined
  return isOurs ? `${trunk.name}~${number}`.slice(0, 64) : number
}

function isAt(
  trunk: TrunkPlan,
  { source, site }: { readonly source: Endpoint; readonly site: Site },
  nowWallMs: number,
): boolean {
  if (trunk.peer !== null) return trunk.peer.address === source.address
  return isFromContact(site.tables.user.get(trunk.account ?? ''), source, nowWallMs)
}
