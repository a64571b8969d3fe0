//! A request outside of dialogs of a sender who is known (`registrar/admission.ts`).
import type { User } from '../../tables/user.ts'
import type { Endpoint } from '../../wire/sip/message.ts'
import type { Now } from '../effects.ts'
import type { OpenRequest } from './refuse.ts'

/** A request outside of dialogs, and where it came from. */
export interface Invitation extends OpenRequest {
  readonly source: Endpoint
  /** The caller as this site names him, and the trunk that he comes over; absent: who From says. */
  readonly caller?: { readonly user: string; readonly trunk: string }
}

export function isOnline(user: User, now: Now): boolean {
  return user.status === 'online' && user.expiresAtMs > now.wallMs
}
