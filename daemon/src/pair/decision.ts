//! Which of the two nodes serves. A pure algorithm: no socket, no timer, no clock.
//!
//! Each node hears the other on one to three links. While one link delivers, the peer is alive; when
//! all are silent for five periods (S1.66), it is lost, and this node serves. Media does not wait for
//! this decision, because both nodes send it: the decision may be slow, and must never be wrong.
//!
//! ```text
//!                 heard a primary
//!   ┌──────────┐ ─────────────────────────────────────────▶ ┌─────────┐
//!   │ starting │                                            │ standby │
//!   └──────────┘ ◀──────── this process was suspended ───── └─────────┘
//!     │      ▲                                                │     ▲
//!     │      │ own unit dead and peer ready (goodbye),        │     │ handed over,
//!     │      │ suspended, stop                                │     │ lost against
//!     │      │                                                │     │ another primary
//!     ▼      │                                                ▼     │
//!   ┌──────────┐   peer silent, starting or dead beside its heartbeat, goodbye,
//!   │ primary  │   handover, rule between equals (all: only when ready)
//!   └──────────┘ ◀──────────────────────────────────────────────────┘
//!     starting -> primary: listened and nobody serves, or the rule between equals
//! ```
//!
//! | event | starting | standby | primary |
//! |---|---|---|---|
//! | heartbeat of a primary | standby (4) | follow; take over if its units stand still | rule, or standby (1) |
//! | heartbeat of a standby | serve if it cannot, or does not | rule decides | newer term if it has a newer one; offers again |
//! | heartbeat of a starting node | rule decides | take over | goodbye if own units are dead |
//! | goodbye | as heartbeat | take over | as heartbeat |
//! | handover | refused | take over, or refused; old: asks anew | said again: heartbeat at once |
//! | take, take-forced | refused | as heartbeat | switchover for the peer, or refused |
//! | refused | as heartbeat | the question failed | the handover failed, stays |
//! | heartbeat of an unknown boot | heartbeat (3) | heartbeat (3) | heartbeat (3) |
//! | period | heartbeat | heartbeat, ask again | heartbeat, hand over again |
//! | check, signs of life | serve if nobody does | take over if nobody serves | goodbye if dead |
//! | unit-down | heartbeat | heartbeat | goodbye; stays if the peer is not ready (2) |
//! | switchover | refused | ask the primary, or refused | flush, or refused |
//! | flushed | nothing | nothing | hand over |
//! | pause, resume | both nodes note it, `pause.ts` | the same | the same |
//! | the peer's pair unit died | nothing | as goodbye, if in step | nothing |
//! | stop | goodbye | goodbye, starting | goodbye, starting |
//! | any, after a gap in time | listen again | starting | starting |
//!
//! 1: standby, when the other one has not heard this node for the patience: it cannot know.
//! 2: stays also for `limits.coldPeerMsMax` when the peer has not every record.
//! 3: beside a peer that is heard, an unknown boot has to answer that first (`boots.ts`).
//! 4: a pair unit that follows one of a primary first hears what its own switch has (`starting.ts`).
//!
//! While paused, a role changes only by order, between two equals, or back to where it was.
//! While held (`damping.ts`), two primaries leave the role where it was.
//!
//! One file for each role: starting.ts, standby.ts, primary.ts; switchover.ts for the operations.
import { newBoots } from './boots.ts'
import { hearForeign } from './foreign.ts'
import { hear } from './hear.ts'
import type { KeptState } from './kept-state.ts'
import { lastHeardAt, newLink } from './links.ts'
import { compareAlarms } from './pair-alarms.ts'
import { orderPause } from './pause.ts'
import { serve } from './primary.ts'
import { noProof, prove } from './proof-of-life.ts'
import { peerPairDied, watch } from './standby.ts'
import { inherit, tryToServe } from './starting.ts'
import type { Merge, OwnUnits, PairEvent, PairOptions, PairState, PeerView, Step } from './state.ts'
import {
  checkOperation,
  command,
  fail,
  flushed,
  repeatOperation,
  settleOperation,
} from './switchover.ts'
import { become, change, isAlone, lostMs, record, type Turn } from './turn.ts'

