//! One simulated node: three processes, their bus, their supervisor, and what they share.
import { limits } from '../../src/limits.ts'
import type { NodeConfig } from '../../src/oam/node-config.ts'
import type { PairKeys } from '../../src/oam/node-config-load.ts'
import type { Clock } from '../../src/platform/clock.ts'
import { restartPauseMs } from '../../src/supervisor/units.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import type { Heartbeat } from '../../src/wire/heartbeat-types.ts'
import type { Endpoint } from '../../src/wire/sip/message.ts'
import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import { BusLine } from './bus-line.ts'
import { NodeDisk } from './disk.ts'
import type { Host, NodeName, UnitKind } from './host.ts'
import { MediaProcess } from './media-process.ts'
import { PairProcess } from './pair-process.ts'
import { Process } from './process.ts'
import { SwitchProcess } from './switch-process.ts'

const unitKinds: readonly UnitKind[] = ['pair', 'switch', 'media']
/** A connection that cannot be made is tried again. */
const retryMs = 50
/** A process needs so long from its start to its first line of work. */
const bootMs = 60
const mediaBootMs = 150
/** A unit that ran this long begins with the shortest pause again; `supervisor/units.ts`. */
const settledMs = 10_000
/** The supervisor looks so often whether a unit hangs. */
const pulseLookMs = 500
/** Wall clock of the virtual time zero. */
const epochMs = Date.UTC(2026, 0, 1)

/** What a node gives to the networks around it. */
export interface NodeOutlets {
  heartbeat(from: SimNode, link: number, heartbeat: Heartbeat): void
  sync(from: SimNode, link: number, bytes: Uint8Array): void
  sip(from: SimNode, bytes: Uint8Array, address: string): void
  note(from: SimNode, unit: string, text: string, fields: Readonly<Record<string, unknown>>): void
  /** A process threw: a defect of the code. */
  defect(from: SimNode, unit: string, error: unknown): void
  /** Whether it sends voice, or its role, may have changed. */
  changed(from: SimNode): void
  /** A switch process and its tables are about to go. */
  losing(from: SimNode): void
}

interface NodeOptions {
  readonly name: NodeName
  readonly config: NodeConfig
  readonly keys: PairKeys
  readonly accounts: readonly PhoneBookEntry[]
  readonly timeline: Timeline
  readonly random: Random
  /** Its monotonic clock at the virtual time zero, and how fast it goes. */
  readonly clockAheadMs: number
  readonly clockPpm: number
  readonly wallAheadMs: number
}

export class SimNode implements Host {
  readonly name: NodeName
  readonly config: NodeConfig
  readonly keys: PairKeys
  readonly timeline: Timeline
  readonly random: Random
  readonly disk = new NodeDisk()
  readonly clock: Clock
  readonly pair: PairProcess
  readonly switch: SwitchProcess
  readonly media: MediaProcess
  readonly #options: NodeOptions
  readonly #out: NodeOutlets
  readonly #lines = new Map<string, BusLine>()
  readonly #quickDeaths: Record<UnitKind, number> = { pair: 0, switch: 0, media: 0 }
  readonly #startedAtMs: Record<UnitKind, number> = { pair: 0, switch: 0, media: 0 }
  #up = false
  #life = 0

  constructor(options: NodeOptions, outlets: NodeOutlets) {
    const { name, config, keys, timeline, random, accounts } = options
    this.#options = options
    this.#out = outlets
    this.name = name
    this.config = config
    this.keys = keys
    this.timeline = timeline
    this.random = random
    this.clock = {
      monotonicMs: () => this.#rate() * timeline.nowMs + options.clockAheadMs,
      wallMs: () => Math.floor(epochMs + timeline.nowMs + options.wallAheadMs),
    }
    const process = (unit: UnitKind) =>
      new Process(`${name} ${unit}`, timeline, (_process, error) => {
        outlets.defect(this, unit, error)
        this.killUnit(unit)
      })
    this.pair = new PairProcess(this, process('pair'))
    this.switch = new SwitchProcess(this, process('switch'), accounts)
    this.media = new MediaProcess(this, process('media'), () => outlets.changed(this))
    this.switch.onRole = () => outlets.changed(this)
  }

  /** Its supervisor runs. */
  get up(): boolean {
    return this.#up
  }

