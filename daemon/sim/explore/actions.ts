//! What can happen to the pair: the events of a sequence. Each is one thing that a person, a fault or
//! the network does, followed by a period.
import type { PairEvent } from '../../src/pair/state.ts'
import { linkCount, lostPeriods, nodeNames, now } from './model.ts'
import { boots } from './normal-form.ts'
import {
  boot,
  type Draft,
  die,
  drain,
  give,
  pick,
  release,
  setNode,
  type Trap,
  type World,
  wake,
} from './world.ts'

export interface Action {
  readonly name: string
  /** Periods that pass afterwards. */
  readonly periods: number
  /** It may cost a change of role. */
  readonly fault: boolean
  /** It begins a fault, or is an order; what ends one does not. */
  readonly begins: boolean
  readonly run: (draft: Draft) => void
}

/** Kinds of events; time always passes, and what was begun can always end. */
export type Kind =
  | 'kill'
  | 'pair'
  | 'stand'
  | 'unit'
  | 'switchover'
  | 'failover'
  | 'stop'
  | 'pause'
  | 'cut-one'
  | 'cut-all'
  | 'one-way'
  | 'delay'
  | 'duplicate'

/** What a run explores, and how deep. */
export interface Profile {
  readonly name: string
  readonly kinds: readonly Kind[]
  readonly depth: number
  /** Of the events, so many at most begin a fault or are an order; by default all may. */
  readonly begunMax?: number
}

/** All periods of silence that end in a loss, and two more. */
const longPeriods = lostPeriods + 2

function nodeActions(world: World, index: number, profile: Profile): Action[] {
  const { mode, unit } = pick(world.nodes, index)
  const name = nodeNames[index === 0 ? 0 : 1]
  const make = (text: string, run: (draft: Draft) => void, begins = true): Action => {
    return { name: `${name} ${text}`, periods: 1, fault: true, begins, run }
  }
  const has = (kind: Kind) => profile.kinds.includes(kind)
  if (mode === 'dead') return [make('boots', (draft) => boot(draft, index), false)]
  const actions: Action[] = []
  const add = (kind: Kind, text: string, run: (draft: Draft) => void) => {
    if (has(kind)) actions.push(make(text, run))
  }
  add('kill', 'is killed', (draft) => die(draft, index))
  add('pair', 'loses its pair unit, and says so', (draft) => losePair(draft, index))
  if (mode === 'stands') {
    return [...actions, make('goes on', (draft) => wake(draft, index), false)]
  }
  if (mode === 'stops') return actions
  add('stand', 'stands still', (draft) => setNode(draft, index, { mode: 'stands' }))
  if (unit) add('unit', 'loses its switch', (draft) => loseUnit(draft, index))
  else if (has('unit')) {
    const again = (draft: Draft) => setNode(draft, index, { unit: true })
    actions.push(make('has its switch again', again, false))
  }
  add('switchover', 'switches over', (draft) => order(draft, index, false))
  add('failover', 'fails over', (draft) => order(draft, index, true))
  add('stop', 'is stopped', (draft) => stop(draft, index))
  add('pause', 'is told to pause', (draft) => pause(draft, index, true))
  add('pause', 'is told to resume', (draft) => pause(draft, index, false))
  if (pick(world.slots, index) !== null || pick(world.traps, index) !== 'none') return actions
  add('delay', 'is not heard once, but later', (draft) => setTrap(draft, index, 'hold'))
  add('duplicate', 'is heard once, and again later', (draft) => setTrap(draft, index, 'copy'))
  return actions
}

function setTrap(draft: Draft, index: number, trap: Trap): void {
  draft.traps[index] = trap
}

