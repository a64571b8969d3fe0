//! Static data of the pair (S2.48-S2.54): the primary sends its outbox by number, the standby applies
//! it; after a gap or a difference the rows are compared one by one. Also behind `vccs sync-db`.
import type { Database } from '../platform/sqlite.ts'
import { failure, type Result, success } from '../result.ts'
import {
  compare,
  type DatabaseHashes,
  databaseHashes,
  digestOf,
  type RepairStep,
  repair,
  type TableDifferences,
} from './compare.ts'
import { newestOf, type OperationFailure, outboxAfter, prune, sourceOf } from './operations.ts'
import { inParts, PeerRows } from './peer-rows.ts'
import { type Adoption, adopt, haveAllOf, type PeerOffer } from './row-adopt.ts'
import { RowAnswers } from './row-answers.ts'
import { changesRows, messageLengthMax, parseMessage, type RowReplyOf } from './row-messages.ts'
import { pullRows } from './row-pull.ts'
import { type ConfigTable, configTables } from './schema.ts'
import { attempt, raiseRevision, revisionOf } from './store.ts'

interface RowSyncOptions {
  readonly database: Database
  /** `OpenedDatabase.needsPeer`: what is here must not be sent, the peer's rows are taken first. */
  readonly needsPeer: boolean
  /** To `Replicator.sendRows`. */
  send(rows: { kind: 'rows' | 'rows-ack'; ref: number; body: string }): void
  /** The peer changed rows here: read them into the core again. */
  changedByPeer(): void
  /** Rows of the peer that this node did not know of are here now: it served alone. */
  adopted(rows: readonly RepairStep[]): void
  /** Before they are taken: resolves when what this node took over with is in its database. */
  ready(): Promise<void>
  /** Rows that could not be changed on the standby: called on both nodes. */
  failed(failures: readonly OperationFailure[]): void
  /** Unix milliseconds, for the operation log. */
  wallMs(): number
}

type RowSyncState = 'idle' | 'running' | 'in-step' | 'behind'

interface Settled {
  readonly source: string
  readonly seq: number
  readonly revision: number
}

interface RepairResult {
  /** What was written to the peer, and what of that it refused. */
  readonly steps: readonly RepairStep[]
  readonly failures: readonly OperationFailure[]
}

/** A run that failed is tried again after this time. */
const retryMs = 2_000
/** A node asks less often than this. */
const refsPerMs = 1_000

export class RowSync {
  readonly #options: RowSyncOptions
  readonly #peer: PeerRows
  readonly #answers: RowAnswers
  /** Names the changes that are sent in parts. */
  #batch = 0
  #role: 'primary' | 'standby' | 'none' = 'none'
  #needsPeer: boolean
  #state: RowSyncState = 'idle'
  #again = false
  #failed = false
  #retryAtMs = Number.POSITIVE_INFINITY
  /** The request that is being answered. */
  #answering: number | null = null
  /** The last answer. */
  #answered: { ref: number; body: string } | null = null
  #run: Promise<void> = Promise.resolve()

  constructor(options: RowSyncOptions) {
    this.#options = options
    this.#needsPeer = options.needsPeer
    this.#answers = new RowAnswers(options.database)
    const send = (ref: number, body: string) => options.send({ kind: 'rows', ref, body })
    this.#peer = new PeerRows(send, options.wallMs() * refsPerMs)
  }

  get state(): RowSyncState {
    return this.#state
  }

  /** The rows of this database are lost and the peer has not given its own yet. */
  get needsPeer(): boolean {
    return this.#needsPeer
  }

