//! One turn of the decision: the state as it changes, and the effects in their order. Every change of
//! role passes through `become`.
import { assert } from '../assert.ts'
import type { DecisionRecord, Role } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { Heartbeat } from '../wire/heartbeat-types.ts'
import { noteChange } from './damping.ts'
import { lastHeardAt } from './links.ts'
import { isProven, type Proof } from './proof-of-life.ts'
import type { Merge, PairEffect, PairOptions, PairState, PeerView } from './state.ts'

export interface Turn {
  state: PairState
  readonly effects: PairEffect[]
  readonly now: number
}

interface Grounds {
  readonly rule: string
  readonly because: string
  readonly alternatives: readonly string[]
  /** This node has sessions that its peer does not know. */
  readonly merge?: Merge
  /** Its peer gave the role up in a switchover and goes on with the voice. */
  readonly peerSends?: true
}

/** S1.66: silence on all links after which the peer is lost. */
export function lostMs(options: PairOptions): number {
  return options.heartbeatMs * options.missesMax
}

/** A unit of this node that has not advanced for this long is dead. */
function ownStalledMs(options: PairOptions): number {
  return Math.max(options.heartbeatMs * limits.proofPeriodsMax, limits.proofMsMin)
}

/** Longer than the peer's own patience: it shall announce its dead unit itself. */
export function peerStalledMs(options: PairOptions): number {
  return ownStalledMs(options) + lostMs(options)
}

/** This node can serve: both units are there, initialised and alive, and it knows the present. */
export function isReady(state: PairState, now: number): boolean {
  if (state.woken && !hasListened(state, now)) return false
  return isSwitchProven(state, now) && isMediaProven(state, now)
}

export function isSwitchProven({ own, options }: PairState, now: number): boolean {
  return isProven(own.switch, now, ownStalledMs(options))
}

export function isMediaProven({ own, options }: PairState, now: number): boolean {
  return isProven(own.media, now, ownStalledMs(options))
}

function isPeerAlive(proof: Proof, state: PairState, now: number): boolean {
  return isProven(proof, now, peerStalledMs(state.options))
}

/** The peer is heard and can serve. */
export function isPeerReady(state: PairState, now: number): boolean {
  const { peer } = state
  if (peer === null || !peer.ready) return false
  const proof = peerProof(state, now)
  return proof.switch && proof.media
}

/** What each unit of the peer proves. */
export function peerProof(state: PairState, now: number): { switch: boolean; media: boolean } {
  const { peer } = state
  if (peer === null || state.peerLost) return { switch: false, media: false }
  return {
    switch: isPeerAlive(peer.switch, state, now),
    media: isPeerAlive(peer.media, state, now),
  }
}

/** Listened long enough to have heard a living peer. */
export function hasListened(state: PairState, now: number): boolean {
  return now - state.listenedFrom >= lostMs(state.options)
}

/** What the state of a link is judged by. */
export function linkView(state: PairState, now: number) {
  return { now, startedAt: state.companyFrom, silentMsMax: lostMs(state.options) }
}

export function isAlone(state: PairState): boolean {
  return state.role === 'primary' && (state.peer === null || state.peerLost)
}

export function change(turn: Turn, part: Partial<PairState>): void {
  turn.state = { ...turn.state, ...part }
}

/** Answers what the peer said, which may be old; its answer to this is not. Three links, and an answer to
 * each answer, would make a storm of it without `everyMs`. */
export function sendExtra(turn: Turn, heartbeat: Heartbeat['kind'], everyMs: number): void {
  if (turn.now - turn.state.extraAt < everyMs) return
  change(turn, { extraAt: turn.now })
  turn.effects.push({ kind: 'send', heartbeat })
}

/** This node cannot do what its peer asks for; no offer of before that is taken later. */
export function sendRefusal(turn: Turn): void {
  change(turn, { refusedAt: turn.now })
  turn.effects.push({ kind: 'send', heartbeat: 'refused' })
}

/** Adopts a newer term; it is kept over restarts. */
export function adoptTerm(turn: Turn, term: number): void {
  if (term <= turn.state.term) return
  change(turn, { term })
  turn.effects.push({ kind: 'persist' })
}

