//! Two nodes and what is between them, as a value: an event gives a new one. Datagrams arrive at once,
//! unless the adversary traps one: it may hold back, or copy, what a node sends next on all links, and
//! let it arrive at any later time.
import type { DecisionRecord } from '../../src/bus/messages.ts'
import type { PairEvent } from '../../src/pair/state.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import { linkCount, now, oldPeriods, periodMs } from './model.ts'
import type { NodeBook } from './node-book.ts'
import { answersOf, beatNumber, boots, nextSend, sequenceOf, slotSend } from './normal-form.ts'

export interface WorldNode {
  readonly id: number
  readonly mode: 'runs' | 'stands' | 'stops' | 'dead'
  /** The switch unit lives. */
  readonly unit: boolean
  /** It has heard of the boot in which the peer is, and says so. */
  readonly echoes: boolean
  /** What waits in the kernel of a node that stands still: the newest datagram. */
  readonly waiting: Flight | null
}

/** A heartbeat that did not arrive at once. */
interface Flight {
  readonly value: Heartbeat
  /** Periods since it was sent, at most `oldPeriods`. */
  readonly age: number
}

/** One send of a node that is still in flight. */
interface Slot extends Flight {
  readonly links: number
}

export type Trap = 'none' | 'hold' | 'copy'
type Both<T> = readonly [T, T]

export interface World {
  /** The last so many links work. */
  readonly linksUp: number
  /** Number of the node that hears nothing; -1: none. */
  readonly deaf: number
  readonly nodes: Both<WorldNode>
  /** By sender. */
  readonly slots: Both<Slot | null>
  /** What the adversary does with the next send of a node. */
  readonly traps: Both<Trap>
}

/** What happened on the way to a new world. */
export interface Happened {
  /** Roles that came to a node without an order. */
  entered: number
  termFell: boolean
  /** The role was taken that its primary had offered, and does not offer any more. */
  tookUndone: boolean
  /** A heartbeat was held back. */
  held: boolean
  /** More datagrams than a sane exchange needs. */
  storm: boolean
  /** For a story; null: nobody reads it. */
  readonly notes: string[] | null
}

export interface Draft {
  readonly book: NodeBook
  readonly happened: Happened
  linksUp: number
  deaf: number
  readonly nodes: [WorldNode, WorldNode]
  readonly slots: [Slot | null, Slot | null]
  readonly traps: [Trap, Trap]
  readonly sends: { from: number; kind: Heartbeat['kind'] }[]
  sent: number
}

const sendsMax = 40

export function newHappened(notes: string[] | null = null): Happened {
  return { entered: 0, termFell: false, tookUndone: false, held: false, storm: false, notes }
}

/** A copy of the world to which things may happen. */
export function draftOf(book: NodeBook, world: World, happened: Happened): Draft {
  return {
    ...world,
    book,
    happened,
    nodes: [...world.nodes],
    slots: [...world.slots],
    traps: [...world.traps],
    sends: [],
    sent: 0,
  }
}

export function worldOf({ linksUp, deaf, nodes, slots, traps }: Draft): World {
  return { linksUp, deaf, nodes, slots, traps }
}

export function pick<T>(both: Both<T>, index: number): T {
  return index === 0 ? both[0] : both[1]
}

export function setNode(draft: Draft, index: number, part: Partial<WorldNode>): void {
  draft.nodes[index] = { ...pick(draft.nodes, index), ...part }
}

/** Gives a node events; what it sends because of them waits for `drain`. */
export function give(
  draft: Draft,
  index: number,
  key: string | number,
  events: () => readonly PairEvent[],
): void {
  const { book, happened } = draft
  const result = book.step(pick(draft.nodes, index).id, key, events)
  if (result.id !== pick(draft.nodes, index).id) setNode(draft, index, { id: result.id })
  happened.entered += result.entered
  if (result.termFell) happened.termFell = true
  for (const effect of result.effects) {
    if (effect.kind === 'send') draft.sends.push({ from: index, kind: effect.heartbeat })
    else if (effect.kind === 'flush') answerFlush(draft, index, effect.ref)
    else if (effect.kind === 'decision') {
      if (effect.record.rule === 'handover' && isUndone(draft, 1 - index))
        happened.tookUndone = true
      if (happened.notes !== null) happened.notes.push(noteOf(index, effect.record))
    }
  }
}

