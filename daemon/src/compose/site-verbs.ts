//! The verbs that list positions, groups, conferences and trunks, from the tables and the plan of this node,
//! and orders for conferences.
import type { BodyOf, CheckedParamsOf } from '../control/api.ts'
import { type ControlHandlers, operatorName } from '../control/session.ts'
import { listPositions } from '../oam/position-list.ts'
import { listConferences, listGroups, listTrunks } from '../oam/site-lists.ts'
import { wallMs } from '../platform/clock.ts'
import { failure, type Result, success } from '../result.ts'
import type { Core } from '../switching/core.ts'
import { makeAtPrimary } from './at-primary.ts'
import type { CoreRunner } from './core-runner.ts'
import type { LogHub } from './log-hub.ts'
import type { StatusParts } from './node-status.ts'

type Handlers = Pick<
  ControlHandlers,
  'positions' | 'groups' | 'conferences' | 'conference.order' | 'trunks'
>

interface SiteVerbParts extends StatusParts {
  readonly core: Core
  readonly runner: CoreRunner
  readonly log: LogHub
}

export function makeSiteVerbs(parts: SiteVerbParts): Handlers {
  const { core, tables } = parts
  const atPrimary = makeAtPrimary(parts.configuration, parts.askPeer)
  const now = () => ({
    sessions: [...tables.table('wired-conference').values()],
    users: tables.table('user'),
    wallMs: wallMs(),
  })
  return {
    positions: async () => {
      const items = listPositions({
        places: core.plan.positions,
        positions: tables.table('position'),
        users: tables.table('user'),
        phoneBook: tables.table('phone-book'),
        conferences: tables.table('wired-conference').values(),
      })
      const positions = items.map(({ terminals, forward, ...item }) => {
        return { ...item, terminals: [...terminals], forward: forwardText(forward) }
      })
      return success({ positions, asOf: new Date(wallMs()).toISOString() })
    },
    groups: async () => success({ groups: listGroups(core.plan, now()) }),
    conferences: async () => success({ conferences: listConferences(core.plan, now()) }),
    'conference.order': async (params, { caller }) => {
      const operator = operatorName(caller, params.operator)
      const signed = { ...params, operator }
      return atPrimary('conference.order', signed, async () => carryOut(parts, signed))
    },
    trunks: async () => {
      const known = new Map(core.trunkStates(wallMs()).map((trunk) => [trunk.name, trunk.state]))
      const stateOf = (trunk: string) => stateOfProbe(known.get(trunk))
      return success({ trunks: listTrunks(core.plan, now(), stateOf) })
    },
  }
}

function carryOut(
  parts: SiteVerbParts,
  { conference, order, reason, operator }: CheckedParamsOf<'conference.order'>,
): Result<BodyOf<'conference.order'>> {
  const { core, runner, log } = parts
  const name = nameOf(parts, conference)
  let done: Result<unknown> = failure('operation-failed', 'nothing was done')
  runner.run((now) => {
    const effects = core.conference(name, order, now)
    done = effects
    return effects.ok ? effects.value : []
  })
  if (!done.ok) return done
  log.info('an operator changed a conference', { conference, order, operator, reason })
  return success({ conference, order })
}

/** The node that serves asks the other systems, and its peer knows what it knows. */
function stateOfProbe(state: ReturnType<Core['trunkStates']>[number]['state'] | undefined) {
  if (state === undefined || state === 'unwatched') {
    return { state: 'unknown', detail: 'not probed' } as const
  }
  return { state, detail: state === 'unknown' ? 'not known yet' : 'by OPTIONS' } as const
}

/** As the core names it: by its number, or as a session. */
function nameOf({ core, tables }: SiteVerbParts, given: string): string {
  const planned = core.plan.conferences.find(({ name }) => name === given)
  if (planned !== undefined) return planned.number
  const sessions = [...tables.table('wired-conference').values()].filter(
    ({ sessionId, state }) => state !== 'released' && sessionId.startsWith(given),
  )
  const [only, ...others] = sessions
  return only !== undefined && others.length === 0 ? only.sessionId : given
}

function forwardText(forward: Readonly<Record<string, unknown>> | null): string {
  const set = Object.entries(forward ?? {}).filter(([, to]) => typeof to === 'string' && to !== '')
  return set.map(([when, to]) => `${when} to ${to}`).join(', ')
}
