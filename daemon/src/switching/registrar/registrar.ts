//! The registrar: RFC 3261 10.3, as many contacts as the account may have, in table 1 (S1.78).
//!
//! Pure: it reads the tables, and gives back the answer and the changes. The changes must be in the
//! tables, and with the standby, before the answer leaves.
import { limits } from '../../limits.ts'
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import { profileOf } from '../../tables/profile.ts'
import type { Binding, User } from '../../tables/user.ts'
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import {
  headerList,
  parseNameAddress,
  parseUri,
  type ResponseExtras,
  response,
  uriText,
} from '../../wire/sip/write.ts'
import { statelessTag } from '../transaction/stateless.ts'
import { bareHost, sipPort } from '../transaction/via-source.ts'
import { authentication } from './admission.ts'
import { bindingsOf, liveBindings, userWith } from './bindings.ts'
import { readContacts, type Wanted, type WantedBinding } from './contacts.ts'
import type { DigestServer } from './digest.ts'
import { isSameUri } from './same-uri.ts'

/** What the registrar sees of table 1 and table 7. */
export interface UserTables {
  get(user: string): User | undefined
  put(user: User): { readonly ok: boolean }
  delete(user: string): void
  phoneBook(number: string): PhoneBookEntry | undefined
}

interface RegistrarContext {
  readonly tables: Pick<UserTables, 'get' | 'phoneBook'>
  readonly digest: DigestServer
  /** Hosts of the addresses of record that are ours: the service addresses, and the site's domain. */
  readonly domains: readonly string[]
}

type UserChange =
  | { readonly kind: 'put'; readonly user: User }
  | { readonly kind: 'delete'; readonly user: string }

export interface RegisterOutcome {
  readonly response: SipResponse
  readonly changes: readonly UserChange[]
}

/** One REGISTER as it arrived. */
interface Arrival {
  readonly request: SipRequest
  readonly source: Endpoint
}

/** Answers a REGISTER that has passed the gate. The steps are those of RFC 3261 10.3. */
export function register(
  arrival: Arrival,
  context: RegistrarContext,
  nowWallMs: number,
): RegisterOutcome {
  const { request } = arrival
  const number = ownNumber(request, context.domains)
  if (number === null) return refuse(request, 404)
  const entry = context.tables.phoneBook(number)
  const claim = { digest: context.digest, number, account: entry ?? null }
  const refusal = authentication(request, claim, nowWallMs)
  if (refusal !== null) return refuse(request, refusal.status, refusal)
  if (entry === undefined) return refuse(request, 403)
  const wanted = readContacts(request, profileOf(entry).line.contacts)
  if (wanted.kind === 'refused') return refuse(request, wanted.status, wanted.extras)
  const path = pathOf(request)
  if (path === null) return refuse(request, 400, { reason: 'Bad Path' })
  const current = liveBindings(context.tables.get(number), nowWallMs)
  return bind({ arrival, entry, current, wanted, path }, nowWallMs)
}

/** The contacts whose time is over. Table 1 is replicated, so they end after a take-over, too. */
export function expired(users: Iterable<User>, nowWallMs: number): UserChange[] {
  const changes: UserChange[] = []
  for (const user of users) {
    const all = bindingsOf(user)
    const live = all.filter(({ expiresAtMs }) => expiresAtMs > nowWallMs)
    if (live.length < all.length) changes.push(changeTo(user, live))
  }
  return changes
}

function changeTo(user: Pick<User, 'user' | 'type'>, bindings: readonly Binding[]): UserChange {
  const next = userWith(user, bindings)
  return next === null ? { kind: 'delete', user: user.user } : { kind: 'put', user: next }
}

/** Carries changes out. @returns false when the table is full. */
export function applyUserChanges(
  tables: Pick<UserTables, 'put' | 'delete'>,
  changes: readonly UserChange[],
): boolean {
  let done = true
  for (const change of changes) {
    if (change.kind === 'put') done = tables.put(change.user).ok && done
    else tables.delete(change.user)
  }
  return done
}

/** Steps 1 and 5: the domain is ours, and the address of record names someone. */
function ownNumber(request: SipRequest, domains: readonly string[]): string | null {
  const record = request.to.uri
  const isOurs = (host: string): boolean => domains.some((one) => bareHost(one) === bareHost(host))
  if (!isOurs(request.uri.host) || record.scheme !== 'sip' || !isOurs(record.host)) return null
  return record.user === null || record.user === '' ? null : record.user
}

/** RFC 3327: the proxies on the way to the terminal. Null: more or longer ones than table 1 holds. */
function pathOf(request: SipRequest): string[] | null {
  const path = headerList(request, 'Path')
  const isUsable = path.every((one) => one.length <= 512 && parseNameAddress(one) !== null)
  return path.length <= limits.pathMax && isUsable ? path : null
}

interface Registration {
  readonly arrival: Arrival
  readonly entry: PhoneBookEntry
  readonly current: readonly Binding[]
  readonly wanted: Exclude<Wanted, { kind: 'refused' }>
  readonly path: readonly string[]
}

