//! One run: ordinary time, chaos, healing, and then the demand that everything is as it should be. Again
//! and again until the time is over, or something is wrong.

import { limits } from '../src/limits.ts'
import { recordText } from '../src/switching/call-record.ts'
import { tableNames } from '../src/tables/address.ts'
import { Checks, isSessionOf } from './checks/checks.ts'
import type { VoiceGap } from './checks/voice.ts'
import { Chaos } from './faults/chaos.ts'
import type { NodeDisk } from './node/disk.ts'
import type { SimNode } from './node/node.ts'
import type { FaultKind, Plan } from './plan.ts'
import type { Call } from './telephones/calls.ts'
import type { Telephone } from './telephones/telephone.ts'
import { Random } from './world/random.ts'
import { type Violation, World } from './world/world.ts'

const pollMs = 100
/** After the last fault: restarts with their pauses, the catch-up, one period of the anti-entropy. */
const healMsMax = 20_000
/** A set-up that hangs ends by its own timers in this time (RFC 3261: 64 T1; no answer: 60 s). */
const endMsMax = 140_000
const hangUpMs = 2_000
/** A CANCEL that nobody answers is given up after 64 T1; ended sessions then stay for 5 s. */
const emptyMsMax = 60_000
const signallingMs = 3_000
const progressMsMax = 12_000
/** A take-over a moment ago, and what it takes to ask everybody. */
const orphanMsMax = limits.probeAfterMs + 5_000

export interface Outcome {
  readonly seed: number
  readonly simulatedMs: number
  readonly episodes: number
  readonly events: number
  readonly hash: string
  readonly violations: readonly Violation[]
  readonly trace: readonly string[]
  readonly faults: ReadonlyMap<FaultKind, number>
  /** Numbers of the faults that were begun; `Plan.strikes`. */
  readonly struck: readonly number[]
  readonly calls: Readonly<World['calls']['counts']>
  readonly refusals: ReadonlyMap<string, number>
  readonly roleChanges: number
  readonly healMsMax: number
  /** Sessions without telephones, which the switch had to find out. */
  readonly orphans: number
  /** Silences of legs of live calls. */
  readonly gaps: readonly VoiceGap[]
}

interface RunOptions {
  readonly hours: number
  readonly onLine?: (line: string) => void
}

export function runPlan(plan: Plan, options: RunOptions): Outcome {
  return new Run(plan, options).run()
}

class Run {
  readonly #world: World
  readonly #chaos: Chaos
  readonly #checks: Checks
  readonly #random: Random
  readonly #endMs: number
  #episodes = 0
  #healMs = 0
  #orphans = 0

  constructor(plan: Plan, { hours, onLine }: RunOptions) {
    this.#world = new World(plan)
    this.#world.onLine = onLine ?? null
    this.#chaos = new Chaos(this.#world)
    this.#checks = new Checks(this.#world)
    this.#random = new Random(`run ${plan.seed}`)
    this.#endMs = hours * 3_600_000
  }

  run(): Outcome {
    const world = this.#world
    world.start()
    this.#pass(8_000)
    while (world.timeline.nowMs < this.#endMs && !this.#failed) this.#episode()
    const { timeline, calls } = world
    if (this.#failed) this.#dump()
    return {
      seed: world.plan.seed,
      simulatedMs: timeline.nowMs,
      episodes: this.#episodes,
      events: timeline.events,
      hash: timeline.hash,
      violations: world.violations,
      trace: world.trace,
      faults: this.#chaos.counts,
      struck: this.#chaos.struck,
      calls: calls.counts,
      refusals: calls.refusals,
      roleChanges: this.#checks.roleChanges,
      healMsMax: this.#healMs,
      orphans: this.#orphans,
      gaps: this.#checks.voice.gaps,
    }
  }

  get #failed(): boolean {
    return this.#world.violations.length > 0
  }

  #episode(): void {
    const { plan } = this.#world
    this.#episodes++
    const begun = { changes: this.#checks.roleChanges, changesMax: this.#chaos.changesMax }
    this.#pass(plan.calmMs * this.#random.between(0.5, 1.5))
    this.#chaos.begin()
    this.#pass(plan.chaosMs * this.#random.between(0.5, 1.5))
    this.#chaos.heal()
    const changes = this.#checks.roleChanges - begun.changes
    const changesMax = this.#chaos.changesMax - begun.changesMax
    if (changes > changesMax) {
      this.#violate('flap', `${changes} changes of the role, ${changesMax} by the faults`)
    }
    // Faults that end by themselves: a process that stands still, the transactions of a bad LAN.
    this.#pass(plan.faultMsMax)
    this.#settle()
    this.#quiet()
  }

  /** Healed: one primary, one standby that has everything. */
  #settle(): void {
    const { timeline } = this.#world
    const startMs = timeline.nowMs
    this.#until(healMsMax, () => this.#unsettled() === null)
    const why = this.#unsettled()
    if (why !== null) this.#violate('does-not-heal', why)
    this.#healMs = Math.max(this.#healMs, timeline.nowMs - startMs)
  }

