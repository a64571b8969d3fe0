//! The switch process of a simulated node: the real engine, with virtual sockets, files and clock. The
//! database is a list of accounts that is read after a moment, and the call records.
import type { Role } from '../../src/bus/messages.ts'
import { busVersion } from '../../src/bus/messages.ts'
import { CallLedger } from '../../src/compose/call-ledger.ts'
import type { CallKeeper, SiteData } from '../../src/compose/engine-parts.ts'
import type { LogHub } from '../../src/compose/log-hub.ts'
import { SwitchEngine } from '../../src/compose/switch-engine.ts'
import { LogTail } from '../../src/oam/log-tail.ts'
import type { BusPeer } from '../../src/platform/stream.ts'
import type { PhoneBookEntry } from '../../src/tables/phone-book.ts'
import type { Endpoint } from '../../src/wire/sip/message.ts'
import type { Planned } from '../world/timeline.ts'
import type { Host } from './host.ts'
import type { Process } from './process.ts'

/** Milliseconds until the process listens, and until a question to the database is answered. */
const startMsMin = 80
const startMsMax = 250
const readMsMin = 2
const readMsMax = 40
/** Longest sleep of its loop; half of that in `compose/switch-unit.ts`, which has more to look at. */
const idleMs = 100

export class SwitchProcess {
  readonly process: Process
  readonly #host: Host
  readonly #accounts: readonly PhoneBookEntry[]
  #engine: SwitchEngine | null = null
  #armed: Planned | null = null
  #listening = false
  #toldRole: Role = 'starting'
  /** Told when the role that the engine has may be another. */
  onRole: () => void = () => undefined

  constructor(host: Host, process: Process, accounts: readonly PhoneBookEntry[]) {
    this.#host = host
    this.process = process
    this.#accounts = accounts
  }

  get engine(): SwitchEngine | null {
    return this.#engine
  }

  /** It has opened its sockets. */
  get listening(): boolean {
    return this.#listening
  }

  /** The process died: what it knew is gone. */
  forget(): void {
    this.#engine = null
    this.#listening = false
    this.#armed = null
  }

  start(listens: () => void): void {
    const { config, keys, clock, disk, random } = this.#host
    const engine = new SwitchEngine({
      config,
      keys,
      log: this.#log(),
      clock,
      journalFile: disk.journal,
      random: (length) => random.bytes(length),
      sendSync: (bytes, link) => this.#host.sendSync(bytes, link),
      answerPeer: () => Promise.reject(new Error('nobody asks in the simulator')),
      settled: () => this.#schedule(),
    })
    engine.attach(this.#siteData(engine), this.#callKeeper(engine))
    this.#engine = engine
    this.#later(random.between(startMsMin, startMsMax), () => {
      this.#listening = true
      engine.runner.attach({
        send: (bytes, _port, address) => this.#host.sendSip(bytes, address),
      })
      listens()
      engine.begin()
      this.#schedule()
    })
  }

  connectPair(peer: BusPeer): void {
    const engine = this.#engine
    if (engine === null) return
    const state = { open: true }
    engine.pair.attach({
      send: (message) => peer.send(message),
      get connected() {
        return state.open
      },
      close: () => peer.close(),
    })
    peer.onMessage((message) => engine.pair.take(message))
    peer.onClose((reason) => {
      state.open = false
      engine.pair.lost(reason)
    })
    peer.send({ kind: 'hello', unit: 'switch', pid: this.process.boot, version: busVersion })
  }

  acceptMedia(peer: BusPeer): void {
    this.#engine?.media.accept(peer)
  }

  receiveSip(bytes: Uint8Array, from: Endpoint): void {
    if (this.#listening) this.#engine?.runner.receive(bytes, from)
  }

  receiveSync(bytes: Uint8Array, link: number): void {
    if (this.#listening) this.#engine?.sync.received(bytes, link)
  }

  get role(): Role {
    return this.engine?.role ?? 'starting'
  }

  #turn(): void {
    this.#engine?.advance()
    this.#schedule()
  }

  /** One timer, brought forward and never put off: `compose/wake-up.ts`. */
  #schedule(): void {
    const engine = this.#engine
    if (engine === null || !this.#listening) return
    if (engine.role !== this.#toldRole) {
      this.#toldRole = engine.role
      this.onRole()
    }
    const { clock, timeline } = this.#host
    const nowMs = clock.monotonicMs()
    const dueMs = Math.max(nowMs, Math.min(engine.nextTimerMs(), nowMs + idleMs))
    // The timers of the real loop have whole milliseconds.
    const atMs = timeline.nowMs + Math.ceil(dueMs - nowMs)
    if (this.#armed !== null && this.#armed.atMs <= atMs) return
    if (this.#armed !== null) timeline.cancel(this.#armed)
    this.#armed = this.process.timer(atMs, () => {
      this.#armed = null
      this.#turn()
    })
  }

  #later(inMs: number, run: () => void): void {
    this.process.timer(this.#host.timeline.nowMs + inMs, run)
  }

  #log(): LogHub {
    const write = (text: string, fields?: Readonly<Record<string, unknown>>) =>
      this.#host.note('switch', text, fields)
    const hub: LogHub = {
      tail: new LogTail(1),
      debug: () => undefined,
      info: write,
      warn: write,
      error: write,
      child: () => hub,
      flush: () => undefined,
      fromUnit: () => undefined,
    }
    return hub
  }

  #siteData(engine: SwitchEngine): SiteData {
    const { random } = this.#host
    let role: Role = 'starting'
    return {
      setPair: (next) => {
        const isNew = next !== role
        role = next
        if (!isNew || role !== 'primary') return
        this.#later(random.between(readMsMin, readMsMax), () => {
          if (role === 'primary') this.#loadAccounts(engine)
        })
      },
      rows: () => undefined,
      advance: () => undefined,
    }
  }

  /** `compose/call-records.ts`, but for the exchange, which `run.ts` makes when all is healed. */
  #callKeeper(engine: SwitchEngine): CallKeeper {
    const { random, disk, clock } = this.#host
    const later = (work: () => void) => this.#later(random.between(readMsMin, readMsMax), work)
    const ledger = new CallLedger({
      storage: {
        store: (batch, done) => later(() => done(disk.storeCalls(batch))),
        settle: (isLive, done) => later(() => done(disk.settleCalls(isLive))),
      },
      isKnown: (sessionId) => engine.tables.table('wired-conference').has(sessionId),
      kept: () => undefined,
      interrupted: (count) => this.#host.note('switch', 'sessions were lost', { count }),
    })
    return {
      sessionChanged: (sessionId, session) => ledger.sessionChanged(sessionId, session),
      advance: (nowMs, role, inStep) => {
        ledger.follow(role, inStep, nowMs)
        ledger.advance(nowMs, clock.wallMs())
      },
    }
  }

  #loadAccounts(engine: SwitchEngine): void {
    engine.runner.run(() => {
      const book = engine.tables.table('phone-book')
      for (const entry of this.#accounts) book.put(entry)
      return []
    })
  }
}
