//! The switch unit as a whole: the engine with its sockets, the bus, the database and the control
//! socket. Knows every room it starts; holds no rule of its own.
import { busVersion } from '../bus/messages.ts'
import { verbs } from '../control/api.ts'
import { type ControlServer, startControlServer } from '../control/server.ts'
import { type Answering, answerVerb } from '../control/session.ts'
import { busAddress, type NodeConfig } from '../oam/node-config.ts'
import type { PairKeys } from '../oam/node-config-load.ts'
import type { UnitState } from '../oam/status.ts'
import { trunkAlarms } from '../oam/trunk-alarms.ts'
import { monotonicMs, systemClock, wallMs } from '../platform/clock.ts'
import { openJournalFile } from '../platform/journal-file.ts'
import { memoryExitCode } from '../platform/process.ts'
import { openPulse } from '../platform/pulse.ts'
import { openRandom } from '../platform/random.ts'
import { type BusServer, connectBus, listenBus } from '../platform/stream.ts'
import { openDatagram } from '../platform/udp.ts'
import { type Result, success } from '../result.ts'
import { BeaconSender } from './beacon-sender.ts'
import { CallRecords } from './call-records.ts'
import { Configuration } from './configuration.ts'
import { DiskWatch } from './disk-watch.ts'
import { DrillClock } from './drill-clock.ts'
import { DrillRunner } from './drill-runner.ts'
import { FrontDoor } from './front-door.ts'
import { makeHandlers } from './handlers.ts'
import type { LogHub } from './log-hub.ts'
import { Logbook } from './logbook.ts'
import { MemoryKeeper } from './memory-keeper.ts'
import { ownStatus, type StatusParts } from './node-status.ts'
import { parseAnswer, parseQuestion } from './peer-questions.ts'
import { SwitchEngine } from './switch-engine.ts'
import { SyncSockets } from './sync-sockets.ts'
import { restartAlarms, unitStates } from './unit-states.ts'
import { WakeUp } from './wake-up.ts'

interface SwitchOptions {
  readonly config: NodeConfig
  readonly keys: PairKeys
  readonly log: LogHub
  readonly version: string
}

/** Longest sleep of the loop: alarms and the proof of life are looked at this often. */
const idleMs = 50
const watchMs = 1_000

export class SwitchUnit {
  readonly #options: SwitchOptions
  readonly #engine: SwitchEngine
  readonly #configuration: Configuration
  readonly #calls: CallRecords
  readonly #logbook: Logbook
  readonly #beacon: BeaconSender
  readonly #drills: DrillRunner
  readonly #drillClock: DrillClock
  readonly #frontDoor: FrontDoor
  readonly #sockets: SyncSockets
  readonly #disks: DiskWatch
  readonly #memory: MemoryKeeper
  readonly #wakeUp = new WakeUp(idleMs, () => this.#loop())
  readonly #startedWallMs = wallMs()
  readonly #pulse = openPulse()
  #control: ControlServer | null = null
  #bus: BusServer | null = null
  #watchedAtMs = 0

