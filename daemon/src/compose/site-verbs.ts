//! The verbs that list positions, groups, conferences and trunks, from the tables and the plan of this node.
import type { ControlHandlers } from '../control/session.ts'
import { listPositions } from '../oam/position-list.ts'
import { listConferences, listGroups, listTrunks } from '../oam/site-lists.ts'
import { wallMs } from '../platform/clock.ts'
import { success } from '../result.ts'
import type { Core } from '../switching/core.ts'
import type { StatusParts } from './node-status.ts'

type Handlers = Pick<ControlHandlers, 'positions' | 'groups' | 'conferences' | 'trunks'>

export function makeSiteVerbs({ core, tables }: StatusParts & { readonly core: Core }): Handlers {
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
    trunks: async () => {
      const unknown = { state: 'unknown', detail: 'not probed' } as const
      return success({ trunks: listTrunks(core.plan, now(), () => unknown) })
    },
  }
}

function forwardText(forward: Readonly<Record<string, unknown>> | null): string {
  const set = Object.entries(forward ?? {}).filter(([, to]) => typeof to === 'string' && to !== '')
  return set.map(([when, to]) => `${when} to ${to}`).join(', ')
}
