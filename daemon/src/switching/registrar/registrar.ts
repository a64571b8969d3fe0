//! The registrar: RFC 3261 10.3, one binding a user, in table 1 (S1.78).
//!
//! Pure: it reads the tables, and gives back the answer and the changes. The changes must be in the
//! tables, and with the standby, before the answer leaves.
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import type { User } from '../../tables/user.ts'
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { parseUri, type ResponseExtras, response, uriText } from '../../wire/sip/write.ts'
import { statelessTag } from '../transaction/stateless.ts'
import { bareHost, sipPort } from '../transaction/via-source.ts'
import { authentication } from './admission.ts'
import { readContacts, type Wanted } from './contacts.ts'
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
  const wanted = readContacts(request)
  if (wanted.kind === 'refused') return refuse(request, wanted.status, wanted.extras)
  const current = liveBinding(context.tables.get(number), nowWallMs)
  return bind({ arrival, entry, current, wanted }, nowWallMs)
}

/** The registrations whose time is over. Table 1 is replicated, so they end after a take-over, too. */
export function expired(users: Iterable<User>, nowWallMs: number): UserChange[] {
  const changes: UserChange[] = []
  for (const { user, expiresAtMs } of users) {
    if (expiresAtMs <= nowWallMs) changes.push({ kind: 'delete', user })
  }
  return changes
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

function liveBinding(user: User | undefined, nowWallMs: number): User | null {
  if (user === undefined || user.status === 'offline' || user.expiresAtMs <= nowWallMs) return null
  return user
}

interface Binding {
  readonly arrival: Arrival
  readonly entry: PhoneBookEntry
  readonly current: User | null
  readonly wanted: Exclude<Wanted, { kind: 'refused' }>
}

/** Steps 6 to 8. */
function bind(binding: Binding, nowWallMs: number): RegisterOutcome {
  const { arrival, current, wanted } = binding
  const { request } = arrival
  if (wanted.kind === 'query') return done(request, current, { changes: [], nowWallMs })
  if (current !== null && current.callId === request.callId) {
    if (request.cseq.number < current.cseq) return refuse(request, 500, { reason: 'Old CSeq' })
    // Not in the RFC, needed by the pair: the answer of the dead node may be lost, and the repeated
    // request comes to the other one. It was done; it is answered, and nothing is changed.
    if (request.cseq.number === current.cseq) {
      return isRepeated(current, wanted)
        ? done(request, current, { changes: [], nowWallMs })
        : refuse(request, 500, { reason: 'Old CSeq' })
    }
  }
  if (wanted.kind === 'contacts' && wanted.bind !== null) {
    const user = newBinding(binding, wanted.bind, nowWallMs)
    return done(request, user, { changes: [{ kind: 'put', user }], nowWallMs })
  }
  if (current === null || !isRemoved(current, wanted)) {
    return done(request, current, { changes: [], nowWallMs })
  }
  const changes: UserChange[] = [{ kind: 'delete', user: current.user }]
  return done(request, null, { changes, nowWallMs })
}

function isRepeated(current: User, wanted: Binding['wanted']): boolean {
  return (
    wanted.kind === 'contacts' &&
    wanted.bind !== null &&
    uriText(wanted.bind.uri) === current.contact
  )
}

function isRemoved(current: User, wanted: Binding['wanted']): boolean {
  if (wanted.kind !== 'contacts') return wanted.kind === 'remove-all'
  const uri = parseUri(current.contact)
  return uri !== null && wanted.remove.some((one) => isSameUri(one, uri))
}

type WantedBinding = NonNullable<Extract<Wanted, { kind: 'contacts' }>['bind']>

function newBinding(
  { arrival, entry }: Binding,
  { uri, seconds, place }: WantedBinding,
  nowWallMs: number,
): User {
  const { request, source } = arrival
  // A contact with a host name is reached where the request came from: the switch asks no DNS.
  const target = place ?? source
  return {
    user: entry.number,
    type: entry.type,
    status: 'online',
    contact: uriText(uri),
    address: target.address,
    port: place === null ? source.port : (uri.port ?? sipPort),
    registeredAtMs: nowWallMs,
    expiresAtMs: nowWallMs + seconds * 1000,
    callId: request.callId,
    cseq: request.cseq.number,
  }
}

/** 200 with the binding as it now is, and the time, by which a telephone sets its clock (20.17). */
function done(
  request: SipRequest,
  user: User | null,
  { changes, nowWallMs }: { readonly changes: readonly UserChange[]; readonly nowWallMs: number },
): RegisterOutcome {
  const headers = [{ name: 'Date', value: new Date(nowWallMs).toUTCString() }]
  const uri = user === null ? null : parseUri(user.contact)
  const seconds = user === null ? 0 : Math.ceil((user.expiresAtMs - nowWallMs) / 1000)
  const parameters = new Map([['expires', String(seconds)]])
  const contact = uri === null ? [] : [{ displayName: null, uri, parameters }]
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