function noteOf(index: number, { rule, from, to, term, because }: DecisionRecord): string {
  const way = from === to ? `stays ${to}` : `from ${from} to ${to}`
  return `${'AB'[index]} ${way}, term ${term}, ${rule}: ${because}`
}

/** It serves beside a peer that it hears, and hands nothing over. */
function isUndone(draft: Draft, index: number): boolean {
  const { id, mode } = pick(draft.nodes, index)
  const state = draft.book.state(id)
  if (mode !== 'runs' || state === null || state.role !== 'primary' || state.peerLost) return false
  return state.operation?.stage !== 'handing'
}

/** The switch unit has nothing to flush; a dead one does not answer. */
function answerFlush(draft: Draft, index: number, ref: number): void {
  if (!pick(draft.nodes, index).unit) return
  const event: PairEvent = { kind: 'flushed', now, ref, ok: true, detail: '' }
  give(draft, index, `flushed ${ref}`, () => [event])
}

/** All that was sent arrives, and what is sent because of that. */
export function drain(draft: Draft): void {
  for (let send = draft.sends.shift(); send !== undefined; send = draft.sends.shift()) {
    draft.sent += 1
    if (draft.sent > sendsMax) {
      draft.happened.storm = true
      draft.sends.length = 0
      return
    }
    leave(draft, send.from, send.kind)
  }
}

function leave(draft: Draft, from: number, kind: Heartbeat['kind']): void {
  const value = draft.book.beat(pick(draft.nodes, from), kind)
  const links = draft.linksUp
  const trap = pick(draft.traps, from)
  if (trap === 'none') {
    arrive(draft, from, { value, links, send: nextSend, age: 0 })
    return
  }
  draft.traps[from] = 'none'
  forgetNumbers(draft, from)
  draft.slots[from] = { value, links, age: 0 }
  if (trap === 'hold') draft.happened.held = true
  else arrive(draft, from, { value, links, send: slotSend, age: 0 })
}

/** Without a datagram in flight, every number that can come is a newer one. */
function forgetNumbers(draft: Draft, from: number): void {
  const receiver = 1 - from
  const { id } = pick(draft.nodes, receiver)
  setNode(draft, receiver, { id: draft.book.rename(id, 'slot-gone') })
}

/** Tells apart what a node can hear. */
function arrivalKey({ value, send, links, age }: Arrival): number {
  const number = (beatNumber(value) * (nextSend + 1) + send) * (linkCount + 1) + links
  return number * (oldPeriods + 1) + age
}

interface Arrival extends Slot {
  readonly send: number
}

function arrive(draft: Draft, from: number, arrival: Arrival): void {
  if (draft.deaf !== 1 - from) receive(draft, from, arrival)
}

function receive(draft: Draft, from: number, arrival: Arrival): void {
  const { value, links, send, age } = arrival
  const receiver = 1 - from
  const { mode } = pick(draft.nodes, receiver)
  if (mode === 'dead') return
  if (mode === 'stands') {
    setNode(draft, receiver, { waiting: { value, age } })
    return
  }
  if (value.bootId === boots.current) setNode(draft, receiver, { echoes: true })
  give(draft, receiver, arrivalKey(arrival), () =>
    Array.from({ length: links }, (_, index) => {
      const link = linkCount - links + index
      const sequence = sequenceOf(send, link)
      const answers = answersOf(value, send)
      const ageMsMax = answers === 0 ? Number.POSITIVE_INFINITY : age * periodMs
      return { kind: 'heard', now, link, value: { ...value, link, sequence }, answers, ageMsMax }
    }),
  )
}

/** What the adversary kept arrives now, whatever the links are like by now. */
export function release(draft: Draft, from: number): void {
  const slot = pick(draft.slots, from)
  if (slot === null) return
  receive(draft, from, { ...slot, send: slotSend })
  draft.slots[from] = null
  // Only what was sent before may still be told apart by its number.
  forgetNumbers(draft, from)
}

export function boot(draft: Draft, index: number): void {
  const other = 1 - index
  const slot = pick(draft.slots, index)
  const flies = slot !== null && slot.value.bootId === boots.current
  if (flies) draft.slots[index] = { ...slot, value: { ...slot.value, bootId: boots.slot } }
  const otherId = draft.book.rename(
    pick(draft.nodes, other).id,
    flies ? 'peer-boots-kept' : 'peer-boots',
  )
  setNode(draft, other, { id: otherId, waiting: null, echoes: false })
  // What was sent to the former boot answers nothing of this one.
  const coming = pick(draft.slots, other)
  if (coming !== null) {
    draft.slots[other] = { ...coming, value: { ...coming.value, echoSentAt: 0 } }
  }
  const id = draft.book.boot(pick(draft.nodes, index).id)
  setNode(draft, index, { id, mode: 'runs', unit: true, echoes: false })
}

