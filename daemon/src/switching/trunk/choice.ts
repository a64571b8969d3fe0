//! Which trunk a call goes out on: the class of service of its caller, then the trunks of the route in their
//! order, without those that are away, full, or where the call came from. Pure.
import type { Way } from '../../tables/wired-conference.ts'
import type { Plan, RoutePlan, TrunkPlan } from '../plan.ts'

export interface TrunkView {
  readonly plan: Pick<Plan, 'trunks' | 'routes'>
  /** Calls that it carries. */
  load(name: string): number
  /** False: its probes say that it is away. */
  isThere(name: string): boolean
  /** False: nobody knows where it is, or that is this switch itself. */
  isReachable(trunk: TrunkPlan): boolean
}

interface Asker {
  /** Classes that the caller may use. */
  readonly classes: readonly string[]
  /** The trunk that the call came over; null: from a telephone of this site, which needs no class for a route
   * that has none. */
  readonly from: string | null
}

export type TrunkChoice =
  | { readonly kind: 'trunk'; readonly trunk: TrunkPlan; readonly way: Way; readonly rest: Way[] }
  | { readonly kind: 'refused'; readonly status: number }

/** @param routes all that fit, the best one first. Others than those with its pattern do not count: a call
 * does not go a way that was not meant for its number. */
export function chooseTrunk(
  routes: readonly RoutePlan[],
  { classes, from }: Asker,
  view: TrunkView,
): TrunkChoice {
  const pattern = routes[0]?.pattern
  const meant = routes.filter((route) => route.pattern === pattern)
  const allowed = meant.filter((route) =>
    route.class === '' ? from === null : classes.includes(route.class),
  )
  if (allowed.length === 0) return { kind: 'refused', status: 403 }
  const ways = allowed.flatMap(({ name, trunks }) =>
    trunks.map((trunk): Way => ({ route: name, trunk })),
  )
  const others = ways.filter(({ trunk }) => trunk !== from)
  // RFC 3261 8.2.2.2: it would come back to where it is.
  if (others.length === 0) return { kind: 'refused', status: 482 }
  return nextTrunk(others, view)
}

/** The first of these ways that can be gone now. */
export function nextTrunk(ways: readonly Way[], view: TrunkView): TrunkChoice {
  for (const [index, way] of ways.entries()) {
    const trunk = view.plan.trunks.find(({ name }) => name === way.trunk)
    const why = view.plan.routes.find(({ name }) => name === way.route)?.failOver ?? []
    if (trunk === undefined || !view.isReachable(trunk)) continue
    if (!view.isThere(trunk.name) && why.includes('lost')) continue
    if (view.load(trunk.name) >= trunk.capacity) {
      if (why.includes('capacity')) continue
      break
    }
    return { kind: 'trunk', trunk, way, rest: ways.slice(index + 1) }
  }
  return { kind: 'refused', status: 503 }
}
