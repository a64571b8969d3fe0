//! What must hold at every moment, whatever the faults.
import type { Conference } from '../../src/tables/wired-conference.ts'
import type { SimNode } from '../node/node.ts'
import { type Call, isLive } from '../telephones/calls.ts'
import type { Watcher, World } from '../world/world.ts'
import { Voice } from './voice.ts'

/** Looked at so often. */
const lookMs = 50
/** Two that hear each other agree in this time after they could: a heartbeat, and what it takes. */
const twoPrimariesMsMax = 400
/** A node that is whole serves after this time when nobody does. */
const nonePrimaryMsMax = 3_000
/** A role that was taken away reaches the switch over the bus in this time. */
const roleWayMs = 5
/** A pair unit that was started anew is connected after this time. */
const pairBackMs = 200
/** A node is undisturbed when nothing happened to it for so long. */
const quietMs = 1_500
/** Long before this trouble. */
const settledMs = 60_000

export class Checks implements Watcher {
  readonly #world: World
  /** When the node was last disturbed. */
  readonly #disturbedMs = new Map<SimNode, number>()
  readonly #lastTerm = new Map<SimNode, number>()
  readonly #notPrimaryFromMs = new Map<SimNode, number>()
  #linkGoodFromMs = 0
  #twoFromMs: number | null = null
  #noneFromMs: number | null = null
  /** Sessions whose telephones are gone: their end was on the other node only when it fell silent. The
   * operator ends them. */
  readonly orphans = new Set<string>()
  roleChanges = 0
  readonly voice: Voice
  /** Live calls whose legs are not known yet. */
  readonly #voiceless = new Set<Call>()

  constructor(world: World) {
    this.#world = world
    this.voice = new Voice(world)
    world.watcher = this
    this.#look()
  }

  sentSip(node: SimNode): void {
    const { nowMs } = this.#world.timeline
    if (node.pair.state === null) return
    const sinceMs = this.#notPrimaryFromMs.get(node)
    if (sinceMs === undefined || nowMs - sinceMs < roleWayMs) return
    // Alone, the switch goes on without its pair unit, until a new one has spoken.
    if (nowMs - node.startedAtMs('pair') < pairBackMs) return
    this.#world.violate('standby-sent-sip', `${node.name}, not primary for ${nowMs - sinceMs} ms`)
  }

  changed(node: SimNode): void {
    if (!node.active) this.#disturbedMs.set(node, this.#world.timeline.nowMs)
    this.#noteRole(node)
    this.#watchVoice()
  }

  /** The tables of a node are about to go: calls that nobody else has are lost, and must be. */
  losing(node: SimNode): void {
    this.#disturbedMs.set(node, this.#world.timeline.nowMs)
    for (const call of this.#world.calls.open) {
      if (!isAnswered(call) || this.#has(this.#world.other(node), call)) continue
      this.#world.calls.excuse(call, `its records were on ${node.name} only`)
    }
  }

  callChanged(call: Call): void {
    if (isLive(call)) this.#voiceless.add(call)
    else {
      this.#voiceless.delete(call)
      this.voice.end(call)
    }
    this.#watchVoice()
  }

  noted(node: SimNode, text: string, fields: Readonly<Record<string, unknown>>): void {
    if (text === 'decision' && fields.from !== fields.to) this.#tookRole(node, fields)
  }

  #tookRole(node: SimNode, fields: Readonly<Record<string, unknown>>): void {
    if (fields.to !== 'primary') return
    this.roleChanges++
    const term = Number(fields.term)
    const last = this.#lastTerm.get(node) ?? 0
    if (term <= last && !node.disk.takeTermLost()) {
      this.#world.violate('term-grows', `${node.name} serves in term ${term} after ${last}`)
    }
    this.#lastTerm.set(node, term)
    this.#noteOrphans(node)
    for (const call of this.#world.calls.open) {
      if (call.excuse !== null || !isAnswered(call) || this.#has(node, call)) continue
      this.#world.calls.excuse(call, `${node.name} serves and has never had it`)
      if (this.#shouldHave(node, call)) {
        this.#world.violate('not-replicated', `${node.name} serves without call ${call.id}`)
      }
    }
  }

  #noteOrphans(node: SimNode): void {
    const sessions = node.switch.engine?.tables.table('wired-conference').values() ?? []
    for (const session of sessions) {
      if (session.ended !== null || this.orphans.has(session.sessionId)) continue
      if (this.#world.calls.open.some((call) => isSessionOf(session, call))) continue
      this.orphans.add(session.sessionId)
      this.#world.note('checks', `${session.sessionId} has no telephone any more`)
      if (this.#isSound(node)) {
        this.#world.violate('not-replicated', `${node.name} serves ended ${session.sessionId}`)
      }
    }
  }

  /** It had everything, and nothing happened to it for long. */
  #isSound(node: SimNode): boolean {
    const { nowMs } = this.#world.timeline
    const engine = node.switch.engine
    const calmMs = nowMs - Math.max(this.#disturbedMs.get(node) ?? 0, this.#linkGoodFromMs)
    return calmMs > settledMs && engine?.replicator.inStep(node.clock.monotonicMs()) === true
  }

  /** The call was on both nodes long before this trouble began. */
  #shouldHave(node: SimNode, call: Call): boolean {
    const settled = this.#world.timeline.nowMs - call.touchedAtMs > settledMs
    return isLive(call) && settled && this.#isSound(node)
  }

