//! `vccs why --if`: what the decision would do. The shipped `step` is driven in simulated time: first
//! with the pair as it is, then as it is supposed to be, until every patience has run out.
import type { AlarmChange } from '../alarms.ts'
import type { DecisionRecord, Role } from '../bus/messages.ts'
import type { Heartbeat } from '../wire/heartbeat-types.ts'
import { startPair, step } from './decision.ts'
import { nothingKept } from './kept-state.ts'
import type { PairEvent, PairOptions, PairState } from './state.ts'
import { peerStalledMs } from './turn.ts'

/** One picture of the pair. */
export interface Scene {
  /** One entry a link, in the order of the options. */
  readonly linksUp: readonly boolean[]
  readonly own: { readonly switch: boolean; readonly media: boolean }
  /** Null: the peer is dead or was never heard. */
  readonly peer: { readonly switch: boolean; readonly media: boolean } | null
}

export interface Rehearsal {
  readonly options: PairOptions
  readonly role: Role
  readonly term: number
  readonly peerNode: string
  readonly peerRole: Role
  readonly paused: boolean
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

/** The peer does not react to what this node does in the rehearsal: asked is what this node decides. */
export function rehearse(rehearsal: Rehearsal): Verdict {
  const { options, role, term, before, after } = rehearsal
  const pause = { count: rehearsal.paused ? 1 : 0, reason: '' }
  const kept = { ...nothingKept, term, pause, served: role === 'primary' }
  let state: PairState = { ...startPair(options, kept, 0), role }
  let decision: DecisionRecord | null = null
  const periods = Math.ceil(peerStalledMs(options) / options.heartbeatMs) + settlePeriods
  for (let period = 1; period <= settlePeriods + periods; period++) {
    const scene = period <= settlePeriods ? before : after
    for (const event of eventsOf(rehearsal, scene, period)) {
      const stepped = step(state, event)
      state = stepped.state
      if (period <= settlePeriods || decision !== null) continue
      for (const effect of stepped.effects) {
        if (effect.kind !== 'decision' || effect.record.from === effect.record.to) continue
        decision = effect.record
        break
      }
    }
  }
  return { role: state.role, decision, alarms: state.alarms }
}

function eventsOf(rehearsal: Rehearsal, scene: Scene, period: number): PairEvent[] {
  const now = period * rehearsal.options.heartbeatMs
  const events: PairEvent[] = []
  const links = scene.linksUp.length
  for (const [link, up] of scene.linksUp.entries()) {
    if (!up || scene.peer === null) continue
    const value = heartbeat(rehearsal, scene.peer, { link, sequence: period * links + link + 1 })
    const fresh = { value: { ...value, sentAt: now }, answers: 1, ageMsMax: 0 }
    events.push({ kind: 'heard', now, link, ...fresh })
  }
  // After the peer: a standby that has heard nobody yet would serve at once.
  if (scene.own.switch) {
    const facts = { counter: period, sessions: 0, syncPending: 0, inStep: true, ready: true }
    events.push({ kind: 'switch-alive', now, ...facts, role: rehearsal.role })
  }
  if (scene.own.media) events.push({ kind: 'media-alive', now, counter: period })
  events.push({ kind: 'period', now })
  return events
}

function heartbeat(
  { peerNode, peerRole, term, options }: Rehearsal,
  alive: { readonly switch: boolean; readonly media: boolean },
  at: { readonly link: number; readonly sequence: number },
): Heartbeat {
  return {
    kind: 'heartbeat',
    node: peerNode,
    bootId: '1'.repeat(16),
    role: peerRole,
    alone: false,
    term,
    sessions: 0,
    syncPending: 0,
    inStep: true,
    ready: alive.switch && alive.media,
    // A dead unit's counter stands still.
    switchCounter: alive.switch ? at.sequence : 1,
    mediaCounter: alive.media ? at.sequence : 1,
    sentAt: 0,
    echoSentAt: 0,
    echoReceivedAt: 0,
    linksHeard: 0xff,
    held: false,
    stoodIn: false,
    tieBreak: options.tieBreak,
    pauseCount: 0,
    ...at,
  }
}