const noUnits: OwnUnits = {
  switch: noProof,
  media: noProof,
  sessions: 0,
  syncPending: 0,
  inStep: false,
  untold: false,
  died: [],
}

/** A node at its start, S1.76. `kept` is what it persisted. */
export function startPair(options: PairOptions, kept: KeptState, now: number): PairState {
  return {
    options,
    role: 'starting',
    term: kept.term,
    since: now,
    listenedFrom: now,
    woken: false,
    companyFrom: now,
    sentAt: now,
    boots: newBoots(options.links.length, kept),
    links: options.links.map((link) => newLink(link.name)),
    peer: null,
    peerLost: false,
    own: noUnits,
    operation: null,
    grantedBy: null,
    offer: null,
    refusedAt: Number.NEGATIVE_INFINITY,
    conflict: false,
    pause: kept.pause,
    served: kept.served,
    inherits: kept.served ? 'unknown' : 'nothing',
    stoodIn: false,
    unfitFrom: null,
    changes: [],
    refusedName: false,
    extraAt: Number.NEGATIVE_INFINITY,
    foreign: null,
    stopped: false,
    alarms: [],
    dropped: { replayed: 0, reflected: 0 },
  }
}

/** Never throws for anything the peer, a unit or an operator does. */
export function step(state: PairState, event: PairEvent): Step {
  const turn: Turn = { state, effects: [], now: event.now }
  if (event.now - state.sentAt > lostMs(state.options)) wakeUp(turn)
  notePeerLost(turn)
  act(turn, event)
  settleOperation(turn)
  const compared = compareAlarms(turn.state, turn.now)
  change(turn, { alarms: compared.alarms })
  turn.effects.push(...compared.effects)
  tellRole(turn, state)
  if (turn.effects.some(({ kind }) => kind === 'send')) change(turn, { sentAt: event.now })
  return { state: turn.state, effects: turn.effects }
}

function act(turn: Turn, event: PairEvent): void {
  switch (event.kind) {
    case 'heard': {
      hear(turn, event)
      return
    }
    case 'heard-foreign': {
      hearForeign(turn, event)
      return
    }
    case 'period': {
      turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
      repeatOperation(turn)
      check(turn)
      return
    }
    case 'check': {
      check(turn)
      return
    }
    case 'unit-down': {
      loseUnit(turn, event)
      return
    }
    case 'switch-alive':
    case 'media-alive': {
      keepAlive(turn, event)
      return
    }
    case 'switchover': {
      const { ref, force, reason } = event
      command(turn, { ref, force, reason, forPeer: false })
      return
    }
    case 'flushed': {
      flushed(turn, event)
      return
    }
    case 'peer-pair-died': {
      peerPairDied(turn, event.bootId)
      return
    }
    case 'pause': {
      orderPause(turn, event)
      consider(turn)
      return
    }
    case 'stop':
      stop(turn)
  }
}

function check(turn: Turn): void {
  checkOperation(turn)
  consider(turn)
}

/** What time or the own units may have changed. */
function consider(turn: Turn): void {
  switch (turn.state.role) {
    case 'starting': {
      tryToServe(turn)
      return
    }
    case 'standby': {
      watch(turn)
      return
    }
    case 'primary':
      serve(turn)
  }
}

/** More than the patience of the peer passed since heartbeats last left: this process stood still, and
 * the peer may serve by now. What this node knew is worth nothing until it has listened again. */
