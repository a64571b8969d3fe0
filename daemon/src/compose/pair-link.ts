//! The switch's end of the bus to the pair unit: role and clock come in, proof of life goes out.
import type { BusMessage, BusMessageOf } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import type { Received } from '../oam/status.ts'
import type { Clock } from '../platform/clock.ts'
import type { BusClient } from '../platform/stream.ts'
import { failure, type Result, success } from '../result.ts'

interface PairOutlets {
  role(message: BusMessageOf<'role'>): void
  lease(message: BusMessageOf<'lease'>): void
  clock(message: BusMessageOf<'clock'>): void
  status(message: BusMessageOf<'pair-status'>): void
  flush(ref: number): void
  /** A switchover is over, in whatever way: held work goes on. */
  operationEnded(): void
  log(line: BusMessageOf<'unit-log'>): void
  lost(reason: string): void
}

interface OperationOutcome {
  readonly ok: boolean
  readonly detail: string
  readonly tookMs: number
}

/** The pair unit bounds an operation itself; this is for a pair unit that died meanwhile. */
const operationMsMax = 10_000

export class PairLink {
  readonly #out: PairOutlets
  readonly #clock: Clock
  #client: BusClient | null = null
  #status: Received<BusMessageOf<'pair-status'>> | null = null
  #peerName: string | null = null
  #bootId: string | null = null
  #offsetMs = 0
  #ref = 0
  readonly #operations = new Map<number, (outcome: OperationOutcome) => void>()
  readonly #pauses = new Set<number>()

  constructor(clock: Clock, outlets: PairOutlets) {
    this.#clock = clock
    this.#out = outlets
  }

  /** The connection; what comes on it goes to `take`, its end to `lost`. */
  attach(client: BusClient): void {
    this.#client = client
  }

  get connected(): boolean {
    return this.#client?.connected ?? false
  }

  /** Also of a peer that is not heard any more; null: none was ever heard. */
  get peerName(): string | null {
    return this.#peerName
  }

  /** False: pair says that the peer's switch is not heard. While pair itself says nothing, who knows. */
  get hearsPeer(): boolean {
    const report = this.connected ? this.#status?.message : undefined
    return report === undefined || report.peer?.switchAlive === true
  }

  get status(): Received<BusMessageOf<'pair-status'>> | null {
    return this.#status
  }

  /** Of the pair unit that spoke last, also when it is dead. */
  get bootId(): string | null {
    return this.#bootId
  }

  /** The tick of the pair clock at this moment. */
  tick(nowMs: number): number {
    return Math.floor((nowMs + this.#offsetMs) / limits.tickMs)
  }

  send(message: BusMessage): boolean {
    return this.#client?.send(message) ?? false
  }

  /** Asks for a planned switchover, or a forced one. */
  async switchover(order: { force: boolean; reason: string }): Promise<Result<OperationOutcome>> {
    const ref = ++this.#ref
    return this.#ask({ kind: 'switchover', ref, ...order })
  }

  /** Pauses (`on`) or resumes the pair. */
  async pause(order: { on: boolean; reason: string }): Promise<Result<OperationOutcome>> {
    const ref = ++this.#ref
    this.#pauses.add(ref)
    return this.#ask({ kind: 'pause', ref, ...order })
  }

  async #ask(message: BusMessageOf<'switchover' | 'pause'>): Promise<Result<OperationOutcome>> {
    const { ref } = message
    if (!this.send(message)) {
      this.#pauses.delete(ref)
      return failure('operation-failed', 'the pair unit does not answer')
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#operations.delete(ref)
        resolve(failure('timed-out', `no result after ${operationMsMax / 1000} s`))
      }, operationMsMax)
      this.#operations.set(ref, (outcome) => {
        clearTimeout(timer)
        resolve(success(outcome))
      })
    })
  }

  close(): void {
    this.#client?.close()
  }

  take(message: BusMessage): void {
    switch (message.kind) {
      case 'role':
        this.#out.role(message)
        return
      case 'lease':
        this.#out.lease(message)
        return
      case 'clock':
        this.#offsetMs = message.offsetMs
        this.#out.clock(message)
        return
      case 'pair-status':
        this.#status = { message, atMs: this.#clock.monotonicMs() }
        this.#peerName = message.peer?.node ?? this.#peerName
        this.#bootId = message.bootId
        this.#out.status(message)
        return
      case 'unit-log':
        this.#out.log(message)
        return
      case 'flush':
        this.#out.flush(message.ref)
        return
      case 'operation-result': {
        const done = this.#operations.get(message.ref)
        this.#operations.delete(message.ref)
        // A pause holds no work: a switchover may be on its way beside it.
        if (!this.#pauses.delete(message.ref)) this.#out.operationEnded()
        done?.(message)
        return
      }
      default:
    }
  }

  lost(reason: string): void {
    this.#status = null
    for (const done of this.#operations.values()) {
      done({ ok: false, detail: 'the pair unit died', tookMs: 0 })
    }
    this.#operations.clear()
    this.#out.lost(reason)
  }
}
