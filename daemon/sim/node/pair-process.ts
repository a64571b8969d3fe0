//! The pair process of a simulated node: the real runner, as `daemon/src/pair.ts` composes it.
import type { BusMessage } from '../../src/bus/messages.ts'
import { nothingKept, readKept } from '../../src/pair/kept-state.ts'
import type { PairClock } from '../../src/pair/pair-clock.ts'
import { nextPeriod } from '../../src/pair/period.ts'
import { nextCheckAt, PairRunner } from '../../src/pair/runner.ts'
import type { PairState, UnitName } from '../../src/pair/state.ts'
import type { BusPeer } from '../../src/platform/stream.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import type { Host } from './host.ts'
import type { Process } from './process.ts'

/** As in `daemon/src/pair.ts`. */
const stopMsMax = 3_000
const clockWriteMs = 1_000
const clockAgeMsMax = 10_000

export class PairProcess {
  readonly process: Process
  readonly #host: Host
  readonly #units = new Map<UnitName, BusPeer>()
  #runner: PairRunner | null = null
  #dueAt = 0
  #stopping = false

  constructor(host: Host, process: Process) {
    this.#host = host
    this.process = process
  }

  get state(): PairState | null {
    return this.#runner?.state ?? null
  }

  /** The process died: what it knew is gone. */
  forget(): void {
    this.#runner = null
    this.#units.clear()
  }

  start(): void {
    const { config, random, disk, clock } = this.#host
    const kept = disk.keptTerm === null ? null : readKept(disk.keptTerm)
    const bootId = Buffer.from(random.bytes(8)).toString('hex')
    const { node, links } = config
    const { heartbeatMs, missesMax, tieBreak } = config.pair
    const options = { node, links, heartbeatMs, missesMax, tieBreak }
    this.#units.clear()
    this.#stopping = false
    const before = this.#keptClock()
    const known = { kept: kept ?? nothingKept, clock: before }
    const identity = { options, bootId, realtime: true, ...known }
    this.#runner = new PairRunner(identity, {
      now: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      sendLink: (link, heartbeat) => this.#host.sendHeartbeat(link, heartbeat),
      toSwitch: (message) => this.#units.get('switch')?.send(message),
      toMedia: (message) => this.#units.get('media')?.send(message),
      toSupervisor: () => undefined,
      persist: (text) => this.#persist(text),
      log: (_level, text, fields) => this.#host.note('pair', text, fields),
    })
    this.#dueAt = clock.monotonicMs()
    this.#beat()
  }

  heard(link: number, heartbeat: Heartbeat): void {
    this.#runner?.heard(link, heartbeat)
  }

  /** A unit of this node connects. */
  accept(peer: BusPeer): void {
    let unit: UnitName | null = null
    peer.onMessage((message) => {
      if (message.kind === 'hello') {
        if (message.unit === 'supervisor' || message.unit === 'pair') return
        unit = message.unit
        this.#welcome(unit, peer)
      } else if (unit !== null) this.#obey(unit, message)
    })
    peer.onClose((detail) => {
      if (unit === null || this.#units.get(unit) !== peer) return
      this.#units.delete(unit)
      const now = this.#host.clock.monotonicMs()
      if (!this.#stopping) this.#runner?.happen({ kind: 'unit-down', now, unit, detail })
    })
  }

  switchover(force: boolean): void {
    const now = this.#host.clock.monotonicMs()
    this.#runner?.happen({ kind: 'switchover', now, ref: 0, force, reason: 'the simulator' })
  }

  /** SIGTERM: hands over if it can, then says goodbye; `ended` when the process would exit. */
  stop(ended: () => void): void {
    const runner = this.#runner
    if (runner === null || this.#stopping) return
    this.#stopping = true
    const { clock } = this.#host
    const begunAt = clock.monotonicMs()
    if (runner.state.role === 'primary') {
      const reason = 'this node stops'
      runner.happen({ kind: 'switchover', now: begunAt, ref: 0, force: false, reason })
    }
    const end = () => {
      if (runner.state.operation !== null && clock.monotonicMs() - begunAt < stopMsMax) {
        this.#later(5, end)
        return
      }
      runner.happen({ kind: 'stop', now: clock.monotonicMs() })
      this.#later(20, ended)
    }
    end()
  }

  #welcome(unit: UnitName, peer: BusPeer): void {
    const runner = this.#runner
    if (runner === null) return
    this.#units.get(unit)?.close('replaced by a new connection')
    this.#units.set(unit, peer)
    for (const one of runner.introduction()) peer.send(one)
    if (unit === 'switch') runner.tellStatus()
  }

  #obey(unit: UnitName, message: BusMessage): void {
    const now = this.#host.clock.monotonicMs()
    if (unit === 'media' && message.kind === 'media-alive') {
      this.#runner?.happen({ kind: 'media-alive', now, counter: message.counter })
    }
    if (unit !== 'switch') return
    if (message.kind === 'switch-alive' || message.kind === 'flushed') {
      this.#runner?.happen({ ...message, now })
    } else if (message.kind === 'switchover' || message.kind === 'peer-pair-died') {
      this.#runner?.happen({ ...message, now })
    }
  }

  #persist(text: string): void {
    const { disk } = this.#host
    if (!disk.keepTerm(text)) this.#host.note('pair', 'the term cannot be kept')
    // The write is synchronous: a slow disk holds the process up.
    if (disk.slowMs > 0) this.process.freeze(disk.slowMs)
  }

  #beat(): void {
    const runner = this.#runner
    if (runner === null) return
    const { clock, config } = this.#host
    const now = clock.monotonicMs()
    this.#keepClock(runner.clock, now)
    if (now >= this.#dueAt) {
      runner.happen({ kind: 'period', now })
      this.#dueAt = nextPeriod(this.#dueAt, now, config.pair.heartbeatMs)
    } else runner.happen({ kind: 'check', now })
    const checkAt = nextCheckAt(runner.state) ?? this.#dueAt
    const next = checkAt > now ? Math.min(this.#dueAt, checkAt) : this.#dueAt
    const inMs = Math.max(1, Math.ceil(next - clock.monotonicMs()))
    const atMs = this.#host.virtualMs(clock.monotonicMs() + inMs)
    this.process.listeningTimer(atMs, () => this.#beat())
  }

  /** `compose/kept-clock.ts`. */
  #keptClock(): PairClock | null {
    const { disk, clock } = this.#host
    const now = clock.monotonicMs()
    if (disk.pairClock === null || now - disk.pairClock.atMs > clockAgeMsMax) return null
    const { offsetMs } = disk.pairClock
    return { offsetMs, synchronised: true, skewMs: null, samples: [], movedAt: now }
  }

  #keepClock({ synchronised, offsetMs }: PairClock, atMs: number): void {
    const { disk } = this.#host
    const keptAtMs = disk.pairClock?.atMs ?? Number.NEGATIVE_INFINITY
    if (!synchronised || disk.failing || atMs - keptAtMs < clockWriteMs) return
    disk.pairClock = { atMs, offsetMs }
  }

  #later(inMs: number, run: () => void): void {
    const { clock } = this.#host
    this.process.timer(this.#host.virtualMs(clock.monotonicMs() + inMs), run)
  }
}
