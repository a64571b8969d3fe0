//! The switch unit as a whole: core switching, tables, replication, database, O&M and control socket.
//! Knows every room it starts; holds no rule of its own.
import { randomBytes } from 'node:crypto'
import type { BusMessageOf, Role } from '../bus/messages.ts'
import type { Verb } from '../control/api.ts'
import { type ControlServer, startControlServer } from '../control/server.ts'
import { type Answering, answerVerb } from '../control/session.ts'
import { limits } from '../limits.ts'
import { busAddress, type NodeConfig } from '../oam/node-config.ts'
import type { PairKeys } from '../oam/node-config-load.ts'
import type { Received, UnitState } from '../oam/status.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import { type BusServer, listenBus } from '../platform/stream.ts'
import { openDatagram } from '../platform/udp.ts'
import { Replicator, type ReplicatorOutput } from '../replication/replicator.ts'
import { type Result, success } from '../result.ts'
import type { Core } from '../switching/core.ts'
import { callRecordOf } from '../switching/wired/call.ts'
import type { RecordChange } from '../tables/address.ts'
import { type AnyRecord, Tables } from '../tables/tables.ts'
import type { Conference } from '../tables/wired-conference.ts'
import type { WiredMedia } from '../tables/wired-media.ts'
import { Alarms, mediaAlarms, replicationAlarms } from './alarms.ts'
import { Configuration } from './configuration.ts'
import { CoreRunner, mediaOrders } from './core-runner.ts'
import { makeHandlers } from './handlers.ts'
import { JournalKeeper } from './journal-keeper.ts'
import type { LogHub } from './log-hub.ts'
import { makeCore } from './make-core.ts'
import { MediaLink } from './media-link.ts'
import { PairLink } from './pair-link.ts'
import { parseAnswer, parseQuestion } from './peer-questions.ts'
import { SyncLink } from './sync-link.ts'
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
  readonly #tables = new Tables()
  readonly #alarms: Alarms
  readonly #replicator: Replicator
  readonly #core: Core
  readonly #runner: CoreRunner
  readonly #media: MediaLink
  readonly #sync: SyncLink
  readonly #configuration: Configuration
  readonly #journal: JournalKeeper
  #pair: PairLink | null = null
  #peerAlive = false
  #roleKnown = false
  #caughtUp = false
  #followed = false
  #control: ControlServer | null = null
  #bus: BusServer | null = null
  readonly #wakeUp = new WakeUp(idleMs, () => this.#loop())
  #statistics: Received<BusMessageOf<'media-statistics'>> | null = null
  #role: Role = 'starting'
  #counter = 0
  #aliveAtMs = 0
  #ready = false
  #flush: { ref: number; deadlineMs: number } | null = null
  readonly #startedWallMs = wallMs()
  #watchedAtMs = 0

  constructor(options: SwitchOptions) {
    const { config, keys, log } = options
    this.#options = options
    this.#alarms = new Alarms(log)
    this.#replicator = new Replicator({
      tables: this.#tables,
      key: keys.sync,
      bootId: randomBytes(8).toString('hex'),
    })
    this.#media = new MediaLink({
      legs: () => this.#legs(),
      inputMapped: ({ mediaId, map }) => {
        this.#runner.run(() => {
          this.#core.inputMapped(mediaId, map)
          return []
        })
      },
      conferenceEnded: (id) => this.#runner.run(() => this.#core.conferenceEnded(id)),
      statistics: (message) => this.#takeStatistics(message),
      changed: (connected) => this.#mediaChanged(connected),
      log: (line) => log.fromUnit('media', line),
      refused: (detail) => log.warn('the media unit refused an order', { detail }),
    })
    this.#core = makeCore(config, keys, this.#tables)
    this.#sync = this.#makeSync()
    this.#runner = new CoreRunner({
      core: this.#core,
      tables: this.#tables,
      replicator: this.#replicator,
      media: this.#media,
      alarms: this.#alarms,
      log,
      tick: (nowMs) => this.#pair?.tick(nowMs) ?? 0,
      settle: () => this.#sync.settle(),
      journal: (changes) => this.#journal.append(changes),
    })
    this.#journal = new JournalKeeper(config, this.#tables, (change) =>
      this.#replicator.frameOf(change),
    )
    this.#configuration = new Configuration({
      config,
      tables: this.#tables,
      alarms: this.#alarms,
      log,
      sendRows: (rows) => this.#sync.perform(this.#replicator.sendRows(rows)),
      change: (apply) => {
        this.#runner.run(() => {
          apply()
          return []
        })
      },
    })
    this.#tables.onChange((change, _previous, next) => this.#noteEndedCall(change, next))
  }

  /** Steps of S1.154, each logged. */
  async start(): Promise<Result<null>> {
    const { config, log } = this.#options
    log.info('start-up: memory blocks', { tables: Object.keys(this.#tables.counts()).length })
    await this.#configuration.open()
    const problems = await this.#sync.open()
    for (const detail of problems) log.warn('a sync link cannot be opened', { detail })
    const bus = await listenBus({ address: busAddress(config, 'switch') }, (peer) =>
      this.#media.accept(peer),
    )
    if (!bus.ok) return bus
    this.#bus = bus.value
    const sip = await openDatagram({
      address: config.service.address,
      port: config.service.sipPort,
      kind: 'sip',
      onDatagram: (bytes, from) => this.#runner.receive(bytes, from),
      onError: (text) => log.debug('SIP socket', { error: text }),
    })
    if (!sip.ok) return sip
    this.#runner.attach(sip.value)
    this.#connectPair()
    const control = await startControlServer({ ...this.#answering(), path: config.controlSocket })
    if (!control.ok) return control
    this.#control = control.value
    this.#ready = true
    this.#loop()
    const devices = this.#tables.counts()['phone-book']
    log.info('start-up: boot report', { node: config.node, devices, role: this.#role })
    return success(null)
  }

  async stop(): Promise<void> {
    this.#wakeUp.end()
    await this.#control?.close()
    await this.#bus?.close()
    this.#pair?.close()
    await this.#sync.close()
    await this.#configuration.close()
  }

  #connectPair(): void {
    const { config, log } = this.#options
    this.#pair = new PairLink(busAddress(config, 'pair'), {
      role: (message) => this.#setRole(message),
      status: (message) => this.#takePairStatus(message),
      flush: (ref) => {
        this.#runner.hold(true)
        this.#flush = { ref, deadlineMs: monotonicMs() + limits.flushMsMax }
        this.#checkFlush()
      },
      operationEnded: () => this.#runner.hold(false),
      log: (line) => log.fromUnit('pair', line),
      lost: (reason) => this.#losePair(reason),
    })
  }

  #setRole(message: BusMessageOf<'role'>): void {
    const { role, term, because, alone } = message
    const { log, keys } = this.#options
    const first = !this.#roleKnown
    if (first || role !== this.#role) log.info('role', { role, term, because, alone })
    this.#roleKnown = true
    // The pair unit outlived the switch unit before this one and found nobody to hand over to: this one
    // goes on with its sessions. In every other case the peer knows better.
    if (first && role === 'primary') log.info('start-up: journal', this.#journal.load(keys.sync))
    if (role !== 'primary') this.#journal.discard()
    this.#become(role, term)
    if (first && role === 'primary') this.#media.refresh()
  }

  /** Without the pair unit nobody says when the peer serves; it will, when our heartbeats are missing.
   * Alone, this node goes on: nobody else can. */
  #losePair(reason: string): void {
    this.#options.log.warn('the pair unit is gone; waiting for it', { reason })
    if (this.#peerAlive && this.#role === 'primary') this.#become('starting', 0)
  }

  #become(role: Role, term: number): void {
    this.#role = role
    this.#flush = null
    this.#sync.perform(this.#replicator.setRole(role, term, monotonicMs()))
    this.#runner.setRole(role)
    this.#configuration.setPair(role, this.#peerAlive)
    this.#keepJournal()
    this.#settled()
  }

  #takePairStatus(message: BusMessageOf<'pair-status'>): void {
    this.#peerAlive = message.peer?.switchAlive ?? false
    this.#sync.perform(this.#replicator.setPeer(this.#peerAlive, monotonicMs()))
    this.#configuration.setPair(this.#role, this.#peerAlive)
    this.#alarms.reconcile('pair', message.alarms)
    this.#keepJournal()
    this.#settled()
  }

  /** While nobody else has the records, they are on a memory file system (DESIGN section 7). */
  #keepJournal(): void {
    this.#journal.keep(this.#role === 'primary' && !this.#followed)
  }

  /** Null while this node does not know its legs: it has no role yet, or has not caught up. The media
   * unit then leaves those it has untouched. */
  #legs(): WiredMedia[] | null {
    const known = this.#role === 'primary' || this.#caughtUp
    return this.#roleKnown && known ? [...this.#tables.table('wired-media').values()] : null
  }

  /** Both nodes keep the record of a call: it is not lost with the one that served it. */
  #noteEndedCall({ address }: RecordChange, next: AnyRecord | null): void {
    if (address.table !== 'wired-conference' || next === null) return
    const record = callRecordOf(next as Conference)
    if (record !== null) this.#configuration.callEnded(record)
  }

  #takeStatistics(message: BusMessageOf<'media-statistics'>): void {
    this.#statistics = { message, atMs: monotonicMs() }
    this.#alarms.reconcile('media', mediaAlarms(message))
  }

  #mediaChanged(connected: boolean): void {
    const { log } = this.#options
    if (connected) {
      log.info('the media unit is connected', { unitPid: this.#media.pid })
      return
    }
    this.#statistics = null
    log.warn('the media unit is gone; waiting for it')
  }

  #makeSync(): SyncLink {
    const { config, log } = this.#options
    return new SyncLink(config, this.#replicator, {
      rebuild: (output) => this.#rebuild(output),
      replicated: (token) => this.#runner.openGate(token),
      inStep: (inStep) => {
        log.info('sync', { inStep, role: this.#role })
        this.#followed = inStep
        if (inStep && !this.#caughtUp) {
          this.#caughtUp = true
          this.#media.refresh()
        }
        this.#keepJournal()
      },
      peerRequest: (body) => this.#answerPeer(body),
      rows: (output) => this.#configuration.rows(output),
      settled: () => this.#settled(),
      error: (text) => log.debug('sync socket', { error: text }),
    })
  }

  /** S1.110, S1.111: the record of the primary becomes a bridge and legs here; then its ACK leaves. */
  #rebuild({
    token,
    change,
    previous,
    next,
  }: Extract<ReplicatorOutput, { kind: 'rebuild' }>): void {
    this.#media.order(mediaOrders(change, previous, next), (ok) => {
      this.#sync.perform(this.#replicator.rebuilt(token, ok, monotonicMs()))
      this.#settled()
    })
  }

  async #answerPeer(body: string): Promise<string> {
    const request = parseQuestion(body)
    return JSON.stringify(await answerVerb(request, this.#answering()))
  }

  #answering(): Answering {
    const { config, log, version } = this.#options
    const askPeer = (verb: Verb, params: Record<string, unknown>) => this.#askPeer(verb, params)
    const pair = this.#pair
    if (pair === null) throw new Error('invariant broken: control before pair')
    return {
      handlers: makeHandlers({
        config,
        version,
        tables: this.#tables,
        core: this.#core,
        runner: this.#runner,
        replicator: this.#replicator,
        pair,
        alarms: this.#alarms,
        log,
        configuration: this.#configuration,
        askPeer,
        media: () => this.#statistics,
        units: () => this.#units(),
      }),
      askPeer,
      onDefect: (text) => log.error('a defect', { text }),
    }
  }

  async #askPeer(verb: string, params: Record<string, unknown>): Promise<Result<unknown>> {
    const answer = await this.#sync.ask(JSON.stringify({ verb, params }))
    return answer.ok ? parseAnswer(answer.value) : answer
  }

  #units(): UnitState[] {
    const { runDirectory } = this.#options.config
    const [media, pair] = [this.#media.connected, this.#pair?.connected ?? false]
    const startedWallMs = this.#startedWallMs
    return unitStates({ runDirectory, startedWallMs, mediaConnected: media, pairConnected: pair })
  }

  /** What is looked at once a second. */
  #watch(nowMs: number): void {
    if (nowMs - this.#watchedAtMs < watchMs) return
    this.#watchedAtMs = nowMs
    const { runDirectory } = this.#options.config
    this.#alarms.reconcile('units', restartAlarms(runDirectory, wallMs()))
    this.#alarms.reconcile('replication', replicationAlarms(this.#replicator.status(nowMs)))
  }

  /** The one loop of this process: it sleeps until something is due. */
  #loop(): void {
    const nowMs = monotonicMs()
    if (nowMs - this.#aliveAtMs >= limits.heartbeatMs) this.#proveLife(nowMs)
    this.#runner.advance()
    if (this.#replicator.nextTimerMs() <= nowMs) this.#sync.settle()
    this.#alarms.advance(nowMs)
    this.#watch(nowMs)
    this.#configuration.advance(nowMs)
    this.#journal.advance()
    this.#checkFlush()
    this.#schedule()
  }

  #schedule(): void {
    const dueMs = Math.min(
      this.#runner.nextTimerMs(),
      this.#replicator.nextTimerMs(),
      this.#journal.nextTimerMs(),
    )
    this.#wakeUp.at(dueMs)
  }

  /** After a turn that may have changed when something is due. */
  #settled(): void {
    this.#checkFlush()
    if (this.#ready) this.#schedule()
  }

  #proveLife(nowMs: number): void {
    this.#aliveAtMs = nowMs
    this.#pair?.send({
      kind: 'switch-alive',
      counter: ++this.#counter,
      sessions: this.#core.liveSessions,
      syncPending: this.#replicator.pending(),
      inStep: this.#replicator.inStep(nowMs),
      ready: this.#ready,
    })
  }

  #checkFlush(): void {
    const flush = this.#flush
    if (flush === null) return
    const pending = this.#replicator.pending()
    if (pending > 0 && monotonicMs() < flush.deadlineMs) return
    this.#flush = null
    const ok = pending === 0
    const detail = ok ? 'every record is with the peer' : `${pending} records are not confirmed`
    this.#pair?.send({ kind: 'flushed', ref: flush.ref, ok, detail })
    if (!ok) this.#runner.hold(false)
  }
}
