//! `vccs why --if`: what the decision would do. The shipped `step` is driven in simulated time: first
//! with the pair as it is, then as it is supposed to be, until every patience has run out.
import type { AlarmChange } from '../alarms.ts'
import type { DecisionRecord, Role } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { Heartbeat } from '../wire/heartbeat-types.ts'
import { startPair, step } from './decision.ts'
import { nothingKept } from './kept-state.ts'
import { noProof } from './proof-of-life.ts'
import type { PairEffect, PairEvent, PairOptions, PairState, UnitName } from './state.ts'
import { peerStalledMs } from './turn.ts'

/** One picture of the pair. */
export interface Scene {
  /** One entry a link, in the order of the options. */
  readonly linksUp: readonly boolean[]
  readonly own: Units
  /** Null: the peer is dead or was never heard. */
  readonly peer: (Units & { readonly ready: boolean }) | null
  readonly paused: boolean
}

interface Units {
  readonly switch: boolean
  readonly media: boolean
}

export interface Rehearsal {
  readonly options: PairOptions
  readonly role: Role
  readonly term: number
  /** What else the decision knows of this node now. */
  readonly own: {
    readonly sessions: number
    readonly syncPending: number
    readonly inStep: boolean
    readonly stoodIn: boolean
    /** See `pair/damping.ts`. */
    readonly changesMsAgo: readonly number[]
  }
  /** What the peer says of itself now. */
  readonly peer: {
    readonly node: string
    readonly role: Role
    readonly term: number
    readonly sessions: number
    readonly inStep: boolean
    readonly held: boolean
    readonly stoodIn: boolean
  }
  readonly before: Scene
  readonly after: Scene
}

interface Verdict {
  readonly role: Role
  /** The decision that moved the role; null: it stays. */
  readonly decision: DecisionRecord | null
  readonly alarms: readonly AlarmChange[]
}

const settlePeriods = 5
const unitNames: readonly UnitName[] = ['switch', 'media']

/** The peer does not react to what this node does in the rehearsal: asked is what this node decides. */
export function rehearse(rehearsal: Rehearsal): Verdict {
  const { options, before, after } = rehearsal
  let state = asItIs(rehearsal)
  let decision: DecisionRecord | null = null
  const patienceMs = Math.max(peerStalledMs(options), limits.coldPeerMsMax)
  const periods = 2 * settlePeriods + Math.ceil(patienceMs / options.heartbeatMs)
  let last = before
  for (let period = 1; period <= periods; period++) {
    const scene = period > settlePeriods ? after : before
    for (const event of eventsOf(rehearsal, { scene, last, period })) {
      const stepped = step(state, event)
      state = stepped.state
      decision ??= stepped.effects.map(moveOf).find((move) => move !== null) ?? null
    }
    last = scene
  }
  return { role: state.role, decision, alarms: state.alarms }
}

function moveOf(effect: PairEffect): DecisionRecord | null {
  return effect.kind === 'decision' && effect.record.from !== effect.record.to
    ? effect.record
    : null
}

function asItIs({ options, role, term, own, before }: Rehearsal): PairState {
  const pause = { count: before.paused ? 1 : 0, reason: '' }
  const kept = { ...nothingKept, term, pause, served: role === 'primary' }
  const { sessions, syncPending, inStep, stoodIn } = own
  const proof = (unit: UnitName) => (before.own[unit] ? { counter: 1, advancedAt: 0 } : noProof)
  const units = {
    switch: proof('switch'),
    media: proof('media'),
    died: unitNames.filter((unit) => !before.own[unit]),
  }
  return {
    ...startPair(options, kept, 0),
    role,
    stoodIn,
    changes: own.changesMsAgo.map((ageMs) => -ageMs),
    own: { sessions, syncPending, inStep, untold: !inStep, ...units },
  }
}

interface Moment {
  readonly scene: Scene
  /** The scene of the period before. */
  readonly last: Scene
  readonly period: number
}

function eventsOf(rehearsal: Rehearsal, { scene, last, period }: Moment): PairEvent[] {
  const now = period * rehearsal.options.heartbeatMs
  const events: PairEvent[] = []
  const links = scene.linksUp.length
  for (const [link, up] of scene.linksUp.entries()) {
    if (!up || scene.peer === null) continue
    const value = heartbeat(rehearsal, scene, { link, sequence: period * links + link + 1 })
    const fresh = { value: { ...value, sentAt: now }, answers: 1, ageMsMax: 0 }
    events.push({ kind: 'heard', now, link, ...fresh })
  }
  if (last.paused !== scene.paused) {
    events.push({ kind: 'pause', now, ref: 0, on: scene.paused, reason: '' })
  }
  for (const unit of unitNames) {
    if (last.own[unit] && !scene.own[unit])
      events.push({ kind: 'unit-down', now, unit, detail: 'supposed' })
  }
  // After the peer: a standby that has heard nobody yet would serve at once.
  if (scene.own.switch) {
    const { sessions, syncPending, inStep } = rehearsal.own
    const facts = { counter: period + 1, sessions, syncPending, inStep, ready: true }
    events.push({ kind: 'switch-alive', now, ...facts, role: rehearsal.role })
  }
  if (scene.own.media) events.push({ kind: 'media-alive', now, counter: period + 1 })
  events.push({ kind: 'period', now })
  return events
}

function heartbeat(
  { peer, options }: Rehearsal,
  scene: Scene,
  at: { readonly link: number; readonly sequence: number },
): Heartbeat {
  const alive = scene.peer
  return {
    kind: 'heartbeat',
    bootId: '1'.repeat(16),
    alone: false,
    syncPending: 0,
    ...peer,
    ready: alive?.ready === true,
    // A dead unit proves nothing.
    switchCounter: alive?.switch ? at.sequence : 0,
    mediaCounter: alive?.media ? at.sequence : 0,
    sentAt: 0,
    echoSentAt: 0,
    echoReceivedAt: 0,
    linksHeard: 0xff,
    tieBreak: options.tieBreak,
    // An order is given to this node, whose count is then the newer one.
    pauseCount: 0,
    ...at,
  }
}
