//! What a called number is. An account comes before everything else, so that a terminal can always be
//! reached; then conferences and groups, the digits of services, and at last what goes out over a trunk.
import type { PhoneBookEntry } from '../tables/phone-book.ts'
import { type FeatureName, featureCodes, featureNames } from '../tables/site-words.ts'
import type { ConferencePlan, GroupPlan, Plan, RoutePlan } from './plan.ts'

export type Destination =
  | { readonly kind: 'terminal'; readonly entry: PhoneBookEntry }
  | { readonly kind: 'group'; readonly group: GroupPlan }
  | { readonly kind: 'conference'; readonly conference: ConferencePlan }
  /** `argument`: the number behind the digits of the service, or ''. */
  | { readonly kind: 'feature'; readonly feature: FeatureName; readonly argument: string }
  /** Every route that fits `number`, the best one first. */
  | { readonly kind: 'trunk'; readonly routes: readonly RoutePlan[]; readonly number: string }
  | { readonly kind: 'refusal'; readonly status: number }

export interface Directory {
  readonly plan: Plan
  phoneBook(number: string): PhoneBookEntry | undefined
}

export function destinationOf(number: string, { plan, phoneBook }: Directory): Destination {
  const entry = phoneBook(number)
  // A radio is reached through the wireless services only (ED-137 sheet 2.5).
  if (entry?.type === 'radio') return { kind: 'refusal', status: 603 }
  if (entry !== undefined) return { kind: 'terminal', entry }
  const conference = plan.conferences.find((one) => one.number === number)
  if (conference !== undefined) return { kind: 'conference', conference }
  const group = plan.groups.find((one) => one.number === number)
  if (group !== undefined) return { kind: 'group', group }
  const feature = featureOf(number, plan)
  if (feature !== null) return feature
  const routes = routesFor(number, plan.routes)
  if (routes.length > 0) return { kind: 'trunk', routes, number }
  return { kind: 'refusal', status: 404 }
}

/** The longest digits that the number begins with. */
function featureOf(number: string, { features }: Plan): Destination | null {
  let found: FeatureName | null = null
  let longest = 0
  for (const name of featureNames) {
    const digits = features[name]
    if (digits === null || digits.length <= longest) continue
    const { number: follows } = featureCodes[name]
    const hasNumber = number.startsWith(digits) && number.length > digits.length
    const isBare = number === digits
    if (follows === 'maybe' ? !hasNumber && !isBare : follows ? !hasNumber : !isBare) continue
    found = name
    longest = digits.length
  }
  if (found === null) return null
  return { kind: 'feature', feature: found, argument: number.slice(longest) }
}

/** More digits that are said are better than `X`, and both are better than the open end. */
function routesFor(number: string, routes: readonly RoutePlan[]): RoutePlan[] {
  const fitting = routes.filter(({ pattern }) => fits(number, pattern))
  return fitting.sort(
    (a, b) => exactness(b.pattern) - exactness(a.pattern) || a.priority - b.priority,
  )
}

function exactness(pattern: string): number {
  const digits = [...pattern].filter((sign) => sign !== 'X' && sign !== '.').length
  const places = pattern.length - digits - (pattern.endsWith('.') ? 1 : 0)
  return 1_000 * digits + places
}

function fits(number: string, pattern: string): boolean {
  const isOpen = pattern.endsWith('.')
  const places = isOpen ? pattern.slice(0, -1) : pattern
  if (isOpen ? number.length < places.length : number.length !== places.length) return false
  if (!/^[0-9*#+]+$/.test(number)) return false
  return [...places].every((place, at) =>
    place === 'X' ? /\d/.test(number[at] ?? '') : place === number[at],
  )
}