  #quiet(): void {
    const { callers, calls } = this.#world
    callers.resting = true
    for (const phone of this.#world.phones) phone.register()
    this.#pass(signallingMs)
    this.#until(healMsMax, () => this.#unsettled() === null)
    const roles = this.#checks.roleChanges
    this.#compareCalls()
    this.#awaitOrphans()
    this.#callNow()
    this.#endAll()
    this.#until(emptyMsMax, () => this.#leftOver() === null && this.#unsettled() === null)
    const left = this.#leftOver() ?? this.#unsettled()
    if (left !== null) this.#violate('left-over', left)
    if (this.#checks.roleChanges > roles) this.#violate('flap', 'the role moved without a fault')
    this.#checkRecords()
    calls.forgetBefore(this.#world.timeline.nowMs)
    callers.resting = false
  }

  /** What is not as it should be between the nodes; null: nothing. */
  #unsettled(): string | null {
    const { nodes } = this.#world
    for (const node of nodes) if (!node.active) return `${node.name} is not up`
    const roles = nodes.map((node) => node.pair.state?.role ?? 'none').sort()
    if (roles.join() !== 'primary,standby') return `the roles are ${roles.join(' and ')}`
    for (const node of nodes) {
      if (node.switch.role !== node.pair.state?.role) return `${node.name}: another role in switch`
      if (node.media.role !== node.switch.role) return `${node.name}: another role in media`
      const replicator = node.switch.engine?.replicator
      if (!replicator?.inStep(node.clock.monotonicMs())) return `${node.name} is not in step`
      if (replicator.pending() > 0) return `${node.name}: ${replicator.pending()} records wait`
    }
    return this.#differences()
  }

  #differences(): string | null {
    const [a, b] = this.#world.nodes.map((node) => node.switch.engine?.tables)
    for (const name of tableNames) {
      if (a?.hash(name) !== b?.hash(name)) return `table ${name} differs`
    }
    for (const node of this.#world.nodes) {
      const legs = [...(node.switch.engine?.tables.table('wired-media').keys() ?? [])].sort()
      const sent = [...node.media.legs.keys()].sort()
      if (legs.join() !== sent.join()) return `${node.name}: media has other legs than table 4`
    }
    return null
  }

