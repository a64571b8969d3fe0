//! The site of a lab: as many accounts as it needs.
import { stringify } from 'yaml'

export interface LabUser {
  readonly user: string
  readonly password: string
  /** False: this terminal gets the primary's stream only. */
  readonly twin?: boolean
  /** More of its account. */
  readonly line?: Readonly<Record<string, unknown>>
  readonly rights?: Readonly<Record<string, unknown>>
  readonly forward?: Readonly<Record<string, unknown>>
  readonly type?: 'telephone' | 'position' | 'gateway'
  /** What its challenge offers. */
  readonly digest?: 'md5' | 'sha-256' | 'both'
}

export function labUsers(first: number, count: number): LabUser[] {
  return Array.from({ length: count }, (_, index) => {
    const user = String(first + index)
    return { user, password: `secret-${user}` }
  })
}

/** @param more other parts of the file */
export function siteFile(
  users: readonly LabUser[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  const accounts = users.map(({ user, ...account }) => [user, account])
  return stringify({ accounts: Object.fromEntries(accounts), ...more })
}
