//! Who sends a request outside of dialogs: a telephone that is registered where it comes from is known,
//! everyone else shows the password (RFC 3261 22).
import type { PhoneBookEntry } from '../../tables/phone-book.ts'
import type { User } from '../../tables/user.ts'
import type { Endpoint, SipRequest } from '../../wire/sip/message.ts'
import type { ResponseExtras } from '../../wire/sip/write.ts'
import type { CoreTables } from '../core-types.ts'
import type { DigestServer } from './digest.ts'

interface CallerContext {
  readonly tables: Pick<CoreTables, 'user' | 'phoneBook'>
  readonly digest: DigestServer
}

type Caller =
  | { readonly kind: 'known'; readonly account: PhoneBookEntry }
  | { readonly kind: 'refused'; readonly status: number; readonly extras: ResponseExtras }

export function callerOf(
  { request, source }: { readonly request: SipRequest; readonly source: Endpoint },
  { tables, digest }: CallerContext,
  nowWallMs: number,
): Caller {
  const number = request.from.uri.user ?? ''
  const account = tables.phoneBook.get(number)
  const user = tables.user.get(number)
  if (account !== undefined && user !== undefined && isOnlineAt(user, source, nowWallMs)) {
    return { kind: 'known', account }
  }
  // A number that nobody has is asked for a password like any other: who asks learns nothing.
  const claim = { username: number, account: account ?? null }
  const verdict = digest.check(request, claim, nowWallMs)
  switch (verdict.kind) {
    case 'accepted':
      return account === undefined ? refused(403) : { kind: 'known', account }
    case 'malformed':
      return refused(400, { reason: 'Bad Authorization' })
    case 'forbidden':
      return refused(403)
    case 'challenge': {
      // 407 is for proxies; the switch is the end of this dialog (RFC 3261 22.2).
      const headers = digest.challenges(verdict.stale, account?.digest, nowWallMs)
      return refused(401, { headers })
    }
  }
}

export function isOnline(user: User, nowWallMs: number): boolean {
  return user.status === 'online' && user.expiresAtMs > nowWallMs
}

function isOnlineAt(user: User, { address, port }: Endpoint, nowWallMs: number): boolean {
  return isOnline(user, nowWallMs) && user.address === address && user.port === port
}

function refused(status: number, extras: ResponseExtras = {}): Caller {
  return { kind: 'refused', status, extras }
}