  /** Every process lives and runs, and the switch listens. */
  get active(): boolean {
    return this.switch.listening && unitKinds.every((unit) => this.#process(unit).active)
  }

  /** When the unit was started last, in virtual time. */
  startedAtMs(unit: UnitKind): number {
    return this.#startedAtMs[unit]
  }

  boot(): void {
    this.#up = true
    this.#life++
    for (const unit of unitKinds) this.#quickDeaths[unit] = 0
    for (const unit of unitKinds) this.#start(unit)
  }

  /** SIGKILL of all its processes; the run directory stays. */
  kill(): void {
    this.#up = false
    this.#life++
    if (this.switch.process.alive) this.#out.losing(this)
    for (const unit of unitKinds) this.#end(unit)
    this.#out.changed(this)
  }

  /** The power fails: what is in memory is gone, the journal, too. */
  loseMemory(): void {
    this.disk.journal.remove()
    this.disk.pairClock = null
  }

  /** Its supervisor is told to stop. */
  stop(ended: () => void): void {
    if (!this.pair.process.alive) {
      this.kill()
      ended()
      return
    }
    this.pair.process.turn(() =>
      this.pair.stop(() => {
        this.kill()
        ended()
      }),
    )
  }

  killUnit(unit: UnitKind): void {
    if (!this.#process(unit).alive) return
    if (unit === 'switch') this.#out.losing(this)
    this.#end(unit)
    this.#out.changed(this)
    if (!this.#up) return
    if (this.timeline.nowMs - this.#startedAtMs[unit] >= settledMs) this.#quickDeaths[unit] = 0
    const pauseMs = restartPauseMs(this.#quickDeaths[unit]++)
    this.#inThisLife(pauseMs, () => this.#start(unit))
  }

  freeze(units: readonly UnitKind[], forMs: number): void {
    for (const unit of units) this.#process(unit).freeze(forMs)
    // The supervisor ends a unit that hangs, unless it stands still itself.
    if (units.length < unitKinds.length) for (const unit of units) this.#watchPulse(unit)
    this.#out.changed(this)
    this.#inThisLife(forMs + 0.01, () => this.#out.changed(this))
  }

  #watchPulse(unit: UnitKind): void {
    const process = this.#process(unit)
    const { boot } = process
    this.#inThisLife(limits.unitHangMsMax + this.random.between(0, pulseLookMs), () => {
      if (process.boot !== boot || process.stillMs < limits.unitHangMsMax) return
      this.note(unit, 'unit hangs and is ended')
      this.killUnit(unit)
    })
  }

  virtualMs(monotonicMs: number): number {
    return (monotonicMs - this.#options.clockAheadMs) / this.#rate()
  }

  note(unit: UnitKind, text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#out.note(this, unit, text, fields)
  }

  sendHeartbeat(link: number, heartbeat: Heartbeat): void {
    this.#out.heartbeat(this, link, heartbeat)
  }

  sendSync(bytes: Uint8Array, link: number): void {
    if (this.switch.listening) this.#out.sync(this, link, bytes)
  }

  sendSip(bytes: Uint8Array, address: string): void {
    this.#out.sip(this, bytes, address)
  }

  receiveSip(atMs: number, bytes: Uint8Array, from: Endpoint): void {
    if (!this.switch.listening) return
    this.switch.process.deliver(atMs, () => this.switch.receiveSip(bytes, from))
  }

  #rate(): number {
    return 1 + this.#options.clockPpm / 1e6
  }

  #process(unit: UnitKind): Process {
    return this[unit].process
  }

  #start(unit: UnitKind): void {
    const process = this.#process(unit)
    if (process.alive) return
    process.start()
    this.#startedAtMs[unit] = this.timeline.nowMs
    this.note(unit, 'started')
    if (unit === 'pair') {
      process.timer(this.timeline.nowMs + bootMs, () => this.pair.start())
    } else if (unit === 'switch') {
      this.switch.start(() => this.#connect('switch', 'pair'))
    } else {
      process.timer(this.timeline.nowMs + mediaBootMs, () => {
        this.media.start()
        this.#connect('media', 'pair')
        this.#connect('media', 'switch')
      })
    }
  }

  #end(unit: UnitKind): void {
    const process = this.#process(unit)
    if (!process.alive) return
    process.kill()
    this[unit].forget()
    this.note(unit, 'killed')
    for (const [name, line] of [...this.#lines]) {
      if (!name.split(' ').includes(unit)) continue
      this.#lines.delete(name)
      line.close('the other end died')
    }
  }

  /** Connects one process to another and again whenever the connection has ended. */
  #connect(from: 'switch' | 'media', to: 'pair' | 'switch'): void {
    const client = this.#process(from)
    const server = this.#process(to)
    const { boot } = client
    const again = () => client.timer(this.timeline.nowMs + retryMs, attempt)
    const attempt = () => {
      if (client.boot !== boot) return
      const listens = to === 'pair' ? this.pair.state !== null : this.switch.listening
      if (!listens) {
        again()
        return
      }
      const line = new BusLine(this.timeline, this.random, [client, server])
      this.#lines.set(`${from} ${to}`, line)
      const [clientEnd, serverEnd] = line.ends
      if (to === 'pair') this.pair.accept(serverEnd)
      else this.switch.acceptMedia(serverEnd)
      this.#open(from, to, clientEnd)
      line.whenClosed(again)
    }
    attempt()
  }

  #open(from: 'switch' | 'media', to: 'pair' | 'switch', end: BusLine['ends'][0]): void {
    if (from === 'switch') this.switch.connectPair(end)
    else if (to === 'pair') this.media.connectPair(end)
    else this.media.connectSwitch(end)
    if (from === 'media') {
      end.send({ kind: 'hello', unit: 'media', pid: this.media.process.boot, version: 1 })
    }
  }

  #inThisLife(inMs: number, run: () => void): void {
    const life = this.#life
    this.timeline.after(inMs, () => {
      if (this.#life === life) run()
    })
  }
}