/** The only way into another role. A new primary has a new term, so that nothing of the old one that
 * is still in flight can undo it. */
export function become(turn: Turn, role: Role, grounds: Grounds): void {
  const { state } = turn
  assert(role !== state.role, `a change of role changes it, ${role} does not`)
  const from = state.role
  const term = Math.max(state.term, state.peer?.term ?? 0) + (role === 'primary' ? 1 : 0)
  const served = role === 'primary' || (role === 'starting' && state.served)
  const worthKeeping = term !== state.term || served !== state.served
  change(turn, { role, term, since: turn.now, conflict: false, served, stoodIn: false })
  change(turn, { unfitFrom: null, inherits: 'nothing' })
  if (role === 'primary') change(turn, { offer: null })
  else change(turn, { grantedBy: null })
  if (isCounted(from, role, grounds.rule)) {
    change(turn, { changes: noteChange(state.changes, turn.now) })
  }
  if (role === 'starting') change(turn, { listenedFrom: turn.now, woken: false })
  const { because, peerSends, merge = mayBeGiven(state, role) ? 'take-late' : undefined } = grounds
  const given = merge === undefined ? {} : { merge }
  const word = { because, ...given, ...(peerSends && { peerSends }) }
  turn.effects.push({ kind: 'role', role, term, ...word })
  turn.effects.push({ kind: 'send', heartbeat: 'heartbeat' })
  if (worthKeeping) turn.effects.push({ kind: 'persist' })
  record(turn, from, grounds)
}

/** This node served until it, or its pair unit, stood still or died, and the peer has not all that it has. */
export function hasMore({ woken, inherits, served, own }: PairState): boolean {
  return (woken || inherits === 'sessions') && served && own.sessions > 0 && own.untold
}

/** The peer woke up with sessions, and this node, which has not every record, serves. */
function mayBeGiven({ peer, peerLost, own }: PairState, role: Role): boolean {
  if (role !== 'primary' || peer === null || peerLost || own.inStep) return false
  return peer.role === 'starting' && peer.sessions > 0 && !peer.inStep
}

const orderedRules: readonly string[] = ['handover', 'handed-over', 'failover', 'stop']

/** What damping counts: the role came to this node or left it, and no operator asked for that. */
function isCounted(from: Role, to: Role, rule: string): boolean {
  if (orderedRules.includes(rule)) return false
  return from === 'primary' || (from === 'standby' && to === 'primary')
}

/** Records a decision for `vccs why`; also one that changes no role. */
export function record(turn: Turn, from: Role, grounds: Grounds): void {
  const { state, now } = turn
  const decision: DecisionRecord = {
    atMs: now,
    rule: grounds.rule,
    from,
    to: state.role,
    term: state.term,
    because: grounds.because,
    evidence: evidence(state, now),
    alternatives: [...grounds.alternatives],
  }
  turn.effects.push({ kind: 'decision', record: decision })
}

function evidence(state: PairState, now: number): string[] {
  const own = `${state.options.node}: ${isReady(state, now) ? 'ready' : 'not ready'}`
  const last = lastHeardAt(state.links)
  const lines = [`${own}, ${sessions(state.own.sessions)}`, peerEvidence(state, state.peer, now)]
  if (last === null) lines.push(`no link heard since ${Math.round(now - state.listenedFrom)} ms`)
  for (const link of state.links) {
    const heard = link.heardAt === null ? 'not heard yet' : `heard ${msAgo(now, link.heardAt)}`
    lines.push(`${link.name} ${heard}`)
  }
  return lines
}

function sessions(count: number): string {
  return count === 1 ? '1 session' : `${count} sessions`
}

function msAgo(now: number, at: number): string {
  return `${Math.round(now - at)} ms ago`
}

function peerEvidence(state: PairState, peer: PeerView | null, now: number): string {
  if (peer === null) return 'peer: never heard'
  const ready = isPeerReady(state, now) ? 'ready' : 'not ready'
  const lost = state.peerLost ? ', lost' : ''
  return `${peer.node}: ${peer.role}, term ${peer.term}, ${ready}, ${sessions(peer.sessions)}${lost}`
}