/** Steps 6 to 8: all of the request, or nothing. */
function bind(registration: Registration, nowWallMs: number): RegisterOutcome {
  const { arrival, entry, current, wanted } = registration
  const { request } = arrival
  const told = { nowWallMs, changes: [] }
  if (wanted.kind === 'query') return done(request, current, told)
  // A telephone counts all that it says in one Call-ID: what is older has been overtaken.
  const own = current.filter(({ callId }) => callId === request.callId)
  const newest = Math.max(-1, ...own.map(({ cseq }) => cseq))
  if (request.cseq.number < newest) return refuse(request, 500, { reason: 'Old CSeq' })
  // Not in the RFC, needed by the pair: the answer of the dead node may be lost, and the repeated
  // request comes to the other one. It was done; it is answered, and nothing is changed.
  if (request.cseq.number === newest) {
    return isRepeated(current, request, wanted)
      ? done(request, current, told)
      : refuse(request, 500, { reason: 'Old CSeq' })
  }
  const bindings = nextBindings(registration, nowWallMs)
  if (bindings.length === 0 && current.length === 0) return done(request, [], told)
  const change = changeTo({ user: entry.number, type: entry.type }, bindings)
  const kept = change.kind === 'put' ? bindingsOf(change.user) : []
  const isSame =
    wanted.kind === 'contacts' && wanted.bind.length === 0 && kept.length === current.length
  return done(request, kept, { changes: isSame ? [] : [change], nowWallMs })
}

function isRepeated(
  current: readonly Binding[],
  { callId, cseq }: SipRequest,
  wanted: Registration['wanted'],
): boolean {
  if (wanted.kind !== 'contacts' || wanted.bind.length === 0) return false
  return wanted.bind.every(({ uri }) =>
    current.some(
      (one) => one.contact === uriText(uri) && one.callId === callId && one.cseq === cseq.number,
    ),
  )
}

/** The contacts when the request is done. One more than the account may have takes the place of the oldest:
 * a telephone that has moved must be reached where it is now. */
function nextBindings(registration: Registration, nowWallMs: number): Binding[] {
  const { entry, current, wanted } = registration
  if (wanted.kind !== 'contacts') return []
  const bound = wanted.bind.map((one) => newBinding(registration, one, nowWallMs))
  const named = [...wanted.remove, ...wanted.bind.map(({ uri }) => uri)]
  // RFC 5626 6: a terminal that has started again has one contact, the new one, whatever it was before.
  const again = bound.map(({ instance }) => instance)
  const others = current.filter(({ contact, instance }) => {
    const uri = parseUri(contact)
    const isAgain = instance !== null && again.includes(instance)
    return uri !== null && !isAgain && !named.some((one) => isSameUri(one, uri))
  })
  const room = profileOf(entry).line.contacts - bound.length
  const newest = others.toSorted((a, b) => b.registeredAtMs - a.registeredAtMs)
  return [...bound, ...newest.slice(0, Math.max(room, 0))]
}

function newBinding(
  { arrival, path }: Registration,
  { uri, seconds, q, place, instance }: WantedBinding,
  nowWallMs: number,
): Binding {
  const { request, source } = arrival
  // A contact with a host name is reached where the request came from: the switch asks no DNS. So is
  // what lies behind a proxy.
  const target = path.length > 0 ? null : place
  return {
    contact: uriText(uri),
    address: target?.address ?? source.address,
    port: target === null ? source.port : (uri.port ?? sipPort),
    registeredAtMs: nowWallMs,
    expiresAtMs: nowWallMs + seconds * 1000,
    callId: request.callId,
    cseq: request.cseq.number,
    q,
    path: path.length === 0 ? null : [...path],
    instance,
  }
}

/** 200 with the contacts as they now are, and the time, by which a telephone sets its clock (20.17). */
function done(
  request: SipRequest,
  bindings: readonly Binding[],
  { changes, nowWallMs }: { readonly changes: readonly UserChange[]; readonly nowWallMs: number },
): RegisterOutcome {
  const contact = bindings.flatMap(({ contact, expiresAtMs, q }) => {
    const uri = parseUri(contact)
    if (uri === null) return []
    const seconds = String(Math.ceil((expiresAtMs - nowWallMs) / 1000))
    const parameters = new Map([['expires', seconds]])
    if (q !== null) parameters.set('q', String(q / 1_000))
    return [{ displayName: null, uri, parameters }]
  })
  const headers = [
    { name: 'Date', value: new Date(nowWallMs).toUTCString() },
    // RFC 3327 5.3.
    ...headerList(request, 'Path').map((value) => ({ name: 'Path', value })),
  ]
  const toTag = statelessTag(request)
  return { response: response(request, 200, { toTag, headers, contact }), changes }
}

function refuse(
  request: SipRequest,
  status: number,
  extras: Pick<ResponseExtras, 'reason' | 'headers'> = {},
): RegisterOutcome {
  const toTag = statelessTag(request)
  return { response: response(request, status, { ...extras, toTag }), changes: [] }
}
