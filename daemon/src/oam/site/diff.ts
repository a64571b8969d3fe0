//! What a change of the site changes, value by value, as it may be shown.
import { inTurns, type Work } from '../../platform/turns.ts'
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
export function diffSite(current: Site, wanted: Site): Promise<SiteChange[]> {
  return inTurns(differences(current, wanted))
}

function* differences(current: Site, wanted: Site): Work<SiteChange[]> {
  // By way of the rows, so that what the database does not tell apart is no difference.
  const before = yield* normal(current)
  const after = yield* normal(yield* withSettings(current, wanted))
  const changes: SiteChange[] = []
  for (const section of namesOf(before, after)) {
    const [old, next] = [partOf(before, section), partOf(after, section)]
    if (!isObject(old) || !isObject(next)) {
      changes.push(...diffEntry(section, old, next).map(shown))
      continue
    }
    for (const name of namesOf(old, next)) {
      const path = `${section}.${name}`
      changes.push(...diffEntry(path, partOf(old, name), partOf(next, name)).map(shown))
      yield
    }
  }
  return changes
}

function* normal(site: Site): Work<SiteObject> {
  const rows = yield* rowsOfSite(site)
  return (yield* siteOfRows(rows)) as unknown as SiteObject
}

function shown({ kind, path, before, after }: SiteChange): SiteChange {
  const steps = path.split('.')
  return {
    kind,
    path,
    before: withoutSecrets(steps, before),
    after: withoutSecrets(steps, after),
  }
}

/** What users have set stays, where the file says nothing of it. */
function* withSettings(current: Site, wanted: Site): Work<Site> {
  const accounts: [string, Site['accounts'][string]][] = []
  for (const [key, one] of Object.entries(wanted.accounts)) {
    const { doNotDisturb, forward } = current.accounts[key] ?? {}
    const kept = {
      ...(doNotDisturb === undefined ? {} : { doNotDisturb }),
      ...(forward === undefined ? {} : { forward }),
    }
    accounts.push([key, { ...kept, ...one }])
    yield
  }
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
  return namesOf(before, after).flatMap((name) =>
    diffEntry(`${path}.${name}`, partOf(before, name), partOf(after, name)),
  )
}

type SiteObject = { readonly [key: string]: SiteValue }

/** Undefined: it is not there. */
function diffEntry(
  path: string,
  before: SiteValue | undefined,
  after: SiteValue | undefined,
): SiteChange[] {
  if (before === undefined) return [{ kind: 'added', path, before: null, after: after ?? null }]
  if (after === undefined) return [{ kind: 'removed', path, before, after: null }]
  return diffValue(path, before, after)
}

function namesOf(before: SiteObject, after: SiteObject): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
}

function partOf(object: SiteObject, name: string): SiteValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
