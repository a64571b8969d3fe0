//! The configuration of the site on this node (S1.151): database, its way into the core's tables, its
//! way to the peer.
import { dirname } from 'node:path'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Role } from '../bus/messages.ts'
import type { BodyOf, PeerCopy } from '../control/api.ts'
import {
  databaseHashes,
  digestOf,
  type RepairStep,
  type TableDifferences,
} from '../database/compare.ts'
import { keepGoodCopy, type OpenedDatabase, openDatabase } from '../database/open.ts'
import type { OperationFailure } from '../database/operations.ts'
import { readCoreData } from '../database/read.ts'
import { readPlan } from '../database/read-plan.ts'
import { RowSync } from '../database/row-sync.ts'
import { revisionOf } from '../database/store.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { settingsOf, withoutSettings } from '../oam/site/account.ts'
import type { SiteChange } from '../oam/site/diff.ts'
import { checkSiteAside } from '../oam/site-check.ts'
import { applySite, exportSite, readSite } from '../oam/site-config.ts'
import type { Site } from '../oam/site-config-schema.ts'
import { monotonicMs, wallMs } from '../platform/clock.ts'
import { makeDirectory } from '../platform/files.ts'
import type { Database, Sql } from '../platform/sqlite.ts'
import { inTurns } from '../platform/turns.ts'
import type { ReplicatorOutput } from '../replication/replicator.ts'
import { type Failure, failure, type Result, success } from '../result.ts'
import type { Plan } from '../switching/plan.ts'
import type { PhoneBookEntry } from '../tables/phone-book.ts'
import { trunkOfKey } from '../tables/position.ts'
import type { Tables } from '../tables/tables.ts'
import type { Alarms } from './alarms.ts'
import { syncDatabases } from './database-sync.ts'
import type { LogHub } from './log-hub.ts'
import { UserSettings } from './user-settings.ts'

interface ConfigurationParts {
  readonly config: NodeConfig
  readonly tables: Tables
  readonly alarms: Alarms
  readonly log: LogHub
  /** Sends rows of the database, or their answer, to the peer. */
  sendRows(rows: { kind: 'rows' | 'rows-ack'; ref: number; body: string }): void
  /** Runs changes of the tables as one turn. */
  change(apply: () => void): void
  /** Records of table 7 that the standby has not confirmed. */
  unconfirmed(): number
  /** To the core: what the site says beside the tables. */
  plan(plan: Plan): void
}

const keysShown = 20
/** Rows that are read into the core in one turn of the loop. */
const rowsPerTurn = 40
/** So long the next ones wait for the standby to confirm those of the turn; one that is silent for so long is
 * waited for no more. */
const confirmMsMax = 500
const confirmLookMs = 1
/** A peer that stores a change of a few rows says so in some ten milliseconds. The question may have come through
 * the other node, which waits `limits.peerAnswerMsMax` for all of it. */
const peerStoresMsMax = 1_000
/** The alarm of rows that failed ends when none did for this long; the failure log keeps them. */
const rowsFailedMs = 3_600_000

export class Configuration {
  readonly #parts: ConfigurationParts
  #opened: OpenedDatabase | null = null
  #rows: RowSync | null = null
  #role: Role = 'starting'
  #peerAlive = false
  #state = { revision: 0, hash: '' }
  #loading: Promise<void> = Promise.resolve()
  #rowsFailedAtMs: number | null = null
  #rowsFailedCount = 0
  readonly #settings: UserSettings
  /** Table 7 is changed by this file now, not by the core. */
  #filling = false

