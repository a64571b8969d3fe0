//! Who may ask something outside of dialogs. A sender is known by the address and port of its registration,
//! or by its password; everyone else gets the same answer, whatever the method and whether the number
//! exists (ADR 0023).
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import type { User } from '../../tables/user.ts'
import type { Endpoint, SipRequest } from '../../wire/sip/message.ts'
import type { ResponseExtras } from '../../wire/sip/write.ts'
import type { Plan, TrunkPlan } from '../plan.ts'
import { trunkOfRequest } from '../trunk/places.ts'
import { isFromContact } from './bindings.ts'
import type { DigestServer } from './digest.ts'

interface AdmissionContext {
  readonly tables: {
    readonly user: { get(number: string): User | undefined }
    readonly phoneBook: { get(number: string): PhoneBookEntry | undefined }
  }
  readonly digest: DigestServer
  readonly plan: Pick<Plan, 'trunks'>
}

type Refusal = { readonly status: number } & Pick<ResponseExtras, 'reason' | 'headers'>

/** @returns null: the sender is who From says. */
export function admission(
  { request, source }: { readonly request: SipRequest; readonly source: Endpoint },
  { tables, digest, plan }: AdmissionContext,
  nowWallMs: number,
): Refusal | null {
  const number = request.from.uri.user ?? ''
  const trunk = isForTrunks(request)
    ? trunkOfRequest({ request, source }, { plan, tables }, nowWallMs)
    : null
  if (trunk !== null) {
    if (trunk.trust === 'address') return null
    return authentication(request, { digest, ...loginOf(trunk) }, nowWallMs)
  }
  const user = tables.user.get(number)
  const account = tables.phoneBook.get(number) ?? null
  if (account !== null && isFromContact(user, source, nowWallMs)) return null
  return authentication(request, { digest, number, account }, nowWallMs)
}

interface Claim {
  readonly digest: DigestServer
  readonly number: string
  /** Null: nobody has this number; who asks is not told. */
  readonly account: Pick<PhoneBookEntry, 'ha1Md5' | 'ha1Sha256' | 'digest'> | null
}

/** Another system makes calls, and asks whether we are there; nothing else. */
function isForTrunks({ method }: SipRequest): boolean {
  return method === 'INVITE' || method === 'OPTIONS'
}

/** A trunk without a login has no password that anybody knows. */
function loginOf({ login }: TrunkPlan): Pick<Claim, 'number' | 'account'> {
  if (login === null) return { number: '', account: null }
  const { user, ha1Md5, ha1Sha256 } = login
  return { number: user, account: { ha1Md5, ha1Sha256, digest: 'both' } }
}

/** @returns null: the password of that account was shown. */
export function authentication(
  request: SipRequest,
  { digest, number, account }: Claim,
  nowWallMs: number,
): Refusal | null {
  const verdict = digest.check(request, { username: number, account }, nowWallMs)
  switch (verdict.kind) {
    case 'accepted':
      return null
    case 'malformed':
      return { status: 400, reason: 'Bad Authorization' }
    case 'forbidden':
      return { status: 403 }
    case 'challenge':
      // 407 is for proxies; the switch is the end of what it is asked (RFC 3261 22.2).
      return {
        status: 401,
        headers: digest.challenges(
          { request, stale: verdict.stale },
          { number, account },
          nowWallMs,
        ),
      }
  }
}
