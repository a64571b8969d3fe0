//! Two nodes with their links in simulated time: the real pair runners, no socket and no clock. All that
//! happens is logged as a line of text.
import type { BusMessage, TieBreak } from '../../src/bus/messages.ts'
import { type KeptState, nothingKept } from '../../src/pair/kept-state.ts'
import { PairRunner } from '../../src/pair/runner.ts'
import type { UnitName } from '../../src/pair/state.ts'
import type { ForeignHeartbeat } from '../../src/wire/heartbeat.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'

export type NodeName = 'A' | 'B'
export const nodeNames: readonly NodeName[] = ['A', 'B']

const heartbeatMs = 100
const missesMax = 5
export const lostMs = heartbeatMs * missesMax
const linkDelayMs = 1

interface UnitState {
  up: boolean
  hung: boolean
  counter: number
}

interface Node {
  runner: PairRunner | null
  /** Grows with each boot: what was planned for an earlier boot does not happen. */
  boot: number
  suspended: boolean
  /** What waits in the kernel while the process stands still. */
  readonly waiting: (() => void)[]
  kept: KeptState
  readonly units: Record<UnitName, UnitState>
  sessions: number
  inStep: boolean
  flushes: boolean
  ready: boolean
  loseDisk: boolean
}

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export interface WorldOptions {
  readonly links?: number
  /** How long a datagram is under way on each link, by default 1. */
  readonly delaysMs?: readonly number[]
  /** Milliseconds that B's monotonic clock is ahead of A's. */
  readonly clockAheadMs?: number
  /** Asked each time a node keeps its term. */
  readonly keepFails?: (node: NodeName) => boolean
  /** What each node file says; by default the rule of the source. */
  readonly tieBreaks?: Readonly<Record<NodeName, TieBreak>>
  /** What the bytes of a heartbeat become on their way; null: they are refused. */
  readonly wire?: (from: NodeName, value: Heartbeat) => Heartbeat | ForeignHeartbeat | null
}

export class World {
  now = 0
  readonly log: string[] = []
  /** What the switch of a node heard of a merge. */
  readonly mergeWords: { atMs: number; name: NodeName; word: string }[] = []
  readonly #nodes: Record<NodeName, Node>
  readonly #linkNames: readonly string[]
  readonly #cuts = new Set<string>()
  readonly #delaysMs: readonly number[]
  readonly #aheadMs: Record<NodeName, number>
  #planned: Planned[] = []
  #order = 0
  #recorded: { to: NodeName; link: number; value: Heartbeat } | null = null
  #recordFrom: NodeName | null = null
  readonly #keepFails: (node: NodeName) => boolean
  readonly #tieBreaks: Readonly<Record<NodeName, TieBreak>>
  readonly #wire: NonNullable<WorldOptions['wire']>

  constructor(options: WorldOptions = {}) {
    this.#keepFails = options.keepFails ?? (() => false)
    this.#tieBreaks = options.tieBreaks ?? { A: 'larger-address', B: 'larger-address' }
    this.#wire = options.wire ?? ((_from, value) => value)
    this.#linkNames = ['net-a', 'net-b', 'private'].slice(0, options.links ?? 3)
    this.#delaysMs = options.delaysMs ?? []
    this.#aheadMs = { A: 0, B: options.clockAheadMs ?? 5_000 }
    this.#nodes = { A: newNode(), B: newNode() }
  }

  node(name: NodeName): PairRunner | null {
    return this.#nodes[name].runner
  }

  get linkNames(): readonly string[] {
    return this.#linkNames
  }

  isRunning(name: NodeName): boolean {
    const node = this.#nodes[name]
    return node.runner !== null && !node.suspended
  }