  /** The node knows this answered call, and that it is answered. */
  #has(node: SimNode, call: Call): boolean {
    const session = this.#sessionOf(node, call)
    return session !== null && session.answeredAtMs !== null
  }

  /** The live session of this call in the tables of a node. */
  #sessionOf(node: SimNode, call: Call): Conference | null {
    const engine = node.switch.engine
    if (engine === null) return null
    for (const session of engine.tables.table('wired-conference').values()) {
      if (session.ended === null && isSessionOf(session, call)) return session
    }
    return null
  }

  /** A node that stood still has given what the other one had never had: that is not lost any more. */
  #watchReturned(): void {
    const { calls, nodes } = this.#world
    for (const call of calls.live) {
      if (call.excuse === null) continue
      const [node, ...more] = nodes.filter(({ pair }) => pair.state?.role === 'primary')
      if (node !== undefined && more.length === 0 && this.#has(node, call)) {
        calls.demand(call, `${node.name} serves it again`)
      }
    }
  }

  #noteRole(node: SimNode): void {
    const { nowMs } = this.#world.timeline
    const isPrimary = node.pair.state?.role === 'primary'
    if (isPrimary) this.#notPrimaryFromMs.delete(node)
    else if (!this.#notPrimaryFromMs.has(node)) this.#notPrimaryFromMs.set(node, nowMs)
  }

  #look(): void {
    const { timeline, nodes } = this.#world
    for (const node of nodes) {
      if (!node.active) this.#disturbedMs.set(node, timeline.nowMs)
      this.#noteRole(node)
    }
    this.#watchLinks()
    this.#watchReturned()
    this.#watchPrimaries()
    this.#watchVoice()
    timeline.after(lookMs, () => this.#look())
  }

  /** At least one link has carried both ways, in fair weather, since. */
  #watchLinks(): void {
    const { timeline, links } = this.#world
    const good = links.some(({ a, b }) =>
      [a, b].every(
        ({ weather }) =>
          !weather.cut &&
          weather.loss < 0.01 &&
          weather.corrupt < 0.01 &&
          weather.delayMs < 2 &&
          weather.jitterMs < 1,
      ),
    )
    if (!good) this.#linkGoodFromMs = Number.POSITIVE_INFINITY
    else if (this.#linkGoodFromMs === Number.POSITIVE_INFINITY) {
      this.#linkGoodFromMs = timeline.nowMs
    }
  }

  #watchPrimaries(): void {
    const { nowMs } = this.#world.timeline
    const { nodes } = this.#world
    const serving = nodes.filter((node) => node.pair.state?.role === 'primary')
    const undisturbedFrom = (node: SimNode) => this.#disturbedMs.get(node) ?? 0
    if (serving.length < 2) this.#twoFromMs = null
    else {
      this.#twoFromMs ??= nowMs
      const sinceMs = Math.max(this.#twoFromMs, this.#linkGoodFromMs, ...nodes.map(undisturbedFrom))
      if (nowMs - sinceMs > twoPrimariesMsMax) {
        this.#world.violate('two-primaries', `for ${Math.round(nowMs - sinceMs)} ms`)
        this.#twoFromMs = nowMs + 60_000
      }
    }
    const whole = nodes.filter((node) => nowMs - undisturbedFrom(node) > quietMs)
    if (serving.some((node) => node.pair.process.active) || whole.length === 0) {
      this.#noneFromMs = null
      return
    }
    this.#noneFromMs ??= nowMs
    if (nowMs - this.#noneFromMs < nonePrimaryMsMax) return
    this.#world.violate('no-primary', `for ${Math.round(nowMs - this.#noneFromMs)} ms`)
    this.#noneFromMs = nowMs + 60_000
  }

  #watchVoice(): void {
    for (const call of this.#voiceless) {
      const legs = this.#mediaOf(call)
      if (legs.length === 0) continue
      this.#voiceless.delete(call)
      this.voice.begin(call, legs)
    }
    this.voice.look()
  }

  #mediaOf(call: Call): string[] {
    for (const node of this.#world.nodes) {
      const session = this.#sessionOf(node, call)
      if (session !== null) return session.members.map(({ mediaId }) => mediaId)
    }
    return []
  }
}

function isAnswered(call: Call): boolean {
  return call.answeredAtMs !== null || call.confirmedAtMs !== null
}

export function isSessionOf(session: Conference, call: Call): boolean {
  const user = (side: 'caller' | 'callee') =>
    session.members.find((member) => member.side === side)?.user
  return user('caller') === call.caller && user('callee') === call.callee
}
