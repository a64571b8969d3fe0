//! The rows of the fail-over matrix: how each service comes into its state, what the new primary has to
//! do with it, and how it ends. The numbers of a row begin with its two digits, so that the calls of a
//! node say by themselves to which row they belong.
import { sipPort } from '../../../scripts/lab.ts'
import type { MatrixFault } from '../../../scripts/matrix/results.ts'
import { calledPort, type DeskPlan, otherSystem } from './desk.ts'
import type { Row } from './row.ts'
import { calls } from './rows/calls.ts'
import { conferences } from './rows/conferences.ts'
import { events } from './rows/events.ts'
import { forwarding } from './rows/forwarding.ts'
import { groups } from './rows/groups.ts'
import { monitoring } from './rows/monitoring.ts'
import { priority } from './rows/priority.ts'
import { queues } from './rows/queues.ts'
import { transfers } from './rows/transfers.ts'
import { trunks } from './rows/trunks.ts'

const all: readonly Row[] = [
  ...calls,
  ...forwarding,
  ...transfers,
  ...conferences,
  ...groups,
  ...priority,
  ...queues,
  ...monitoring,
  ...trunks,
  ...events,
]

/** In the order in which they are played: set by set. */
export const rows = all.toSorted((one, other) => {
  return Number(one.set === 'more') - Number(other.set === 'more')
})

export function titleOf({ service, state }: Row, fault: MatrixFault): string {
  return `${fault}, ${service}, ${state}: 0 packets lost, completed, ended`
}

/** What these rows need. */
export function deskPlanFor(played: readonly Row[]): DeskPlan {
  const outside = played.flatMap((row) => row.outside ?? [])
  return {
    dials: played.flatMap((row) => row.dials ?? []),
    typed: played.flatMap((row) => row.typed ?? []),
    phones: played.flatMap(({ auto = [], manual = [] }) => [
      ...auto.map((name) => ({ name, answer: 'auto' as const })),
      ...manual.map((name) => ({ name, answer: 'manual' as const })),
    ]),
    linphone: played.find((row) => row.linphone !== undefined)?.linphone ?? null,
    called: played.flatMap((row) => row.called ?? []),
    watches: played.flatMap((row) => row.watches ?? []),
    accounts: Object.assign({}, ...played.map((row) => row.accounts ?? {})),
    outside,
    site: (addressOf) => ({
      conferences: named(played, 'conference'),
      groups: named(played, 'group'),
      positions: section(played, 'positions'),
      ...ways(played, addressOf(otherSystem)),
    }),
  }
}

/** Each telephone of the other system is a system of its own; one of sipp is the first way to its number. */
function ways(played: readonly Row[], address: string): Record<'trunks' | 'routes', object> {
  const trunks: Record<string, unknown> = {}
  const routes: Record<string, unknown> = {}
  for (const [place, number] of played.flatMap((row) => row.outside ?? []).entries()) {
    const first = played.flatMap((row) => row.called ?? []).filter((one) => one.number === number)
    const [direct, before] = [`to-${number}`, `first-to-${number}`]
    trunks[direct] = { address, port: sipPort + 2 * place, optionsSeconds: 0 }
    for (const _ of first) {
      trunks[before] = { address, port: calledPort(number), optionsSeconds: 0 }
    }
    routes[direct] = { pattern: number, trunks: [...first.map(() => before), direct] }
  }
  return {
    trunks: { ...trunks, ...section(played, 'trunks') },
    routes: { ...routes, ...section(played, 'routes') },
  }
}

function section(played: readonly Row[], name: keyof NonNullable<Row['site']>): object {
  return Object.assign({}, ...played.map(({ site }) => site?.[name] ?? {}))
}

function named(played: readonly Row[], name: 'conference' | 'group'): Record<string, unknown> {
  const all = played.flatMap((row) => (row[name] ? [[`row-${row.key}`, row[name]] as const] : []))
  return Object.fromEntries(all)
}
