//! The switch process without I/O: core switching, tables, replication, journal, and the ends of the
//! bus. Sockets, files, database, time and randomness are ports, so that the simulator drives the same
//! code as the process does.
import type { BusMessageOf, Role } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { Received } from '../oam/status.ts'
import { Replicator, type ReplicatorOutput } from '../replication/replicator.ts'
import type { Core } from '../switching/core.ts'
import type { RecordChange } from '../tables/address.ts'
import { type AnyRecord, Tables } from '../tables/tables.ts'
import type { Conference } from '../tables/wired-conference.ts'
import type { WiredMedia } from '../tables/wired-media.ts'
import { Alarms, mediaAlarms } from './alarms.ts'
import { CallTrace } from './call-trace.ts'
import { CoreRunner, mediaOrders } from './core-runner.ts'
import type { CallKeeper, EngineParts, SiteData, Witness } from './engine-parts.ts'
import { JournalKeeper } from './journal-keeper.ts'
import { makeCore } from './make-core.ts'
import { MediaLink } from './media-link.ts'
import { type MergeReport, Merger } from './merge.ts'
import { heardPairDied, sayPairDied } from './pair-death.ts'
import { PairLink } from './pair-link.ts'
import { RoleDoubt } from './role-doubt.ts'
import { SyncLink } from './sync-link.ts'

const watchMs = 1_000

export class SwitchEngine {
  readonly tables = new Tables()
  readonly alarms: Alarms
  readonly replicator: Replicator
  readonly core: Core
  readonly runner: CoreRunner
  readonly media: MediaLink
  readonly pair: PairLink
  readonly sync: SyncLink
  readonly merger: Merger
  readonly trace = new CallTrace()
  readonly #parts: EngineParts
  readonly #journal: JournalKeeper
  readonly #doubt: RoleDoubt
  #site: SiteData | null = null
  #calls: CallKeeper | null = null
  #witness: Witness | null = null
  #peerAlive = false
  /** Pair would give the role to the peer: it can serve and says that it has every record. */
  #peerHeir = false
  #roleKnown = false
  #caughtUp = false
  #followed = false
  #statistics: Received<BusMessageOf<'media-statistics'>> | null = null
  #role: Role = 'starting'
  #counter = 0
  #aliveAtMs = Number.NEGATIVE_INFINITY
  #ready = false
  #flush: { ref: number; deadlineMs: number } | null = null
  #watchedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: EngineParts) {
    const { config, keys, log, clock, random, journalFile } = parts
    const { tables } = this
    this.#parts = parts
    this.#doubt = this.#makeDoubt()
    this.alarms = new Alarms(log, clock)
    const bootId = Buffer.from(random(8)).toString('hex')
    this.replicator = new Replicator({ tables, key: keys.sync, bootId })
    this.core = makeCore({ config, keys, tables, random })
    this.media = this.#makeMedia()
    this.sync = this.#makeSync()
    this.pair = this.#makePair()
    this.runner = new CoreRunner({
      core: this.core,
      tables,
      replicator: this.replicator,
      media: this.media,
      alarms: this.alarms,
      log,
      clock,
      tick: (nowMs) => this.pair.tick(nowMs),
      mayAct: () => this.#doubt.mayAct(),
      settle: () => this.sync.settle(),
      journal: (changes) => this.#journal.append(changes),
      trace: this.trace,
    })
    const told = (report: MergeReport, term: number) => this.#witness?.merged(report, term)
    this.merger = new Merger(this, { clock, log, told })
    this.#journal = new JournalKeeper(journalFile, tables, (rows) => this.replicator.turnOf(rows))
    tables.onChange((change, _previous, next) => this.#noteSession(change, next))
  }

  /** Where accounts come from and call records go; before `begin`. */
  attach(site: SiteData, calls: CallKeeper): void {
    this.#site = site
    this.#calls = calls
  }

  /** Who is told of decisions, roles and sessions; before `begin`. */
  watchedBy(witness: Witness): void {
    this.#witness = witness
  }

  get role(): Role {
    return this.#role
  }

  /** False: this node was primary when pair last spoke, and may be so no more (ADR 0015). */
  get roleIsSure(): boolean {
    return this.#doubt.mayAct()
  }

  /** The newest of the media unit; null while it is away. */
  get statistics(): Received<BusMessageOf<'media-statistics'>> | null {
    return this.#statistics
  }

  /** Initialised and able to serve (S1.154). */
  get ready(): boolean {
    return this.#ready
  }

  /** The end of the start-up: this node may serve from now on. */
  begin(): void {
    this.#ready = true
    this.advance()
  }