  constructor(parts: ConfigurationParts) {
    this.#parts = parts
    this.#settings = new UserSettings({
      database: () => this.database,
      stored: () => this.#settingsStored(),
      failed: (detail) => parts.alarms.raise('database-failed', 'database', detail),
    })
    parts.tables.onChange((change, previous, next, origin) => {
      if (change.address.table !== 'phone-book' || origin !== 'local') return
      if (this.#role !== 'primary' || this.#filling) return
      this.#settings.changed(previous as PhoneBookEntry | null, next as PhoneBookEntry | null)
    })
  }

  /** Revision and digest of the configuration here; equal on both nodes when their rows are. */
  get state(): { readonly revision: number; readonly hash: string } {
    return this.#state
  }

  get role(): Role {
    return this.#role
  }

  /** False: the database is in memory only. */
  get isKept(): boolean {
    return this.#opened !== null && this.#opened.from !== 'memory'
  }

  /** What users have set is on its way into the database. */
  get isStoring(): boolean {
    return this.#settings.isWaiting
  }

  get realm(): string {
    return this.#parts.config.service.realm
  }

  get database(): Database {
    if (this.#opened === null) throw new Error('invariant broken: the database is not open')
    return this.#opened.database
  }

  /** Never fails: a damaged database is replaced, an unusable disk means memory, both with an alarm. */
  async open(): Promise<void> {
    const { config, alarms, log } = this.#parts
    try {
      makeDirectory(dirname(config.database))
    } catch (error) {
      log.warn('the directory of the database cannot be made', { error: String(error) })
    }
    this.#opened = await openDatabase(config.database, wallMs())
    for (const alarm of this.#opened.alarms) alarms.apply(alarm)
    this.#rows = new RowSync({
      database: this.#opened.database,
      needsPeer: this.#opened.needsPeer,
      send: (rows) => this.#parts.sendRows(rows),
      changedByPeer: () => this.#attempt(() => this.#changedByPeer()),
      adopted: (rows) => this.#attempt(() => this.#adopted(rows)),
      ready: () => this.#takenOver(),
      failed: (failures) => this.#rowsFailed(failures),
      wallMs,
    })
    await this.#readState()
    await this.#readPlan()
    log.info('start-up: database', { from: this.#opened.from, revision: this.#state.revision })
  }

  async close(): Promise<void> {
    if (this.#opened === null) return
    await this.#settings.settled()
    await this.#keepCopy()
    await this.#opened.database.close()
    this.#opened = null
  }

  /** What the pair says: rows go from the primary to a living standby. */
  setPair(role: Role, peerAlive: boolean): void {
    const roleChanged = role !== this.#role
    if (!roleChanged && peerAlive === this.#peerAlive) return
    this.#role = role
    this.#peerAlive = peerAlive
    if (role !== 'primary') this.#settings.drop()
    const side = role === 'starting' || !peerAlive ? 'none' : role
    this.#rows?.setRole(side, monotonicMs())
    if (roleChanged && role === 'primary') this.#attempt(() => this.#loadCore())
  }

  rows(output: Extract<ReplicatorOutput, { kind: 'rows' | 'rows-ack' }>): void {
    this.#rows?.receive(output, monotonicMs())
  }

  advance(nowMs: number): void {
    this.#rows?.advance(nowMs)
    this.#settings.advance(nowMs)
    if (this.#rowsFailedAtMs !== null && nowMs - this.#rowsFailedAtMs > rowsFailedMs) {
      this.#rowsFailedAtMs = null
      this.#rowsFailedCount = 0
      this.#parts.alarms.clear('row-sync-failed', 'rows')
    }
  }

  /** The site as it is stored here. */
  site(): Promise<Result<Site>> {
    return readSite(this.database)
  }

  /** S1.151: store, then read into the core, then to the peer. One change, one trace in the log.
   * @param revision of the site that the changes were made of. `operation-failed`, `database-failed`:
   * nothing was changed. */
  async apply(
    site: Site,
    changes: readonly SiteChange[],
    revision: number,
  ): Promise<Result<{ revision: number; peer: PeerCopy }>> {
    const settled = settingsOf(changes)
    await this.#settings.begin()
    const wanted = await inTurns(withoutSettings(site, settled))
    const stored = await applySite(this.database, wanted, (sql) => this.#refusal(sql, revision))
    if (!stored.ok) {
      const { code, detail } = stored.failure
      if (code === 'database-failed') this.#parts.alarms.raise(code, 'database', detail)
      return stored
    }
    this.#parts.alarms.clear('database-failed', 'database')
    await this.#loadCore(settled)
    await this.#readPlan()
    await this.#readState()
    this.#rows?.changed(monotonicMs())
    const paths = changes.slice(0, keysShown).map(({ path }) => path)
    const { revision: changed } = this.#state
    const told = { revision: changed, changes: changes.length, paths }
    this.#parts.log.info('configuration changed', told)
    await this.#keepCopy()
    return success({ revision: changed, peer: await this.#peerCopy() })
  }

  /** A standby's rows are those of the primary, and rows that came from the peer are not in this site. */
  async #refusal(sql: Sql, revision: number): Promise<Failure | null> {
    const refused = (detail: string): Failure => ({ code: 'operation-failed', detail })
    if (this.#role !== 'primary') return refused('this node does not serve any more; try again')
    if ((await revisionOf(sql)) === revision) return null
    return refused('the site was changed meanwhile; try again')
  }

  /** Who hears that a change is done may switch this node off. */
  async #peerCopy(): Promise<PeerCopy> {
    const rows = this.#rows
    if (rows === null || !this.#peerAlive) return 'absent'
    await Promise.race([rows.settled(), delay(peerStoresMsMax)])
    return rows.state === 'in-step' ? 'stored' : 'under-way'
  }

  /** How the rows of both nodes stand, seen from here. */
  get rowState(): { readonly state: RowSync['state']; readonly needsPeer: boolean } {
    return { state: this.#rows?.state ?? 'idle', needsPeer: this.#rows?.needsPeer ?? false }
  }

  /** Which rows differ. `peer-unreachable`, `database-failed`. */
  async compareRows(): Promise<Result<TableDifferences[]>> {
    const rows = this.#rows
    if (rows !== null && this.#peerAlive) return rows.compare()
    return failure('peer-unreachable', 'there is no peer to compare with')
  }

  /** `vccs sync-db`: differences first, then the repair of the peer's rows. For the primary. */
  async syncDatabases(dryRun: boolean): Promise<Result<BodyOf<'sync-db'>>> {
    const rows = this.#rows
    if (rows === null || !this.#peerAlive) {
      return failure('peer-unreachable', 'there is no peer to compare with')
    }
    const done = await syncDatabases(rows, { own: this.#parts.config.node, peer: 'peer' }, dryRun)
    if (!done.ok || done.value.repair === null) return done
    const { differences, repair } = done.value
    const { repaired, failed, tookMs } = repair
    this.#parts.log.info('databases compared and repaired', {
      differences,
      repaired,
      failed,
      tookMs,
    })
    return done
  }

  /** S2.51: a row that was to be changed is not there. Said on both nodes. */
  #rowsFailed(failures: readonly OperationFailure[]): void {
    this.#rowsFailedAtMs = monotonicMs()
    this.#rowsFailedCount += failures.length
    for (const { seq, table, key, reason } of failures.slice(0, keysShown)) {
      this.#parts.log.warn('database operation failed', { seq, table, key, reason })
    }
    const [first] = failures
    const detail = `${this.#rowsFailedCount} rows; ${first?.table} ${first?.key}: ${first?.reason}`
    this.#parts.alarms.raise('row-sync-failed', 'rows', detail)
  }

  /** A disk that fails must not end the calls: the tables go on with what they hold. */
  #attempt(work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      this.#parts.alarms.raise('database-failed', 'database', String(error))
    })
  }

  /** Makes table 7 what the accounts say, and table 2 what the positions say. In parts: each change is
   * a record to the peer, and calls go on in between. One reading after the other. */
  #loadCore(settled: ReadonlySet<string> = new Set()): Promise<void> {
    this.#loading = this.#loading.catch(() => undefined).then(() => this.#load(settled))
    return this.#loading
  }

  async #load(settled: ReadonlySet<string>): Promise<void> {
    if (this.#role !== 'primary') return
    const { phoneBook, positions } = await readCoreData(this.database)
    const book = this.#parts.tables.table('phone-book')
    const wanted = new Set(phoneBook.map(({ number }) => number))
    const put = (entry: PhoneBookEntry) => {
      const { number } = entry
      book.put(this.#settings.merged(entry, book.get(number), settled.has(number)))
    }
    const changes = [
      ...phoneBook.map((entry) => () => put(entry)),
      ...[...book.keys()].map((number) => () => wanted.has(number) || book.delete(number)),
      () => this.#loadPositions(new Set(positions)),
    ]
    let waits = true
    for (let begin = 0; begin < changes.length; begin += rowsPerTurn) {
      if (this.#role !== 'primary') return
      this.#parts.change(() => {
        this.#filling = true
        for (const change of changes.slice(begin, begin + rowsPerTurn)) change()
        this.#filling = false
      })
      await nextTurn()
      if (waits && !(await this.#confirmed())) waits = false
    }
  }

  /** The records of calls must not stand behind thousands of these on their way to the standby.
   * @returns false: it does not confirm them. */
  async #confirmed(): Promise<boolean> {
    const endMs = monotonicMs() + confirmMsMax
    while (this.#peerAlive && this.#parts.unconfirmed() > 0) {
      if (monotonicMs() > endMs) return false
      await delay(confirmLookMs)
    }
    return true
  }

  #loadPositions(wanted: ReadonlySet<string>): void {
    const table = this.#parts.tables.table('position')
    for (const position of wanted) {
      if (table.has(position)) continue
      table.put({ position, loginName: '', connection: 'disconnected', expiresAtMs: 0 })
    }
    for (const position of [...table.keys()]) {
      if (!wanted.has(position) && trunkOfKey(position) === null) table.delete(position)
    }
  }

  /** @param settled accounts whose settings came with their rows. */
  async #changedByPeer(settled: ReadonlySet<string> = new Set()): Promise<void> {
    await this.#readPlan()
    await this.#readState()
    await this.#loadCore(settled)
    await this.#keepCopy()
  }

  /** What users have set is in table 7 before its rows: now in both. */
  async #takenOver(): Promise<void> {
    await this.#loading.catch(() => undefined)
    await this.#settings.settled()
  }

  /** ADR 0036. Rows of two nodes that fit on each may not fit together: the operator must know. */
  async #adopted(taken: readonly RepairStep[]): Promise<void> {
    const accounts = taken.filter(({ table }) => table === 'accounts').map(({ key }) => key)
    await this.#changedByPeer(new Set(accounts))
    const { alarms, log } = this.#parts
    const { revision } = this.#state
    log.info('configuration taken from the peer', { rows: taken.length, revision })
    const text = await exportSite(this.database)
    if (!text.ok) return
    const checked = await checkSiteAside(text.value, this.realm)
    const [first] = checked.ok ? checked.value.problems : []
    if (first === undefined) return
    alarms.raise(
      'row-sync-failed',
      'rows',
      `the changes of both nodes: ${first.path} ${first.text}`,
    )
    this.#rowsFailedAtMs = monotonicMs()
  }

  async #readPlan(): Promise<void> {
    this.#parts.plan(await readPlan(this.database))
  }

  async #settingsStored(): Promise<void> {
    this.#parts.alarms.clear('database-failed', 'database')
    await this.#readState()
    this.#rows?.changed(monotonicMs())
  }

  async #readState(): Promise<void> {
    const { database } = this
    const revision = await revisionOf(database)
    this.#state = { revision, hash: digestOf(await databaseHashes(database)) }
  }

  async #keepCopy(): Promise<void> {
    if (this.#opened === null || this.#opened.from === 'memory') return
    const kept = await keepGoodCopy(this.#opened.database, this.#parts.config.database)
    if (!kept.ok) this.#parts.log.warn('no good copy of the database', { ...kept.failure })
  }
}