  /** Each call that both ends hold is one live session, and the other way round. */
  #compareCalls(): void {
    const primary = this.#primary()
    if (primary === null) return
    const sessions = [...(primary.switch.engine?.tables.table('wired-conference').values() ?? [])]
    for (const call of this.#world.calls.live) {
      const found = sessions.filter((one) => one.ended === null && isSessionOf(one, call))
      if (found.length === 1) continue
      if (call.excuse !== null) continue
      this.#violate('call-lost', `call ${call.id} has ${found.length} sessions`)
    }
  }

  #primary(): SimNode | null {
    return this.#world.nodes.find((node) => node.pair.state?.role === 'primary') ?? null
  }

  /** Progress is demanded: two idle telephones are connected. */
  #callNow(): void {
    const { phones, calls, callers } = this.#world
    const [from, to] = phones.filter((phone) => phone.idle)
    if (from === undefined || to === undefined || !callers.place(from, to)) return
    const call = calls.ofPhone(from.number) as Call
    this.#until(progressMsMax, () => call.confirmedAtMs !== null || call.endedBy.size > 0)
    const given = call.endedBy.has(from.number) && call.refusal === '487'
    if (call.confirmedAtMs === null && !given) {
      this.#violate('no-progress', `${from.number} cannot call ${to.number}: ${call.refusal}`)
    }
  }

  #endAll(): void {
    const { phones, callers, timeline } = this.#world
    const busy = () => phones.some((phone) => !phone.idle)
    const untilMs = timeline.nowMs + endMsMax
    while (busy() && timeline.nowMs < untilMs && !this.#failed) {
      for (const phone of phones) callers.hangUp(phone)
      this.#until(hangUpMs, () => !busy())
    }
    for (const phone of phones) if (!phone.idle) this.#stuck(phone)
  }

  /** The probe that follows a take-over finds the sessions that no telephone knows. */
  #awaitOrphans(): void {
    const left = () => {
      const sessions =
        this.#primary()?.switch.engine?.tables.table('wired-conference').values() ?? []
      // Of a lost call one telephone may still be there: it waits as the ports do.
      const open = this.#world.calls.open.filter(({ lost }) => lost === null)
      return [...sessions].filter(
        (one) => one.ended === null && !open.some((call) => isSessionOf(one, call)),
      )
    }
    this.#orphans += left().length
    this.#until(orphanMsMax, () => left().length === 0)
    const [first] = left()
    if (first !== undefined) this.#violate('orphan-stays', first.sessionId)
    this.#checks.orphans.clear()
  }

  #stuck(phone: Telephone): void {
    this.#violate('no-progress', `${phone.number} cannot end its call: ${phone.leg?.state}`)
    phone.forget()
  }

  /** What calls have left behind when there is none; null: nothing. */
  #leftOver(): string | null {
    for (const node of this.#world.nodes) {
      const tables = node.switch.engine?.tables
      const counts = tables?.counts()
      for (const name of ['wired-conference', 'wired-media', 'conference-resource'] as const) {
        if (counts?.[name] !== 0) return `${node.name}: ${counts?.[name]} records in ${name}`
      }
      if (node.media.legs.size > 0) return `${node.name}: ${node.media.legs.size} legs in media`
    }
    return null
  }

  /** Each call that was answered has its record; those of an excused call may be gone with it. Both nodes
   * have the same ones, after the exchange that a pair makes. */
  #checkRecords(): void {
    const [a, b] = this.#world.nodes.map((node) => node.disk)
    if (a === undefined || b === undefined) return
    // Twice, as a node may complete what it is given by what it saw itself.
    for (const [from, to] of [
      [b, a],
      [a, b],
      [b, a],
    ] as const) {
      to.adoptCalls([...from.calls.values()])
    }
    this.#compareRecords(a, b)
    const known = new Map<string, number>()
    for (const record of a.calls.values()) {
      if (record.answeredAtMs === null) continue
      const key = `${record.caller} ${record.called}`
      known.set(key, (known.get(key) ?? 0) + 1)
    }
    for (const call of this.#world.calls.all) {
      if (call.answeredAtMs === null || call.confirmedAtMs === null) continue
      const key = `${call.caller} ${call.callee}`
      const left = known.get(key) ?? 0
      known.set(key, left - 1)
      if (left > 0 || call.excuse !== null) continue
      this.#violate('no-call-record', `call ${call.id}, ${call.caller} to ${call.callee}`)
    }
    for (const disk of [a, b]) disk.calls.clear()
  }

  /** Whatever each of two that served has seen (ADR 0001, ADR 0026). */
  #compareRecords(a: NodeDisk, b: NodeDisk): void {
    for (const id of new Set([...a.calls.keys(), ...b.calls.keys()])) {
      const [one, other] = [a.calls.get(id), b.calls.get(id)]
      const texts = [one, other].map((record) => (record ? recordText(record) : 'nothing'))
      if (texts[0] !== texts[1]) this.#violate('call-records-differ', texts.join(' and '))
    }
  }

  #until(forMs: number, isDone: () => boolean): void {
    const { timeline } = this.#world
    const untilMs = timeline.nowMs + forMs
    while (!this.#failed && !isDone() && timeline.nowMs < untilMs) this.#pass(pollMs)
  }

  /** Ends early when something is wrong. */
  #pass(ms: number): void {
    const { timeline } = this.#world
    const endMs = timeline.nowMs + ms
    while (timeline.nowMs < endMs && !this.#failed) {
      timeline.runTo(Math.min(endMs, timeline.nowMs + 1_000))
    }
  }

  /** What the nodes believe, for those who look into a failure. */
  #dump(): void {
    for (const node of this.#world.nodes) {
      const { role, term, links } = node.pair.state ?? {}
      this.#world.note(node.name, `pair ${role} term ${term} links ${JSON.stringify(links)}`)
      const sessions = node.switch.engine?.tables.table('wired-conference').values() ?? []
      for (const { sessionId, state, ended, members } of sessions) {
        const sides = members.map(({ user, state: at, dialog }) => {
          const { pendingServer, pendingClient } = dialog
          const open = [pendingServer?.method, pendingClient?.method].filter(Boolean).join('+')
          return `${user} ${at} ${open}`
        })
        const end = ended === null ? 'lives' : `ended ${ended.status}`
        this.#world.note(node.name, `${sessionId} ${state} ${end}: ${sides.join(', ')}`)
      }
    }
  }

  #violate(rule: string, detail: string): void {
    if (!this.#failed) this.#world.violate(rule, detail)
  }
}