  boot(name: NodeName): void {
    const node = this.#nodes[name]
    node.boot += 1
    node.suspended = false
    node.waiting.length = 0
    const links = this.#linkNames.map((link, index) => this.#link(name, link, index))
    const identity = {
      options: {
        node: `vccs-${name.toLowerCase()}`,
        links,
        heartbeatMs,
        missesMax,
        tieBreak: this.#tieBreaks[name],
      },
      bootId: `${name === 'A' ? 'a' : 'b'}${String(node.boot).padStart(15, '0')}`,
      kept: node.loseDisk ? nothingKept : node.kept,
      realtime: true,
    }
    node.runner = new PairRunner(identity, {
      now: () => this.#clock(name),
      wallMs: () => this.now,
      sendLink: (link, heartbeat) => this.#carry(name, link, heartbeat),
      toSwitch: (message) => this.#toSwitch(name, message),
      toMedia: () => undefined,
      toSupervisor: () => undefined,
      persist: (text) => {
        if (!this.#keepFails(name)) node.kept = JSON.parse(text)
      },
      log: (_level, text, fields) => this.#note(name, text, fields),
    })
    this.#note(name, 'boot', {})
    this.#every(name, heartbeatMs, () =>
      node.runner?.happen({ kind: 'period', now: this.#clock(name) }),
    )
    for (const unit of ['switch', 'media'] as const) this.start(name, unit)
  }

  /** SIGKILL of the whole node. */
  kill(name: NodeName): void {
    const node = this.#nodes[name]
    node.boot += 1
    node.runner = null
    node.waiting.length = 0
    this.#note(name, 'killed', {})
  }

  start(name: NodeName, unit: UnitName): void {
    const state = this.#nodes[name].units[unit]
    Object.assign(state, { up: true, hung: false, counter: 0 })
    this.#every(name, heartbeatMs, () => this.#beatUnit(name, unit))
  }

  killUnit(name: NodeName, unit: UnitName): void {
    this.#nodes[name].units[unit].up = false
    const event = { kind: 'unit-down', now: this.#clock(name), unit, detail: 'closed' } as const
    this.#deliver(name, () => this.#nodes[name].runner?.happen(event))
  }

  hang(name: NodeName, unit: UnitName): void {
    this.#nodes[name].units[unit].hung = true
  }

  suspend(name: NodeName): void {
    this.#nodes[name].suspended = true
  }

  resume(name: NodeName): void {
    const node = this.#nodes[name]
    node.suspended = false
    for (const happen of node.waiting.splice(0)) happen()
  }

  stop(name: NodeName): void {
    const node = this.#nodes[name]
    node.runner?.happen({ kind: 'stop', now: this.#clock(name) })
    this.kill(name)
  }

  switchover(name: NodeName, force: boolean): void {
    const event = {
      kind: 'switchover',
      now: this.#clock(name),
      ref: 7,
      force,
      reason: 'test',
    } as const
    this.#nodes[name].runner?.happen(event)
  }

  pause(name: NodeName, on: boolean): void {
    const event = { kind: 'pause', now: this.#clock(name), ref: 8, on, reason: 'test' } as const
    this.#nodes[name].runner?.happen(event)
  }

  set(
    name: NodeName,
    part: Partial<Pick<Node, 'sessions' | 'inStep' | 'flushes' | 'ready' | 'loseDisk'>>,
  ) {
    Object.assign(this.#nodes[name], part)
  }

  cut(link: string, from?: NodeName): void {
    for (const one of from === undefined ? nodeNames : [from]) this.#cuts.add(`${link} ${one}`)
  }

  heal(link: string): void {
    for (const one of nodeNames) this.#cuts.delete(`${link} ${one}`)
  }

  get cuts(): number {
    return this.#cuts.size
  }

  /** Keeps the next datagram of a node for `replay`. */
  record(from: NodeName): void {
    this.#recordFrom = from
  }

  replay(): void {
    const recorded = this.#recorded
    if (recorded !== null) this.#nodes[recorded.to].runner?.heard(recorded.link, recorded.value)
  }

  run(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const next = this.#planned[0]
      if (next === undefined || next.at > end) break
      this.#planned.shift()
      this.now = next.at
      next.run()
    }
    this.now = end
  }

  roles(): string {
    return nodeNames
      .map((name) => {
        const state = this.#nodes[name].runner?.state
        return `${name}=${state === undefined ? 'dead' : `${state.role} term ${state.term}`}`
      })
      .join(', ')
  }

  #clock(name: NodeName): number {
    return this.now + this.#aheadMs[name]
  }

  #link(name: NodeName, link: string, index: number) {
    const host = (of: NodeName) => `192.168.${index + 1}.${of === 'A' ? 200 : 201}`
    return { name: link, own: host(name), peer: host(name === 'A' ? 'B' : 'A') }
  }

  #plan(inMs: number, run: () => void): void {
    this.#order += 1
    const planned = { at: this.now + inMs, order: this.#order, run }
    const later = this.#planned.findIndex((one) => one.at > planned.at)
    this.#planned.splice(later < 0 ? this.#planned.length : later, 0, planned)
  }

  /** A timer of this boot; one that comes due while suspended fires once afterwards. */
  #every(name: NodeName, ms: number, run: () => unknown): void {
    const node = this.#nodes[name]
    const boot = node.boot
    const turn = () => {
      if (node.boot !== boot) return
      if (node.suspended) {
        node.waiting.push(turn)
        return
      }
      if (run() !== false) this.#plan(ms, turn)
    }
    this.#plan(0, turn)
  }

  #deliver(name: NodeName, run: () => void): void {
    const node = this.#nodes[name]
    if (node.suspended) node.waiting.push(run)
    else run()
  }

  #beatUnit(name: NodeName, unit: UnitName): boolean {
    const node = this.#nodes[name]
    const state = node.units[unit]
    if (!state.up) return false
    if (state.hung) return true
    state.counter += 1
    const now = this.#clock(name)
    const { counter } = state
    const { sessions, inStep, ready } = node
    if (unit === 'media') node.runner?.happen({ kind: 'media-alive', now, counter })
    else {
      const role = node.runner?.state.role ?? 'starting'
      const alive = { counter, sessions, syncPending: 0, inStep, ready, role }
      node.runner?.happen({ kind: 'switch-alive', now, ...alive })
    }
    return true
  }

  #carry(from: NodeName, link: number, value: Heartbeat): void {
    const to = from === 'A' ? 'B' : 'A'
    if (this.#recordFrom === from) {
      this.#recorded = { to, link, value }
      this.#recordFrom = null
    }
    if (this.#cuts.has(`${this.#linkNames[link]} ${from}`)) return
    const boot = this.#nodes[to].boot
    const carried = this.#wire(from, value)
    if (carried === null) return
    this.#plan(this.#delaysMs[link] ?? linkDelayMs, () => {
      if (this.#nodes[to].boot !== boot) return
      this.#deliver(to, () => this.#nodes[to].runner?.received(link, carried))
    })
  }