  /** @param role `none` while there is no peer. The primary begins to send at once. */
  setRole(role: 'primary' | 'standby' | 'none', nowMs: number): void {
    this.#peer.advance(nowMs)
    if (role === this.#role) return
    this.#role = role
    this.#answers.begin()
    this.#state = 'idle'
    this.#retryAtMs = Number.POSITIVE_INFINITY
    if (role === 'primary') this.#start()
  }

  /** Rows were changed here (`storeRows`). */
  changed(nowMs: number): void {
    this.#peer.advance(nowMs)
    if (this.#role === 'primary') this.#start()
  }

  /** Resolves when what is under way has ended; for tests and a clean stop. */
  async settled(): Promise<void> {
    await this.#run
  }

  receive(rows: { kind: 'rows' | 'rows-ack'; ref: number; body: string }, nowMs: number): void {
    if (rows.kind === 'rows-ack') this.#peer.receive(rows.ref, rows.body, nowMs)
    else if (this.#answered?.ref === rows.ref) {
      // The answer was lost: nothing is done twice.
      this.#options.send({ kind: 'rows-ack', ...this.#answered })
    } else if (this.#answering === rows.ref) {
      const body = JSON.stringify({ op: 'at-work' })
      this.#options.send({ kind: 'rows-ack', ref: rows.ref, body })
    } else void this.#answer(rows.ref, rows.body)
  }

  advance(nowMs: number): void {
    this.#peer.advance(nowMs)
    if (this.#failed) this.#retryAtMs = nowMs + retryMs
    this.#failed = false
    if (nowMs < this.#retryAtMs) return
    this.#retryAtMs = Number.POSITIVE_INFINITY
    if (this.#role === 'primary') this.#start()
  }

  nextTimerMs(): number {
    return this.#failed ? 0 : Math.min(this.#peer.nextTimerMs(), this.#retryAtMs)
  }

  /** What differs, seen from here. `peer-unreachable`, `database-failed`. */
  async compare(): Promise<Result<TableDifferences[]>> {
    const peer = await this.#peerHashes()
    if (peer === null) return failure('peer-unreachable', 'its database does not answer')
    return attempt(async () => compare(await databaseHashes(this.#options.database), peer))
  }

  /** Makes the peer's rows equal to those here, all of them or none; for the primary. */
  async repair(
    differences: readonly TableDifferences[],
    settled: Settled | null = null,
  ): Promise<Result<RepairResult>> {
    const { database } = this.#options
    const steps = await attempt(() => repair(database, differences))
    if (!steps.ok) return steps
    const batch = this.#nextBatch()
    const parts = inParts(steps.value)
    for (const [part, some] of parts.entries()) {
      const more = part < parts.length - 1
      const settle = more ? null : settled
      const reply = await this.#peer.ask({ op: 'repair', batch, part, more, settle, steps: some })
      if (reply === null) return failure('peer-unreachable', 'it did not take the repaired rows')
      if (more) continue
      const { failures } = reply
      if (failures.length > 0) this.#options.failed(failures)
      return success({ steps: steps.value, failures })
    }
    return success({ steps: [], failures: [] })
  }

  /** A name that no change of an earlier life of this node has. */
  #nextBatch(): string {
    return `${this.#options.wallMs()}-${++this.#batch}`
  }

  #start(): void {
    this.#again = true
    if (this.#state === 'running') return
    this.#state = 'running'
    this.#run = this.#follow()
  }

  /** Until nothing is left to send. */
  async #follow(): Promise<void> {
    let inStep = false
    while (this.#again && this.#role === 'primary') {
      this.#again = false
      inStep = await this.#synchronise().catch(() => false)
      if (!inStep) break
    }
    if (this.#role !== 'primary') {
      this.#state = 'idle'
      return
    }
    this.#state = inStep ? 'in-step' : 'behind'
    this.#failed = !inStep
    if (inStep) await prune(this.#options.database).catch(() => {})
  }

  /** One pass: the outbox by number, or the comparison when that does not lead to equal rows.
   * @returns true when the peer has the rows that were here at its end. */
  async #synchronise(): Promise<boolean> {
    const { database } = this.#options
    if (this.#needsPeer && !(await this.#pull())) return false
    const source = await sourceOf(database)
    const offered = await this.#peer.ask({ op: 'offer', source })
    if (offered === null) return false
    const adoption = await this.#adopt(offered)
    if (adoption === null) return false
    await raiseRevision(database, offered.revision)
    const { applied } = offered
    const follows = applied !== null && !adoption.bothChanged
    const sent = follows ? await this.#sendOutbox(source, applied) : false
    if (sent === null) return false
    const seq = await newestOf(database)
    const own = digestOf(await databaseHashes(database))
    const after = sent ? await this.#peer.ask({ op: 'offer', source }) : offered
    if (after === null) return false
    const settled = { source, seq, revision: await revisionOf(database) }
    if (after.digest !== own) {
      const differences = await this.compare()
      if (!differences.ok) return false
      const repaired = await this.repair(differences.value, settled)
      if (!repaired.ok || repaired.value.failures.length > 0) return false
    } else if (!sent && (await this.#peer.ask({ op: 'settle', ...settled })) === null) return false
    // As standby it may have heard of more meanwhile.
    if (this.#role !== 'primary') return false
    await haveAllOf(database, offered)
    return true
  }

  /** @returns null: to be tried again. */
  async #adopt(offer: PeerOffer): Promise<Adoption | null> {
    const { database, wallMs, failed, adopted, ready } = this.#options
    const compare = async () => {
      const differences = await this.compare()
      return differences.ok ? differences.value : null
    }
    const serves = () => this.#role === 'primary'
    const context = { database, peer: this.#peer, compare, ready, serves, wallMs: wallMs() }
    const done = await adopt(context, offer)
    if (done !== null && done.failures.length > 0) failed(done.failures)
    if (done !== null && done.taken.length > 0) adopted(done.taken)
    return done
  }

  /** @returns false after a gap or a failure: the rows must be compared; null: no answer. */
  async #sendOutbox(source: string, applied: number): Promise<boolean | null> {
    const { database } = this.#options
    const until = await newestOf(database)
    if (applied >= until) return applied === until
    const batch = this.#nextBatch()
    const lengthMax = messageLengthMax
    for (let [sent, part] = [applied, 0]; ; part++) {
      const operations = await outboxAfter(database, sent, { until, lengthMax })
      const last = operations.at(-1)
      if (last === undefined || operations[0]?.seq !== sent + 1) return false
      const more = last.seq < until
      const revision = await revisionOf(database)
      const change = { batch, part, more, source, revision, operations }
      const reply = await this.#peer.ask({ op: 'apply', ...change })
      if (reply === null || this.#role !== 'primary') return null
      if (reply.failures.length > 0) this.#options.failed(reply.failures)
      if (reply.gap) return false
      if (!more) return reply.applied !== null && reply.applied >= until
      sent = last.seq
    }
  }

  /** Takes the peer's rows into a database that lost its own. */
  async #pull(): Promise<boolean> {
    const differences = await this.compare()
    if (!differences.ok) return false
    const { database, changedByPeer } = this.#options
    if (!(await pullRows(database, this.#peer, differences.value))) return false
    this.#needsPeer = false
    changedByPeer()
    return true
  }

  async #peerHashes(): Promise<DatabaseHashes | null> {
    const hashes = {} as Record<ConfigTable, Map<string, string>>
    for (const table of configTables) {
      const rows = new Map<string, string>()
      for (let after: string | null = null, done = false; !done; ) {
        const reply: RowReplyOf<'list'> | null = await this.#peer.ask({ op: 'list', table, after })
        if (reply === null) return null
        for (const [key, hash] of reply.rows) rows.set(key, hash)
        done = reply.done || reply.rows.length === 0
        after = reply.rows.at(-1)?.[0] ?? null
      }
      hashes[table] = rows
    }
    return hashes
  }

  async #answer(ref: number, body: string): Promise<void> {
    const { send, wallMs } = this.#options
    const reply = (value: unknown) => {
      const answered = { ref, body: JSON.stringify(value) }
      // A refusal may end with the next change of roles.
      this.#answered = (value as { op: string }).op === 'refused' ? null : answered
      send({ kind: 'rows-ack', ...answered })
    }
    const message = parseMessage(body)
    if (message === null) {
      reply({ op: 'refused', detail: 'this version does not understand the question' })
      return
    }
    const changes = changesRows(message)
    if (changes && this.#role !== 'standby') {
      reply({ op: 'refused', detail: 'this node is not the standby' })
      return
    }
    this.#answering = ref
    const answered = await attempt(() => this.#answers.answer(message, wallMs()))
    this.#answering = null
    reply(answered.ok ? answered.value : { op: 'refused', detail: answered.failure.detail })
    if (!answered.ok || !changes) return
    const { value } = answered
    if ('failures' in value && value.failures.length > 0) this.#options.failed(value.failures)
    const settles = message.op === 'settle' || (message.op === 'repair' && message.settle !== null)
    if (settles && value.op !== 'refused') this.#needsPeer = false
    if (!('more' in message && message.more)) this.#options.changedByPeer()
  }
}
