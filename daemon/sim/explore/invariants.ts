//! What must hold in every world, and what must come about when all faults end.
import { lostPeriods } from './model.ts'
import type { NodeBook } from './node-book.ts'
import { type Happened, pick, type World } from './world.ts'

/** What the invariants remember of the way. */
export interface Watch {
  /** Periods in which both are primary although they hear each other. */
  readonly both: number
  /** Changes of role that the faults so far still pay for. */
  readonly slack: number
}

export const newWatch: Watch = { both: 0, slack: 2 }

/** They have a period from when they hear each other; at its end only one is left. */
const bothPeriodsMax = 1
/** A node that boots listens for the patience, one that heard an older term twice as long; one period
 * to beat, one to answer. */
export const nonePeriodsMax = 2 * lostPeriods + 2
const slackMax = 3

function primaries(book: NodeBook, world: World): number {
  return [0, 1].filter((index) => {
    const { id, mode } = pick(world.nodes, index)
    return (mode === 'runs' || mode === 'stops') && book.state(id)?.role === 'primary'
  }).length
}

/** Nobody serves although a node could. */
export function isUnserved(book: NodeBook, world: World): boolean {
  return primaries(book, world) === 0 && couldServe(book, world)
}

function couldServe(book: NodeBook, world: World): boolean {
  return [0, 1].some((index) => {
    const { id, mode, unit } = pick(world.nodes, index)
    const paused = (book.state(id)?.pause.count ?? 0) % 2 === 1
    return mode === 'runs' && unit && !paused
  })
}

/** @returns what is wrong, or the watch after this period. */
export function judge(
  watch: Watch,
  seen: { book: NodeBook; world: World; happened: Happened },
): string | Watch {
  const { book, world, happened } = seen
  if (happened.termFell) return 'a term went back, or a new one was not kept'
  if (happened.tookUndone) return 'a role was taken after its switchover was undone'
  if (happened.storm) return 'the nodes answer each other without end'
  const serving = primaries(book, world)
  const hear = world.linksUp > 0 && world.deaf < 0 && !happened.held
  const both = serving === 2 && hear ? watch.both + 1 : 0
  if (both > bothPeriodsMax) return 'two primaries hear each other for more than a period'
  const slack = watch.slack - happened.entered
  if (slack < 0) return 'the role moves more often than there are faults'
  return { both, slack }
}

/** A fault pays for one change. */
export function afterFault(watch: Watch): Watch {
  return { ...watch, slack: Math.min(slackMax, watch.slack + 1) }
}

/** One serves, the other stands by, and both say so. */
export function isCalm(book: NodeBook, world: World): boolean {
  const states = world.nodes.map(({ id }) => book.state(id))
  const [a, b] = states
  if (a === null || b === null || a === undefined || b === undefined) return false
  const roles = [a.role, b.role].sort().join()
  return roles === 'primary,standby' && a.term === b.term && a.peer?.role === b.role
}