  #toSwitch(name: NodeName, message: BusMessage): void {
    const node = this.#nodes[name]
    if (message.kind === 'operation-result') this.#note(name, 'result', { ...message })
    const word = mergeWord(message)
    // It says at once what it acts as.
    if (message.kind === 'role') this.#plan(1, () => this.#beatUnit(name, 'switch'))
    if (word !== null) this.mergeWords.push({ atMs: this.now, name, word })
    if (message.kind !== 'flush' || !node.flushes || !node.units.switch.up) return
    const { ref } = message
    this.#plan(5, () => {
      const event = { kind: 'flushed', now: this.#clock(name), ref, ok: true, detail: '' } as const
      node.runner?.happen(event)
    })
  }

  #note(name: NodeName, text: string, fields: Readonly<Record<string, unknown>>): void {
    const line = describe(text, fields)
    if (line !== null) this.log.push(`${this.now} ${name} ${line}`)
  }
}

function newNode(): Node {
  const unit = () => ({ up: false, hung: false, counter: 0 })
  return {
    runner: null,
    boot: 0,
    suspended: false,
    waiting: [],
    kept: nothingKept,
    units: { switch: unit(), media: unit() },
    sessions: 0,
    inStep: true,
    flushes: true,
    ready: true,
    loseDisk: false,
  }
}

function describe(text: string, fields: Readonly<Record<string, unknown>>): string | null {
  switch (text) {
    case 'role': {
      const alone = fields.alone === true ? ' alone' : ''
      return `is ${fields.role}${alone}, term ${fields.term}`
    }
    case 'alarm':
      return `alarm ${fields.code} ${fields.subject} ${fields.active ? 'on' : 'off'}`
    case 'decision': {
      const way = fields.from === fields.to ? `stays ${fields.to}` : `to ${fields.to}`
      return `rule ${fields.rule}, ${way}: ${fields.because}`
    }
    case 'result':
      return `result ${fields.ok ? 'done' : 'failed'}: ${fields.detail}`
    default:
      return text
  }
}

function mergeWord(message: BusMessage): string | null {
  if (message.kind === 'role' && message.merge !== undefined) return message.merge
  if (message.kind !== 'clock' || message.shiftTicks === undefined) return null
  return `shift ${message.shiftTicks}`
}
