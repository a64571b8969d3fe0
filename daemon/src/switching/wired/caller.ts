//! Who calls: a terminal that is registered from this address is known; everyone else shows the password.
import type { User } from '../../tables/user.ts'
import type { Endpoint } from '../../wire/sip/message.ts'
import type { CoreEffect, Now } from '../effects.ts'
import type { Exchange } from './exchange.ts'
import { type OpenRequest, refuse } from './refuse.ts'

/** A request outside of dialogs, and where it came from. */
export interface Invitation extends OpenRequest {
  readonly source: Endpoint
}

/** @returns the refusal, or null: the caller is who it says. */
export function checkCaller(exchange: Exchange, invitation: Invitation): CoreEffect[] | null {
  const { request, source, now } = invitation
  const { tables } = exchange.options
  const number = request.from.uri.user ?? ''
  const account = tables.phoneBook.get(number)
  if (account === undefined) return refuse(exchange, invitation, 403)
  const user = tables.user.get(number)
  if (user !== undefined && isOnline(user, now) && isFrom(user, source)) return null
  const verdict = exchange.digest.check(request, { username: number, account }, now.wallMs)
  switch (verdict.kind) {
    case 'accepted':
      return null
    case 'malformed':
      return refuse(exchange, invitation, 400, { reason: 'Bad Authorization' })
    case 'forbidden':
      return refuse(exchange, invitation, 403)
    case 'challenge': {
      // 407 is for proxies; the switch is the end of this dialog (RFC 3261 22.2).
      const headers = exchange.digest.challenges(verdict.stale, account.digest, now.wallMs)
      return refuse(exchange, invitation, 401, { headers })
    }
  }
}

export function isOnline(user: User, now: Now): boolean {
  return user.status === 'online' && user.expiresAtMs > now.wallMs
}

function isFrom(user: User, source: Endpoint): boolean {
  return user.address === source.address && user.port === source.port
}
