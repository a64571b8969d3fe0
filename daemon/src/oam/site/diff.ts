//! What a change of the site changes, value by value, as it may be shown.
import { rowsOfSite, siteOfRows } from '../site-config-rows.ts'
import type { Site } from '../site-config-schema.ts'

export interface SiteChange {
  readonly kind: 'added' | 'removed' | 'changed'
  /** Dotted, e.g. `accounts.1001.name`. */
  readonly path: string
  readonly before: SiteValue
  readonly after: SiteValue
}

/** A JSON value. */
export type SiteValue =
  | string
  | number
  | boolean
  | null
  | readonly SiteValue[]
  | { readonly [key: string]: SiteValue }

/** What applying `wanted` would change, value by value, in the order of the file. An HA1 is as good as
 * its password, so that of these it is told only that they change. */
export function diffSite(current: Site, wanted: Site): SiteChange[] {
  // By way of the rows, so that what the database does not tell apart is no difference.
  const normal = (site: Site) => siteOfRows(rowsOfSite(site)) as unknown as SiteValue
  const changes = diffValue('', normal(current), normal(withSettings(current, wanted)))
  return changes.map(({ kind, path, before, after }) => {
    const steps = path.split('.')
    return {
      kind,
      path,
      before: withoutSecrets(steps, before),
      after: withoutSecrets(steps, after),
    }
  })
}

/** What users have set stays, where the file says nothing of it. */
function withSettings(current: Site, wanted: Site): Site {
  const accounts = Object.entries(wanted.accounts).map(([key, one]) => {
    const { doNotDisturb, forward } = current.accounts[key] ?? {}
    const kept = {
      ...(doNotDisturb === undefined ? {} : { doNotDisturb }),
      ...(forward === undefined ? {} : { forward }),
    }
    return [key, { ...kept, ...one }] as const
  })
  return { ...wanted, accounts: Object.fromEntries(accounts) }
}

const hidden = '(hidden)'
const secrets: readonly string[] = ['ha1', 'peerHa1', 'pinHash']

/** The value at this path, with the hashes of passwords and PINs hidden in it. */
export function withoutSecrets(steps: readonly string[], value: SiteValue): SiteValue {
  // The second step is a name of the site.
  if (steps.slice(2).some((step) => secrets.includes(step))) return value === null ? null : hidden
  if (!isObject(value)) return value
  const inside = Object.entries(value).map(([key, one]) => {
    return [key, withoutSecrets([...steps, key], one)] as const
  })
  return Object.fromEntries(inside)
}

export function isObject(value: unknown): value is { readonly [key: string]: SiteValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function diffValue(path: string, before: SiteValue, after: SiteValue): SiteChange[] {
  if (!isObject(before) || !isObject(after)) {
    const same = JSON.stringify(before) === JSON.stringify(after)
    return same ? [] : [{ kind: 'changed', path, before, after }]
  }
  const changes: SiteChange[] = []
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const inner = path === '' ? key : `${path}.${key}`
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    const next = Object.hasOwn(after, key) ? after[key] : undefined
    if (old === undefined)
      changes.push({ kind: 'added', path: inner, before: null, after: next ?? null })
    else if (next === undefined)
      changes.push({ kind: 'removed', path: inner, before: old, after: null })
    else changes.push(...diffValue(inner, old, next))
  }
  return changes
}
