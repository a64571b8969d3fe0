//! All sequences of events up to a depth, from a pair at work. A world that was met before, in no more
//! events, is not gone through again: what can follow from it has been or will be seen from there.
//! From every world, all faults end once, and the pair must come to rest.

import { startPair } from '../../src/pair/decision.ts'
import { nothingKept } from '../../src/pair/kept-state.ts'
import { type Action, actionsOf, type Profile, peace, quiet } from './actions.ts'
import {
  afterFault,
  isCalm,
  isUnserved,
  judge,
  newWatch,
  nonePeriodsMax,
  type Watch,
} from './invariants.ts'
import { linkCount, lostPeriods, modelOptions, now } from './model.ts'
import { NodeBook } from './node-book.ts'
import {
  type Draft,
  draftOf,
  drain,
  newHappened,
  passPeriod,
  type World,
  type WorldNode,
  worldKey,
  worldOf,
} from './world.ts'

interface Node {
  readonly world: World
  readonly watch: Watch
  /** Events on the way that began a fault or were an order. */
  readonly begun: number
  readonly parent: number
  readonly action: string
}

interface Violation {
  readonly what: string
  /** Names of the events that lead there; `(peace)` at the end when all faults ended then. */
  readonly events: readonly string[]
}

interface Exploration {
  readonly profile: string
  /** To which all sequences were gone through. */
  readonly depth: number
  readonly worlds: number
  readonly transitions: number
  /** Sequences of exactly that many events that this covers. */
  readonly sequences: number
  /** Different states of a node, and different calls of `step`. */
  readonly nodeStates: number
  readonly steps: number
  readonly violation: Violation | null
}

/** A pair comes to rest in two listenings and the exchange after them, twice if both stood still. */
const peacePeriodsMax = 8 * lostPeriods
const calmPeriods = 4

function firstWorld(book: NodeBook): World {
  const node = (index: number): WorldNode => {
    const state = startPair(modelOptions(index), nothingKept, now)
    const id = book.add({ index, state, kept: nothingKept })
    return { id, mode: 'runs', unit: true, echoes: false, waiting: null }
  }
  const rest = { linksUp: linkCount, deaf: -1 }
  const traps = ['none', 'none'] as const
  return { ...rest, nodes: [node(0), node(1)], slots: [null, null], traps }
}

/** One event and the time after it. */
export function apply(
  book: NodeBook,
  from: { readonly world: World; readonly watch: Watch },
  { action, notes }: { action: Action; notes: string[] | null },
): { world: World; watch: Watch } | string {
  let watch = action.fault ? afterFault(from.watch) : from.watch
  let world = from.world
  let run: (draft: Draft) => void = action.run
  for (let period = 0; period < action.periods; period += 1) {
    const happened = newHappened(notes)
    const draft = draftOf(book, world, happened)
    run(draft)
    drain(draft)
    passPeriod(draft)
    run = () => {}
    world = worldOf(draft)
    const judged = judge(watch, { book, world, happened })
    if (typeof judged === 'string') return judged
    watch = judged
  }
  return { world, watch }
}

/** Both have booted and found their roles. */
export function settled(book: NodeBook): World {
  let at: { world: World; watch: Watch } = { world: firstWorld(book), watch: newWatch }
  for (let period = 0; period < 4 * lostPeriods; period += 1) {
    const next = apply(book, at, { action: quiet, notes: null })
    if (typeof next === 'string') throw new Error(`the pair does not begin: ${next}`)
    at = next
  }
  return at.world
}

/** @returns what is wrong, or null. `restful`: worlds that are known to come to rest. */
function tryPeace(
  book: NodeBook,
  from: World,
  { restful, notes }: { restful: Set<string>; notes: string[] | null },
): string | null {
  const way: string[] = []
  let at: { world: World; watch: Watch } = { world: from, watch: { ...newWatch, slack: 3 } }
  let calm = 0
  for (let period = 0; period < peacePeriodsMax; period += 1) {
    const next = apply(book, at, { action: period === 0 ? peace : quiet, notes })
    if (typeof next === 'string') return `${next}, after all faults ended`
    at = next
    const key = worldKey(at.world)
    if (restful.has(key)) break
    way.push(key)
    calm = isCalm(book, at.world) ? calm + 1 : 0
    if (calm >= calmPeriods) break
    if (period === peacePeriodsMax - 1) return 'the pair does not come to rest'
  }
  for (const key of way) restful.add(key)
  return null
}

/** Left alone, with all its faults, somebody serves in time if a node can.
 * @param served in how many periods, by world. */