  /** Fires what is due. */
  advance(): void {
    const nowMs = this.#parts.clock.monotonicMs()
    this.#doubt.lease.turn(nowMs)
    const due = nowMs - this.#aliveAtMs >= limits.heartbeatMs
    if (due || this.#doubt.lease.mustAsk) this.#proveLife(nowMs)
    this.runner.advance()
    this.merger.advance()
    if (this.replicator.nextTimerMs() <= nowMs) this.sync.settle()
    this.alarms.advance(nowMs)
    this.#watch(nowMs)
    this.#site?.advance(nowMs)
    this.#calls?.advance(nowMs, this.#role, this.replicator.inStep(nowMs))
    this.#journal.advance(nowMs)
    this.#checkFlush()
  }

  /** When `advance` has to be called, by the monotonic clock. */
  nextTimerMs(): number {
    return Math.min(
      this.#aliveAtMs + limits.heartbeatMs,
      this.runner.nextTimerMs(),
      this.replicator.nextTimerMs(),
      this.#journal.nextTimerMs(),
      this.merger.nextTimerMs(),
    )
  }

  #makeMedia(): MediaLink {
    const { log, clock } = this.#parts
    return new MediaLink(clock, {
      legs: () => this.#legs(),
      inputMapped: ({ mediaId, map }) => {
        this.runner.run(() => {
          this.core.inputMapped(mediaId, map)
          return []
        })
      },
      dialled: (message) => this.runner.run((now) => this.core.digit(message, now)),
      legsEnded: (legs) =>
        this.runner.run(() => {
          this.core.legsEnded(legs)
          return []
        }),
      conferenceEnded: (id) => this.runner.run(() => this.core.conferenceEnded(id)),
      statistics: (message) => this.#takeStatistics(message),
      changed: (connected) => this.#mediaChanged(connected),
      log: (line) => log.fromUnit('media', line),
      refused: (detail) => log.warn('the media unit refused an order', { detail }),
    })
  }