export function die(draft: Draft, index: number): void {
  const id = draft.book.kill(pick(draft.nodes, index).id)
  setNode(draft, index, { id, mode: 'dead', unit: false, waiting: null, echoes: false })
}

export function wake(draft: Draft, index: number): void {
  const { waiting } = pick(draft.nodes, index)
  setNode(draft, index, { mode: 'runs', waiting: null })
  if (waiting === null) give(draft, index, 'check', () => [{ kind: 'check', now }])
  else receive(draft, 1 - index, { ...waiting, links: 1, send: nextSend })
}

/** A period: one node beats, then the other. */
export function passPeriod(draft: Draft): void {
  for (const index of [0, 1]) {
    const { mode } = pick(draft.nodes, index)
    if (mode !== 'runs' && mode !== 'stops') continue
    beat(draft, index)
    drain(draft)
  }
  for (const index of [0, 1]) endStop(draft, index)
  for (const index of [0, 1]) {
    if (pick(draft.slots, index) === null) forgetNumbers(draft, index)
    growOld(draft, index)
  }
  lowerTerms(draft)
}

function growOld(draft: Draft, index: number): void {
  const { id, waiting } = pick(draft.nodes, index)
  const slot = pick(draft.slots, index)
  setNode(draft, index, { id: draft.book.age(id), waiting: waiting && older(waiting) })
  draft.slots[index] = slot && older(slot)
}

function older<F extends Flight>(flight: F): F {
  return flight.age === oldPeriods ? flight : { ...flight, age: flight.age + 1 }
}

function beat(draft: Draft, index: number): void {
  const { unit } = pick(draft.nodes, index)
  give(draft, index, unit ? 'beat' : 'beat without switch', () => {
    const rest = {
      sessions: 0,
      syncPending: 0,
      inStep: true,
      ready: true,
      role: 'standby' as const,
    }
    const living: PairEvent = { kind: 'switch-alive', now, counter: 2, ...rest }
    return [
      ...(unit ? [living] : []),
      { kind: 'media-alive', now, counter: 2 },
      { kind: 'period', now },
    ]
  })
}

/** A node that stops waits for its own switchover, then says goodbye. */
function endStop(draft: Draft, index: number): void {
  const { id, mode } = pick(draft.nodes, index)
  if (mode !== 'stops' || draft.book.state(id)?.operation !== null) return
  give(draft, index, 'stop', () => [{ kind: 'stop', now }])
  drain(draft)
  die(draft, index)
}

function lowerTerms(draft: Draft): void {
  const lowest = [0, 1].map((index) => {
    const { id, waiting } = pick(draft.nodes, index)
    const flying = pick(draft.slots, index)?.value.term ?? Number.POSITIVE_INFINITY
    return Math.min(draft.book.lowestTerm(id), flying, waiting?.value.term ?? flying)
  })
  const by = Math.min(...lowest)
  if (by === 0) return
  const lower = <F extends Flight>(flight: F): F => {
    const value = { ...flight.value, term: flight.value.term - by }
    return { ...flight, value }
  }
  for (const index of [0, 1]) {
    const { id, waiting } = pick(draft.nodes, index)
    const slot = pick(draft.slots, index)
    setNode(draft, index, { id: draft.book.lowerTerms(id, by), waiting: waiting && lower(waiting) })
    draft.slots[index] = slot && lower(slot)
  }
}

/** Only of what is offered, or may have been taken, does the age matter. */
function flightKey({ value, age }: Flight): string {
  return `${beatNumber(value)}.${age}`
}

export function worldKey(world: World): string {
  const nodes = world.nodes.map(({ id, mode, unit, echoes, waiting }) => {
    const left = waiting === null ? 0 : flightKey(waiting)
    return `${id}${mode}${unit ? 1 : 0}${echoes ? 1 : 0}${left}`
  })
  const slots = world.slots.map((slot) => (slot === null ? '' : `${slot.links}${flightKey(slot)}`))
  return `${world.linksUp}${world.deaf}|${nodes.join('|')}|${slots.join('|')}|${world.traps}`
}