function wakeUp(turn: Turn): void {
  const { state, now } = turn
  const gapMs = Math.round(now - state.sentAt)
  if (state.operation !== null) fail(turn, `this node stood still for ${gapMs} ms`)
  const links = state.links.map((link) => newLink(link.name))
  const own = turn.state.own
  // Nobody could advance the counters where this process could not hear it.
  const units = {
    switch: { ...own.switch, advancedAt: now },
    media: { ...own.media, advancedAt: now },
  }
  change(turn, { links, companyFrom: now, peer: null, peerLost: false, own: { ...own, ...units } })
  if (state.role === 'starting') {
    change(turn, { listenedFrom: now, woken: true })
    return
  }
  become(turn, 'starting', {
    rule: 'suspended',
    because: `this process stood still for ${gapMs} ms`,
    alternatives: [`stay ${state.role}: the peer may be primary by now`],
  })
  change(turn, { woken: true })
}

function notePeerLost(turn: Turn): void {
  const { state, now } = turn
  const last = lastHeardAt(state.links)
  if (state.peer === null || state.peerLost || last === null) return
  if (now - last < lostMs(state.options)) return
  change(turn, { peerLost: true, offer: null })
  if (state.role !== 'primary') return
  const because = `${state.peer.node} is not heard on any link`
  const alternatives = ['step back: nobody might serve']
  record(turn, 'primary', { rule: 'peer-silent', because, alternatives })
}

function loseUnit(turn: Turn, { unit, detail }: PairEvent & { kind: 'unit-down' }): void {
  const { own } = turn.state
  const died = own.died.includes(unit) ? own.died : [...own.died, unit]
  const gone = unit === 'switch' ? { sessions: 0, syncPending: 0, inStep: false } : {}
  const proof = { counter: 0, advancedAt: turn.now }
  change(turn, { own: { ...own, ...gone, [unit]: proof, died } })
  const before = turn.state.role
  if (!turn.state.stopped) consider(turn)
  if (turn.state.role !== before || turn.state.stopped) return
  turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
  const because = `${unit} died: ${detail}`
  record(turn, before, { rule: 'unit-died', because, alternatives: [] })
}

function keepAlive(turn: Turn, event: PairEvent & { kind: 'switch-alive' | 'media-alive' }): void {
  const { own } = turn.state
  if (event.kind === 'media-alive') {
    const died = own.died.filter((unit) => unit !== 'media')
    change(turn, { own: { ...own, media: prove(own.media, event.counter, turn.now), died } })
  } else {
    // A switch that is not ready proves nothing yet.
    const counter = event.ready ? event.counter : 0
    const died = event.ready ? own.died.filter((unit) => unit !== 'switch') : own.died
    const { sessions, syncPending, inStep, untold = !inStep } = event
    const proof = prove(own.switch, counter, turn.now)
    change(turn, { own: { ...own, switch: proof, sessions, syncPending, inStep, untold, died } })
    inherit(turn)
  }
  consider(turn)
}

function stop(turn: Turn): void {
  if (turn.state.stopped) return
  if (turn.state.operation !== null) fail(turn, 'this node stops')
  change(turn, { stopped: true })
  turn.effects.push({ kind: 'send', heartbeat: 'goodbye' })
  if (turn.state.role === 'starting') return
  become(turn, 'starting', { rule: 'stop', because: 'this node stops', alternatives: [] })
}

/** The units hear of every change of role, term and company, once. */
function tellRole(turn: Turn, before: PairState): void {
  const { state } = turn
  if (turn.effects.some((effect) => effect.kind === 'role')) return
  if (state.term === before.term && isAlone(state) === isAlone(before)) return
  const because = isAlone(state) ? 'the peer is lost' : `term ${state.term}`
  const merge = isAlone(before) && !isAlone(state) ? mergeOf(state.peer) : null
  const { role, term } = state
  turn.effects.push({ kind: 'role', role, term, because, ...(merge !== null && { merge }) })
}

/** A node that just starts has nothing to give, unless it served and stood still. */
function mergeOf(peer: PeerView | null): Merge | null {
  if (peer?.role !== 'starting') return 'take'
  return peer.sessions > 0 && !peer.inStep ? 'take-late' : null
}
