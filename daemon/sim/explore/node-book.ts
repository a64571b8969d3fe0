//! All states in which a node can be, each once, as a number. What cannot make a difference for the
//! decision any more is taken out: a time that is older than every patience, numbers of heartbeats that
//! nobody can repeat, names of boots that ended. Two nodes that can do the same from now on are equal.
//!
//! Every transition is made by the shipped `step`, once; its result is kept by state and event.
import { heartbeatOf } from '../../src/pair/beat.ts'
import { startPair, step } from '../../src/pair/decision.ts'
import type { KeptState } from '../../src/pair/kept-state.ts'
import type { PairEffect, PairEvent, PairState } from '../../src/pair/state.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import { modelOptions, nodeNames, now, periodMs } from './model.ts'
import { bareKept, bareState, boots, keyOf, peerBoots, shiftTimes } from './normal-form.ts'

interface NodeEntry {
  readonly index: number
  /** Null: the node is dead. */
  readonly state: PairState | null
  /** What is on its disk. */
  readonly kept: KeptState
}

interface StepResult {
  readonly id: number
  readonly effects: readonly PairEffect[]
  /** How often the role came to this node without an order. */
  readonly entered: number
  readonly termFell: boolean
}

/** What happens to the names of the peer's boots, and to its numbers. */
export type Renaming = 'peer-boots' | 'peer-boots-kept' | 'slot-gone'

const kinds = ['heartbeat', 'goodbye', 'handover', 'take', 'take-forced', 'refused'] as const
const orderedRules: readonly string[] = ['handover', 'failover']

function lower(state: PairState, by: number): PairState {
  const peer = state.peer === null ? null : { ...state.peer, term: state.peer.term - by }
  const offer = state.offer === null ? null : { ...state.offer, term: state.offer.term - by }
  return { ...state, term: state.term - by, peer, offer }
}

export class NodeBook {
  readonly #entries: NodeEntry[] = []
  readonly #ids = new Map<string, number>()
  readonly #steps: Map<string | number, StepResult>[] = []
  readonly #aged: number[] = []
  readonly #lowest: number[] = []
  readonly #lowered = new Map<string, number>()
  readonly #renamed: Record<Renaming, number[]> = {
    'peer-boots': [],
    'peer-boots-kept': [],
    'slot-gone': [],
  }
  readonly #beats = new Map<number, Heartbeat>()
  steps = 0

  get size(): number {
    return this.#entries.length
  }

  entry(id: number): NodeEntry {
    const entry = this.#entries[id]
    if (entry === undefined) throw new Error(`there is no state ${id}`)
    return entry
  }

  state(id: number): PairState | null {
    return this.entry(id).state
  }

  add(entry: NodeEntry): number {
    const { index } = entry
    const kept = bareKept(entry.kept)
    const state = entry.state === null ? null : bareState(entry.state)
    const key = keyOf(index, state, kept)
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#entries.length
    this.#entries.push({ index, state, kept })
    this.#ids.set(key, id)
    this.#steps.push(new Map())
    return id
  }

  /** What follows from some events, one after the other. @param key tells them apart. */
  step(id: number, key: string | number, events: () => readonly PairEvent[]): StepResult {
    const known = this.#steps[id]?.get(key)
    if (known !== undefined) return known
    let all: StepResult = { id, effects: [], entered: 0, termFell: false }
    for (const event of events()) {
      const one = this.#step(all.id, event)
      all = {
        id: one.id,
        effects: [...all.effects, ...one.effects],
        entered: all.entered + one.entered,
        termFell: all.termFell || one.termFell,
      }
      this.steps += 1
    }
    this.#steps[id]?.set(key, all)
    return all
  }

  /** What the node says of itself. A unit that proves its life says 2: the receiver then notes 1. */
  beat({ id, echoes }: { id: number; echoes: boolean }, kind: Heartbeat['kind']): Heartbeat {
    const key = (id * kinds.length + kinds.indexOf(kind)) * 2 + (echoes ? 1 : 0)
    const known = this.#beats.get(key)
    if (known !== undefined) return known
    const { state } = this.entry(id)
    if (state === null) throw new Error('a dead node sends nothing')
    const clocks = { sentAt: 1, echoSentAt: echoes ? 1 : 0, echoReceivedAt: 0 }
    const frame = { kind, link: 0, bootId: boots.current, sequence: 0, ...clocks }
    const said = heartbeatOf(state, now, frame)
    const counter = (one: number) => (one === 0 ? 0 : 2)
    const made = {
      ...said,
      switchCounter: counter(said.switchCounter),
      mediaCounter: counter(said.mediaCounter),
    }
    this.#beats.set(key, made)
    return made
  }

  boot(id: number): number {
    const { index, kept } = this.entry(id)
    return this.add({ index, kept, state: startPair(modelOptions(index), kept, now) })
  }

  kill(id: number): number {
    return this.add({ ...this.entry(id), state: null })
  }

  /** A period passes. */
  age(id: number): number {
    const known = this.#aged[id]
    if (known !== undefined) return known
    const entry = this.entry(id)
    const state = entry.state === null ? null : shiftTimes(entry.state, -periodMs)
    const aged = this.add({ ...entry, state })
    this.#aged[id] = aged
    return aged
  }

  /** Terms only matter in relation to each other. */
  lowerTerms(id: number, by: number): number {
    const key = `${id}-${by}`
    const known = this.#lowered.get(key)
    if (known !== undefined) return known
    const { index, state, kept } = this.entry(id)
    const disk = { ...kept, term: kept.term - by }
    const made = this.add({ index, kept: disk, state: state === null ? null : lower(state, by) })
    this.#lowered.set(key, made)
    return made
  }

  rename(id: number, renaming: Renaming): number {
    const renamed = this.#renamed[renaming]
    const known = renamed[id]
    if (known !== undefined) return known
    const { index, state, kept } = this.entry(id)
    const made = this.add({ index, ...peerBoots(renaming, state, kept) })
    renamed[id] = made
    return made
  }

  lowestTerm(id: number): number {
    const known = this.#lowest[id]
    if (known !== undefined) return known
    const { state, kept } = this.entry(id)
    const own = state === null ? kept.term : Math.min(kept.term, state.term)
    const lowest = Math.min(own, state?.peer?.term ?? own)
    this.#lowest[id] = lowest
    return lowest
  }

  #step(id: number, event: PairEvent): StepResult {
    const entry = this.entry(id)
    if (entry.state === null) throw new Error(`${nodeNames[entry.index]} is dead`)
    const { state, effects } = step(entry.state, event)
    const keeps = effects.some(({ kind }) => kind === 'persist')
    const { term, boots: heard, pause, served } = state
    const disk = { term, currentBoot: heard.current, endedBoots: heard.ended, pause, served }
    const kept = keeps ? disk : entry.kept
    const entered = effects.filter(
      (effect) =>
        effect.kind === 'decision' &&
        effect.record.to === 'primary' &&
        effect.record.from !== 'primary' &&
        !orderedRules.includes(effect.record.rule),
    ).length
    const termFell = term < entry.state.term || kept.term < term
    return { id: this.add({ index: entry.index, state, kept }), effects, entered, termFell }
  }
}
