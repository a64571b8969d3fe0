//! What this node remembers of operations and changes of its role (ADR 0017): joined here, kept in two
//! files, and told to the peer, so that either node can be asked.
import { randomBytes } from 'node:crypto'
import type { BusMessageOf, Role } from '../bus/messages.ts'
import { historyEntrySchema, type Operation, operationSchema } from '../control/operation-schema.ts'
import { CallWatch } from '../oam/call-watch.ts'
import { History } from '../oam/history.ts'
import { readRecords, writeRecords } from '../oam/kept-records.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { Operations, type Order, type Outcome } from '../oam/operations.ts'
import { TakeOverWatch } from '../oam/take-over-effect.ts'
import { wallMs } from '../platform/clock.ts'
import { makeDirectory } from '../platform/files.ts'
import { KeptFile } from '../platform/kept-file.ts'
import type { Conference } from '../tables/wired-conference.ts'
import type { LogHub } from './log-hub.ts'
import type { MergeReport } from './merge.ts'
import { UntoldOperations } from './untold-operations.ts'

interface LogbookParts {
  readonly config: NodeConfig
  readonly log: LogHub
  /** Tells the peer of an operation of this node. @returns whether it has answered */
  readonly tellPeer: (operation: Operation) => Promise<boolean>
}

const fileBytesMax = 16_777_216

export class Logbook {
  readonly history: History
  readonly operations: Operations
  readonly #parts: LogbookParts
  readonly #historyFile: KeptFile
  readonly #operationsFile: KeptFile
  readonly #untold: UntoldOperations
  #decisions = ''
  #watch: TakeOverWatch | null = null
  readonly #callWatches = new Set<CallWatch>()

  constructor(parts: LogbookParts) {
    this.#parts = parts
    const { config, log } = parts
    const failed = (error: string) => log.warn('what happened cannot be kept', { error })
    try {
      makeDirectory(config.stateDirectory)
    } catch (error) {
      failed(String(error))
    }
    this.#historyFile = new KeptFile(`${config.stateDirectory}/history.jsonl`, failed)
    this.#operationsFile = new KeptFile(`${config.stateDirectory}/operations.jsonl`, failed)
    const history = readRecords(this.#historyFile.read(fileBytesMax) ?? '', historyEntrySchema)
    const operations = readRecords(this.#operationsFile.read(fileBytesMax) ?? '', operationSchema)
    const unreadable = history.unreadable + operations.unreadable
    if (unreadable > 0) log.warn('some kept records cannot be read', { unreadable })
    this.history = new History(config.node, history.records)
    this.operations = new Operations(config.node, operations.records, wallMs())
    this.#untold = new UntoldOperations(this.operations, config.node, parts.tellPeer)
  }

  /** The pair unit repeats its last decisions; what is new of them is kept. */
  note({ decisions }: BusMessageOf<'pair-status'>): void {
    const text = JSON.stringify(decisions)
    if (text === this.#decisions) return
    this.#decisions = text
    if (this.history.note(decisions, this.operations.list())) this.#keepHistory()
    this.#join()
  }

  /** What became of the sessions when two primaries met. */
  merged({ atMs, ...report }: MergeReport, term: number): void {
    this.history.noteMerge(atMs, term, {
      ...report,
      closedCount: report.closed.length,
      closed: [...report.closed],
    })
    this.#keepHistory()
  }

  /** To be called before the core of this node follows the role. */
  becomes(role: Role, takeOver: ConstructorParameters<typeof TakeOverWatch>[0]): void {
    if (role !== 'primary') this.#watch = null
    else if (this.#watch?.term !== takeOver.term) this.#watch = new TakeOverWatch(takeOver)
  }

  /** Follows the calls of now until `stop`. */
  watchCalls(sessions: Iterable<Conference>): { readonly calls: CallWatch; stop(): void } {
    const calls = new CallWatch(sessions)
    this.#callWatches.add(calls)
    return { calls, stop: () => this.#callWatches.delete(calls) }
  }

  sessionChanged(sessionId: string, next: Conference | null, nowMs: number): void {
    this.#watch?.changed(sessionId, next, nowMs)
    for (const calls of this.#callWatches) calls.changed(sessionId, next)
  }

  /** To be called about once a second.
   * @param answeredLate requests that the core has answered for its peer since it was started. */
  advance(nowMs: number, answeredLate: number, isPeerHeard: boolean): void {
    void this.#untold.advance(nowMs, isPeerHeard)
    if (this.#watch === null) return
    this.#watch.advance(nowMs, answeredLate)
    this.#join()
  }

  begin(order: Order): Operation {
    const id = () => randomBytes(3).toString('hex')
    const operation = this.operations.begin(order, wallMs(), id)
    const { kind, operator, reason } = operation
    this.#parts.log.info('operation', { op: operation.id, kind, operator, reason })
    this.#keepOperations()
    return operation
  }

  /** Tells the peer before the roles move, as it cannot be told while they do. */
  async share(operation: Operation): Promise<void> {
    await this.#untold.tell(operation)
  }

  progress(id: string, progress: NonNullable<Operation['progress']>): void {
    this.operations.progress(id, progress)
  }

  end(id: string, outcome: Outcome): void {
    const ended = this.operations.end(id, outcome, wallMs())
    if (ended === null) return
    const { kind, state, detail, tookMs } = ended
    this.#parts.log.info('operation ended', { op: id, kind, state, detail, tookMs })
    this.#keepOperations()
    void this.#untold.tell(ended)
  }

  copy(operation: Operation): void {
    this.operations.copy(operation)
    this.#keepOperations()
    if (this.history.join(this.operations.list())) this.#keepHistory()
  }

  async close(): Promise<void> {
    await Promise.all([this.#historyFile.settled(), this.#operationsFile.settled()])
  }

  #join(): void {
    const watch = this.#watch
    if (watch !== null && this.history.setEffect(watch.term, watch.effect())) this.#keepHistory()
  }

  #keepHistory(): void {
    this.#historyFile.keep(() => writeRecords(this.history.list()))
  }

  #keepOperations(): void {
    this.#operationsFile.keep(() => writeRecords(this.operations.list().reverse()))
  }
}