function linkActions(world: World, profile: Profile): Action[] {
  const { linksUp, deaf } = world
  const set = (name: string, to: { linksUp: number; deaf: number }): Action => {
    const begins = to.deaf > deaf || to.linksUp < linksUp
    return { name, periods: 1, fault: true, begins, run: (draft) => Object.assign(draft, to) }
  }
  const actions: Action[] = []
  const add = (kind: Kind, name: string, to: { linksUp: number; deaf: number }) => {
    if (profile.kinds.includes(kind)) actions.push(set(name, to))
  }
  if (linksUp > 0) add('cut-one', 'one link is cut', { linksUp: linksUp - 1, deaf })
  if (linksUp < linkCount) add('cut-one', 'one link heals', { linksUp: linksUp + 1, deaf })
  if (linksUp > 0) add('cut-all', 'all links are cut', { linksUp: 0, deaf })
  if (linksUp < linkCount || deaf >= 0) {
    actions.push(set('all links heal', { linksUp: linkCount, deaf: -1 }))
  }
  if (deaf >= 0 || linksUp === 0) return actions
  for (const index of [0, 1]) {
    add('one-way', `${nodeNames[index]} hears nothing`, { linksUp, deaf: index })
  }
  return actions
}

function releases(world: World): Action[] {
  return [0, 1]
    .filter((index) => pick(world.slots, index) !== null)
    .map((index) => ({
      name: `what ${nodeNames[index]} sent then arrives`,
      periods: 1,
      fault: true,
      begins: false,
      run: (draft: Draft) => release(draft, index),
    }))
}

const passes = { fault: false, begins: false, run: () => {} }
export const quiet: Action = { name: 'a period passes', periods: 1, ...passes }

const passing: readonly Action[] = [
  quiet,
  { name: 'a long time passes', periods: longPeriods, ...passes },
]

export function actionsOf(world: World, profile: Profile): Action[] {
  return [
    ...nodeActions(world, 0, profile),
    ...nodeActions(world, 1, profile),
    ...linkActions(world, profile),
    ...releases(world),
    ...passing,
  ]
}

function loseUnit(draft: Draft, index: number): void {
  setNode(draft, index, { unit: false })
  const event: PairEvent = { kind: 'unit-down', now, unit: 'switch', detail: 'closed' }
  give(draft, index, 'unit-down', () => [event])
}

/** Its switch, which stands still when the node does, tells the peer. */
function losePair(draft: Draft, index: number): void {
  const other = 1 - index
  const says = pick(draft.nodes, index).mode === 'runs' && pick(draft.nodes, index).unit
  const hears = draft.linksUp > 0 && draft.deaf !== other
  die(draft, index)
  if (!says || !hears || pick(draft.nodes, other).mode !== 'runs') return
  const event: PairEvent = { kind: 'peer-pair-died', now, bootId: boots.current }
  give(draft, other, 'peer-pair-died', () => [event])
}

function order(draft: Draft, index: number, force: boolean): void {
  const event: PairEvent = { kind: 'switchover', now, ref: 1, force, reason: '' }
  give(draft, index, `switchover ${force}`, () => [event])
}

function pause(draft: Draft, index: number, on: boolean): void {
  give(draft, index, `pause ${on}`, () => [{ kind: 'pause', now, ref: 2, on, reason: '' }])
}

/** As `pair.ts` does at SIGTERM: a primary hands over first, if it can. */
function stop(draft: Draft, index: number): void {
  const { id } = pick(draft.nodes, index)
  if (draft.book.state(id)?.role === 'primary') order(draft, index, false)
  drain(draft)
  setNode(draft, index, { mode: 'stops' })
}

/** All faults end. */
function makePeace(draft: Draft): void {
  Object.assign(draft, { linksUp: linkCount, deaf: -1, traps: ['none', 'none'] })
  for (const index of [0, 1]) {
    release(draft, index)
    drain(draft)
    const { mode, unit } = pick(draft.nodes, index)
    if (mode === 'stops') die(draft, index)
    if (mode === 'dead' || mode === 'stops') boot(draft, index)
    if (mode === 'stands') wake(draft, index)
    drain(draft)
    if (!unit) setNode(draft, index, { unit: true })
  }
  for (const index of [0, 1]) {
    pause(draft, index, false)
    drain(draft)
  }
}

export const peace: Action = {
  name: 'all faults end',
  periods: 1,
  fault: true,
  begins: false,
  run: makePeace,
}