  #makeDoubt(): RoleDoubt {
    const { config, clock, log } = this.#parts
    return new RoleDoubt({
      config,
      clock,
      log,
      isPrimary: () => this.#role === 'primary',
      proveLife: (nowMs) => this.#proveLife(nowMs),
      confirmed: () => {
        this.runner.release('doubt')
        this.#settled()
      },
    })
  }

  #makePair(): PairLink {
    const { log, clock } = this.#parts
    return new PairLink(clock, {
      role: (message) => this.#setRole(message),
      lease: (message) => this.#doubt.take(message),
      clock: (message) => this.merger.clock(message),
      status: (message) => this.#takePairStatus(message),
      flush: (ref) => {
        this.runner.hold('flush')
        this.#flush = { ref, deadlineMs: clock.monotonicMs() + limits.flushMsMax }
        this.#checkFlush()
      },
      operationEnded: () => this.runner.release('flush'),
      log: (line) => log.fromUnit('pair', line),
      lost: (reason) => this.#losePair(reason),
    })
  }

  #makeSync(): SyncLink {
    const { config, log, clock, sendSync, answerPeer } = this.#parts
    const parts = { replicator: this.replicator, clock, links: config.links.length }
    return new SyncLink(parts, {
      send: (bytes, link) => this.#doubt.whenSure(() => sendSync(bytes, link)),
      rebuild: (output) => this.#rebuild(output),
      replicated: (token) => this.runner.openGate(token),
      inStep: (inStep) => {
        log.info('sync', { inStep, role: this.#role })
        this.#followed = inStep
        if (inStep) this.merger.heard()
        if (inStep && !this.#caughtUp) {
          this.#caughtUp = true
          this.media.refresh()
        }
        this.#keepJournal()
      },
      peerRequest: (body) => {
        const bootId = heardPairDied(body)
        if (bootId === null) return answerPeer(body)
        this.pair.send({ kind: 'peer-pair-died', bootId })
        return Promise.resolve('{}')
      },
      rows: (output) => this.#site?.rows(output),
      heard: ({ body, address, port }) => this.runner.receive(body, { address, port }),
      tableFault: ({ table, fault }) => log.warn('table', { table, fault, role: this.#role }),
      merge: (output) => this.merger.take(output),
      settled: () => this.#settled(),
    })
  }

  #setRole(message: BusMessageOf<'role'>): void {
    const { role, term, because, alone } = message
    const { log, keys } = this.#parts
    const first = !this.#roleKnown
    if (first || role !== this.#role) log.info('role', { role, term, because, alone })
    this.#roleKnown = true
    this.#doubt.lease.role(message)
    this.merger.role(message)
    // The pair unit outlived the switch unit before this one and found nobody to hand over to: this one
    // goes on with its sessions. In every other case the peer knows better.
    if (first && role === 'primary') log.info('start-up: journal', this.#journal.load(keys.sync))
    if (role !== 'primary') this.#journal.discard()
    // The records may be old: the media unit learns its legs when they have been compared.
    if (role === 'starting') this.#caughtUp = false
    this.core.setAlone(alone)
    this.#become(role, term, message.peerServedAtMs)
    if (first && role === 'primary') this.media.refresh()
    // Nobody was heard, and nothing is known: a peer whose pair unit hangs may serve all the same, until its
    // supervisor ends that unit. A 481 would end its calls.
    const knowsNothing = !this.#caughtUp && this.tables.table('wired-conference').size === 0
    if (role === 'primary' && alone && knowsNothing) this.merger.awaitUnheard()
  }

  /** Without the pair unit nobody says when the peer serves; it will, as it is told so, or when our
   * heartbeats are missing. Alone, this node goes on: nobody else can. */
  #losePair(reason: string): void {
    this.#parts.log.warn('the pair unit is gone; waiting for it', { reason })
    if (!this.#peerAlive || this.#role !== 'primary') return
    this.#become('starting', 0)
    const { bootId } = this.pair
    if (bootId !== null) void this.sync.ask(sayPairDied(bootId))
  }

  #become(role: Role, term: number, peerServedAtMs: number | null = null): void {
    const nowMs = this.#parts.clock.monotonicMs()
    this.#role = role
    this.#flush = null
    const sessions = this.tables.table('wired-conference').values()
    const answeredLate = this.core.counters().late
    this.#witness?.becomes(role, { term, atMs: nowMs, sessions, answeredLate })
    this.sync.perform(this.replicator.setRole(role, term, nowMs))
    this.runner.setRole(role, term, peerServedAtMs)
    this.#site?.setPair(role, this.#peerAlive)
    this.#keepJournal()
    this.#settled()
    // pair lets the peer serve when this unit has said that it no longer does.
    this.#proveLife(nowMs)
  }

  #takePairStatus(message: BusMessageOf<'pair-status'>): void {
    this.#peerAlive = message.peer?.switchAlive ?? false
    const { inStep = false, ready = false } = message.peer ?? {}
    this.#peerHeir = inStep && ready
    const nowMs = this.#parts.clock.monotonicMs()
    this.sync.perform(this.replicator.setPeer(this.#peerAlive, nowMs))
    this.#site?.setPair(this.#role, this.#peerAlive)
    this.alarms.reconcile('pair', message.alarms)
    this.#witness?.note(message)
    this.#keepJournal()
    this.#settled()
  }

  /** While nobody else has the records, they are on a memory file system (DESIGN section 7). A peer that
   * has them and cannot serve, or of which pair has not heard that yet, is nobody: this unit comes back. */
  #keepJournal(): void {
    this.#journal.keep(this.#role === 'primary' && !(this.#followed && this.#peerHeir))
  }

  /** Null while this node does not know its legs: it has no role yet, or has not caught up. The media
   * unit then leaves those it has untouched. */
  #legs(): WiredMedia[] | null {
    const known = this.#role === 'primary' || this.#caughtUp
    return this.#roleKnown && known ? [...this.tables.table('wired-media').values()] : null
  }

  /** Both nodes keep the record of a call: it is not lost with the one that served it. */
  #noteSession({ address, key }: RecordChange, next: AnyRecord | null): void {
    if (address.table !== 'wired-conference') return
    const session = next as Conference | null
    this.#witness?.sessionChanged(key, session, this.#parts.clock.monotonicMs())
    this.#calls?.sessionChanged(key, session)
    this.trace.sessionChanged(key, session)
  }

  #takeStatistics(message: BusMessageOf<'media-statistics'>): void {
    this.#statistics = { message, atMs: this.#parts.clock.monotonicMs() }
    this.alarms.reconcile('media', mediaAlarms(message))
  }

  #mediaChanged(connected: boolean): void {
    const { log } = this.#parts
    if (connected) {
      log.info('the media unit is connected', { unitPid: this.media.pid })
      return
    }
    this.#statistics = null
    log.warn('the media unit is gone; waiting for it')
  }

  /** S1.110, S1.111: the record of the primary becomes a bridge and legs here; then its ACK leaves. */
  #rebuild({
    token,
    change,
    previous,
    next,
  }: Extract<ReplicatorOutput, { kind: 'rebuild' }>): void {
    const { clock } = this.#parts
    this.media.order(mediaOrders(change, previous, next), (ok) => {
      this.sync.perform(this.replicator.rebuilt(token, ok, clock.monotonicMs()))
      this.#settled()
    })
  }

  /** What is looked at once a second. */
  #watch(nowMs: number): void {
    if (nowMs - this.#watchedAtMs < watchMs) return
    this.#watchedAtMs = nowMs
    this.alarms.watch(this.replicator.status(nowMs), this.#journal.alarms())
  }

  #settled(): void {
    this.#checkFlush()
    if (this.#ready) this.#parts.settled()
  }

  #proveLife(nowMs: number): void {
    this.#aliveAtMs = nowMs
    const sent = this.pair.send({
      kind: 'switch-alive',
      counter: ++this.#counter,
      sessions: this.core.liveSessions,
      syncPending: this.replicator.pending(),
      inStep: this.replicator.inStep(nowMs),
      untold: this.replicator.untold(nowMs),
      ready: this.#ready,
      role: this.#role,
    })
    if (sent) this.#doubt.lease.asked(this.#counter)
  }

  #checkFlush(): void {
    const flush = this.#flush
    if (flush === null) return
    const pending = this.replicator.pending()
    if (pending > 0 && this.#parts.clock.monotonicMs() < flush.deadlineMs) return
    this.#flush = null
    const ok = pending === 0
    const detail = ok ? 'every record is with the peer' : `${pending} records are not confirmed`
    this.pair.send({ kind: 'flushed', ref: flush.ref, ok, detail })
    if (!ok) this.runner.release('flush')
  }
}