  constructor(options: SwitchOptions) {
    const { config, keys, log } = options
    this.#options = options
    this.#engine = new SwitchEngine({
      config,
      keys,
      log,
      clock: systemClock,
      journalFile: openJournalFile(`${config.runDirectory}/journal`),
      random: openRandom(),
      sendSync: (bytes, link) => this.#sockets.send(bytes, link),
      answerPeer: (body) => this.#answerPeer(body),
      settled: () => this.#wakeUp.at(this.#engine.nextTimerMs()),
    })
    this.#configuration = makeConfiguration(options, this.#engine)
    this.#calls = this.#makeCalls()
    this.#engine.attach(this.#configuration, this.#calls)
    this.#disks = this.#makeDiskWatch()
    this.#memory = new MemoryKeeper({
      heapMiB: config.memory.switchMiB,
      alarms: this.#engine.alarms,
      log,
      peerCanServe: () => this.#peerCanServe(),
      giveUp: () => process.exit(memoryExitCode),
    })
    this.#logbook = new Logbook({
      config,
      log,
      tellPeer: async (operation) => (await this.#askPeer('op.copy', { operation })).ok,
    })
    this.#engine.watchedBy(this.#logbook)
    this.#drills = new DrillRunner({ ...this.#statusParts(), logbook: this.#logbook, log })
    this.#drillClock = new DrillClock({
      drills: this.#drills,
      logbook: this.#logbook,
      alarms: this.#engine.alarms,
      configHash: () => this.#configuration.state.hash,
      site: () => this.#configuration.site(),
    })
    this.#frontDoor = makeFrontDoor(options, this.#engine)
    this.#beacon = new BeaconSender({
      config,
      alarms: this.#engine.alarms,
      status: () => ownStatus(this.#statusParts(), null),
    })
    this.#sockets = new SyncSockets(config, {
      received: (bytes, link) => this.#engine.sync.received(bytes, link),
      error: (text) => log.debug('sync socket', { error: text }),
    })
  }

  /** Steps of S1.154, each logged. */
  async start(): Promise<Result<null>> {
    const { config, log } = this.#options
    const { tables, runner, media } = this.#engine
    log.info('start-up: memory blocks', { tables: Object.keys(tables.counts()).length })
    await this.#configuration.open()
    await this.#calls.open()
    const problems = await this.#sockets.open()
    for (const detail of problems) log.warn('a sync link cannot be opened', { detail })
    const bus = await listenBus({ address: busAddress(config, 'switch') }, (peer) =>
      media.accept(peer),
    )
    if (!bus.ok) return bus
    this.#bus = bus.value
    const sip = await openDatagram({
      address: config.service.address,
      port: config.service.sipPort,
      kind: 'sip',
      onDatagram: (bytes, from) => {
        this.#frontDoor.take(bytes, from, monotonicMs())
      },
      onError: (text) => log.debug('SIP socket', { error: text }),
    })
    if (!sip.ok) return sip
    runner.attach(sip.value)
    this.#frontDoor.attach(sip.value)
    this.#connectPair()
    const control = await startControlServer({ ...this.#answering(), path: config.controlSocket })
    if (!control.ok) return control
    this.#control = control.value
    this.#engine.begin()
    this.#loop()
    const devices = tables.counts()['phone-book']
    log.info('start-up: boot report', { node: config.node, devices, role: this.#engine.role })
    return success(null)
  }

  async stop(): Promise<void> {
    this.#wakeUp.end()
    await this.#control?.close()
    await this.#bus?.close()
    this.#engine.pair.close()
    await this.#sockets.close()
    await this.#calls.close()
    await this.#configuration.close()
    await this.#logbook.close()
    this.#beacon.close()
  }

  #connectPair(): void {
    const { pair } = this.#engine
    const client = connectBus({
      address: busAddress(this.#options.config, 'pair'),
      hello: { kind: 'hello', unit: 'switch', pid: process.pid, version: busVersion },
      onOpen: (peer) => peer.onMessage((message) => pair.take(message)),
      onClose: (reason) => pair.lost(reason),
    })
    pair.attach(client)
  }

  /** While this node starts, nobody can answer; the peer's question times out. */
  async #answerPeer(body: string): Promise<string> {
    if (!this.#engine.ready) throw new Error('this node starts')
    return JSON.stringify(await answerVerb(parseQuestion(body), this.#answering()))
  }

  #statusParts(): StatusParts {
    const { config, version } = this.#options
    const { tables, replicator, pair, alarms } = this.#engine
    return {
      config,
      version,
      tables,
      replicator,
      pair,
      alarms,
      configuration: this.#configuration,
      askPeer: (verb, params) => this.#askPeer(verb, params),
      media: () => this.#engine.statistics,
      units: () => this.#units(),
    }
  }

  #answering(): Answering {
    const { log } = this.#options
    const { core, runner } = this.#engine
    const parts = this.#statusParts()
    return {
      handlers: makeHandlers({
        ...parts,
        core,
        runner,
        log,
        calls: this.#calls,
        trace: this.#engine.trace,
        mediaLink: this.#engine.media,
        logbook: this.#logbook,
        drills: this.#drills,
        nextDrillMs: () => this.#drillClock.nextMs(wallMs()),
        reinit: () => this.#reinit(),
      }),
      askPeer: parts.askPeer,
      hearsPeer: () => this.#engine.pair.hearsPeer,
      onDefect: (text) => log.error('a defect', { text }),
    }
  }

  /** @returns false when this is no standby, or hears no primary. */
  #reinit(): boolean {
    const outputs = this.#engine.replicator.reinit(monotonicMs())
    if (outputs === null) return false
    this.#engine.sync.perform(outputs)
    this.#wakeUp.at(this.#engine.nextTimerMs())
    return true
  }

  async #askPeer(verb: string, params: Record<string, unknown>): Promise<Result<unknown>> {
    const answer = await this.#engine.sync.ask(JSON.stringify({ verb, params }))
    return answer.ok ? parseAnswer(answer.value) : answer
  }

  /** The peer serves, or would if this node did not. */
  #peerCanServe(): boolean {
    const peer = this.#engine.pair.status?.message.peer ?? null
    if (peer === null || this.#engine.role === 'starting' || peer.role === 'starting') return false
    return peer.role !== this.#engine.role && peer.switchAlive && peer.mediaAlive
  }

  #makeCalls(): CallRecords {
    const { config, log } = this.#options
    const { tables, alarms } = this.#engine
    return new CallRecords({
      config,
      alarms,
      log,
      clock: systemClock,
      database: () => this.#configuration.database,
      isKnown: (sessionId) => tables.table('wired-conference').has(sessionId),
      askPeer: (question) => this.#askPeer('cdr.compare', { question }),
    })
  }

  #makeDiskWatch(): DiskWatch {
    const { config, log } = this.#options
    const { alarms, pair } = this.#engine
    return new DiskWatch({
      config,
      alarms,
      log,
      databaseFile: () => (this.#configuration.isKept ? config.database : null),
      isPrimary: () => this.#engine.role === 'primary',
      peerReady: () => this.#peerCanServe(),
      peerAlarms: async () => {
        const answer = await this.#askPeer('alarms', {})
        const told = answer.ok ? verbs.alarms.result.safeParse(answer.value) : null
        return told?.success === true ? told.data.active.map(({ code }) => code) : null
      },
      handOver: async (reason) => {
        const outcome = await pair.switchover({ force: false, reason })
        return outcome.ok ? outcome.value.detail : outcome.failure.detail
      },
    })
  }

  #units(): UnitState[] {
    const { runDirectory } = this.#options.config
    const { media, pair } = this.#engine
    return unitStates({
      runDirectory,
      startedWallMs: this.#startedWallMs,
      mediaConnected: media.connected,
      pairConnected: pair.connected,
    })
  }

  /** What is looked at once a second. */
  #watch(nowMs: number): void {
    if (nowMs - this.#watchedAtMs < watchMs) return
    this.#watchedAtMs = nowMs
    const alarms = restartAlarms(this.#options.config.runDirectory, wallMs())
    this.#engine.alarms.reconcile('units', alarms)
    this.#frontDoor.watch(nowMs)
    const { core, role } = this.#engine
    const trunks = role === 'primary' ? core.trunkStates(wallMs()) : []
    this.#engine.alarms.reconcile('trunks', trunkAlarms(trunks))
    void this.#disks.advance(nowMs)
    void this.#drillClock.advance(this.#engine.role, wallMs())
    const isPeerHeard = this.#engine.pair.status?.message.peer != null
    this.#logbook.advance(nowMs, core.counters().late, isPeerHeard)
  }

  /** The one loop of this process: it sleeps until something is due. */
  #loop(): void {
    this.#pulse()
    this.#engine.advance()
    const nowMs = monotonicMs()
    // A node that may no longer be what it believes to be does not tell the site.
    if (this.#engine.roleIsSure) this.#beacon.advance(this.#engine.role, nowMs)
    this.#memory.advance(nowMs)
    this.#watch(nowMs)
    this.#wakeUp.at(this.#engine.nextTimerMs())
  }
}

function makeFrontDoor({ config }: SwitchOptions, engine: SwitchEngine): FrontDoor {
  const { tables, alarms, core, sync, runner } = engine
  return new FrontDoor({
    tables,
    alarms,
    counters: () => core.counters(),
    peers: () => core.trunkPeers(),
    receive: (bytes, from) => {
      // The peer hears it at once, before what it does here.
      if (config.service.reach === 'floating') sync.passOn(bytes, from)
      runner.receive(bytes, from)
    },
  })
}

function makeConfiguration({ config, log }: SwitchOptions, engine: SwitchEngine): Configuration {
  const { tables, alarms, sync, replicator, runner, core } = engine
  return new Configuration({
    config,
    tables,
    alarms,
    log,
    sendRows: (rows) => sync.perform(replicator.sendRows(rows)),
    change: (apply) => {
      runner.run(() => {
        apply()
        return []
      })
    },
    unconfirmed: () => tables.table('phone-book').pending,
    plan: (plan) => {
      runner.run(() => {
        core.setPlan(plan)
        return []
      })
    },
  })
}
