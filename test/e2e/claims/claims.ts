//! All claims of the lab for calls of two.
import { callTypeClaims } from './call-types.ts'
import type { Claim } from './claim.ts'
import { onwardClaims } from './onward.ts'
import { sessionClaims } from './sessions.ts'

export const claims: readonly Claim[] = [...callTypeClaims, ...sessionClaims, ...onwardClaims]