function tryAlone(book: NodeBook, from: World, served: Map<string, number>): string | null {
  const way: string[] = []
  let world = from
  let ahead = 0
  while (isUnserved(book, world)) {
    const key = worldKey(world)
    const known = served.get(key)
    if (known !== undefined) {
      ahead = known
      break
    }
    way.push(key)
    if (way.length > nonePeriodsMax) break
    const next = apply(
      book,
      { world, watch: { ...newWatch, slack: 3 } },
      { action: quiet, notes: null },
    )
    if (typeof next === 'string') return next
    world = next.world
  }
  if (way.length + ahead > nonePeriodsMax) return 'nobody serves although a node could'
  for (const [index, key] of way.entries()) served.set(key, way.length - index + ahead)
  return null
}

export class Search {
  readonly #book = new NodeBook()
  readonly #profile: Profile
  readonly #nodes: Node[] = []
  readonly #known = new Map<string, number>()
  readonly #restful = new Set<string>()
  readonly #served = new Map<string, number>()
  /** Where each event leads, by world. */
  readonly #edges: number[][] = []
  #transitions = 0
  #violation: Violation | null = null

  constructor(profile: Profile) {
    this.#profile = profile
  }

  /** @param timeIsUp asked now and then; a level that was begun does not count then. */
  run(depthMax = this.#profile.depth, timeIsUp: () => boolean = () => false): Exploration {
    const world = settled(this.#book)
    let level = [this.#meet(world, newWatch, { parent: -1, action: '', begun: 0 }).number]
    let depth = 0
    while (depth < depthMax && this.#violation === null) {
      const next: number[] = []
      let whole = true
      for (const number of level) {
        if (this.#transitions % 256 === 0 && timeIsUp()) whole = false
        if (!whole || this.#violation !== null) break
        this.#expand(number, next)
      }
      if (!whole) break
      depth += 1
      level = next
    }
    return {
      profile: this.#profile.name,
      depth,
      worlds: this.#nodes.length,
      transitions: this.#transitions,
      sequences: this.#countSequences(depth),
      nodeStates: this.#book.size,
      steps: this.#book.steps,
      violation: this.#violation,
    }
  }

  #expand(number: number, next: number[]): void {
    const node = this.#nodes[number]
    if (node === undefined) return
    const edges: number[] = []
    this.#edges[number] = edges
    const begunMax = this.#profile.begunMax ?? Number.POSITIVE_INFINITY
    for (const action of actionsOf(node.world, this.#profile)) {
      const begun = node.begun + (action.begins ? 1 : 0)
      if (begun > begunMax) continue
      this.#transitions += 1
      const after = apply(this.#book, node, { action, notes: null })
      if (typeof after === 'string') {
        this.#violation = { what: after, events: [...this.#wayTo(number), action.name] }
        return
      }
      const way = { parent: number, action: action.name, begun }
      const met = this.#meet(after.world, after.watch, way)
      edges.push(met.number)
      if (!met.fresh) continue
      next.push(met.number)
      const wrong =
        tryPeace(this.#book, after.world, { restful: this.#restful, notes: null }) ??
        tryAlone(this.#book, after.world, this.#served)
      if (wrong === null) continue
      this.#violation = { what: wrong, events: [...this.#wayTo(met.number), peace.name] }
      return
    }
  }

  #meet(
    world: World,
    watch: Watch,
    way: { parent: number; action: string; begun: number },
  ): { number: number; fresh: boolean } {
    const key = `${worldKey(world)}|${watch.both}`
    const known = this.#known.get(key)
    // Met before with no more changes left to spend, so that what follows was allowed less, and with
    // no more events begun, so that as much could follow.
    const before = known === undefined ? undefined : this.#nodes[known]
    if (known !== undefined && before !== undefined && before.watch.slack <= watch.slack) {
      const bounded = this.#profile.begunMax !== undefined
      if (!bounded || before.begun <= way.begun) return { number: known, fresh: false }
    }
    const number = this.#nodes.length
    this.#known.set(key, number)
    this.#nodes.push({ world, watch, ...way })
    return { number, fresh: true }
  }

  #wayTo(number: number): string[] {
    const names: string[] = []
    for (let at = this.#nodes[number]; at !== undefined; at = this.#nodes[at.parent]) {
      if (at.action !== '') names.unshift(at.action)
    }
    return names
  }

  /** Of the sequences, those that end in each world; a world is left by every event it allows. */
  #countSequences(depth: number): number {
    let counts = new Map<number, number>([[0, 1]])
    for (let level = 0; level < depth; level += 1) {
      const next = new Map<number, number>()
      for (const [number, count] of counts) {
        for (const to of this.#edges[number] ?? []) next.set(to, (next.get(to) ?? 0) + count)
      }
      counts = next
    }
    let sum = 0
    for (const count of counts.values()) sum += count
    return sum
  }
}
