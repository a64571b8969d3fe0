//! What was ordered and what came of it (`vccs op`): each operation has a number under which its
//! outcome can be asked for later. Bounded; times and numbers are given.
import type { Operation, OperationKind } from '../control/operation-schema.ts'
import { limits } from '../limits.ts'

export interface Order {
  readonly kind: OperationKind
  readonly operator: string
  readonly via: Operation['via']
  readonly reason: string
}

export interface Outcome {
  readonly state: 'done' | 'refused' | 'failed' | 'unknown'
  readonly detail: string
  readonly tookMs: number | null
  readonly report?: Operation['report']
}

const interrupted = 'the switch unit was started anew before the end; see `vccs history`'

export class Operations {
  readonly #node: string
  readonly #byId = new Map<string, Operation>()

  /** @param kept of an earlier life, the oldest first. */
  constructor(node: string, kept: readonly Operation[], nowWallMs: number) {
    this.#node = node
    for (const one of kept) this.#put(one)
    // Of our own none can be running: we just began.
    for (const one of this.#byId.values()) {
      if (one.node !== node || one.state !== 'running') continue
      const endedAt = new Date(nowWallMs).toISOString()
      this.#byId.set(one.id, { ...one, endedAt, state: 'unknown', detail: interrupted })
    }
  }

  /** @param newId gives a number that nobody can have used; asked again until it is free. */
  begin(order: Order, nowWallMs: number, newId: () => string): Operation {
    let id = newId()
    while (this.#byId.has(id)) id = newId()
    const operation: Operation = {
      id,
      ...order,
      node: this.#node,
      startedAt: new Date(nowWallMs).toISOString(),
      endedAt: null,
      state: 'running',
      detail: '',
      tookMs: null,
      progress: null,
      report: null,
    }
    this.#put(operation)
    return operation
  }

  progress(id: string, progress: NonNullable<Operation['progress']>): void {
    const one = this.#byId.get(id)
    if (one?.state === 'running') this.#byId.set(id, { ...one, progress })
  }

  /** @returns the ended operation; null when it is not running. */
  end(id: string, outcome: Outcome, nowWallMs: number): Operation | null {
    const one = this.#byId.get(id)
    if (one === undefined || one.state !== 'running') return null
    const { state, detail, tookMs, report } = outcome
    const endedAt = new Date(nowWallMs).toISOString()
    const ended = { ...one, state, detail, tookMs, endedAt, report: report ?? null }
    this.#byId.set(id, ended)
    return ended
  }

  /** What the peer tells of an operation of its own. One that ended stays as it ended. */
  copy(operation: Operation): void {
    if (operation.node === this.#node) return
    const known = this.#byId.get(operation.id)
    if (known !== undefined && known.node !== operation.node) return
    if (known !== undefined && known.state !== 'running' && operation.state === 'running') return
    if (known !== undefined) {
      this.#byId.set(operation.id, operation)
      return
    }
    // The peer may not have been able to tell it at once: it comes before what began later.
    const later = this.list().filter(({ startedAt }) => startedAt > operation.startedAt)
    for (const { id } of later) this.#byId.delete(id)
    for (const one of [operation, ...later.reverse()]) this.#put(one)
  }

  get(id: string): Operation | null {
    return this.#byId.get(id) ?? null
  }

  /** The newest first. */
  list(): Operation[] {
    return [...this.#byId.values()].reverse()
  }

  /** One of these kinds that is on its way on this node or, by its word, on the peer. */
  running(...kinds: readonly OperationKind[]): Operation | null {
    const isIt = (one: Operation) => one.state === 'running' && kinds.includes(one.kind)
    return this.list().find(isIt) ?? null
  }

  #put(operation: Operation): void {
    this.#byId.set(operation.id, operation)
    for (const id of this.#byId.keys()) {
      if (this.#byId.size <= limits.operationsKept) return
      this.#byId.delete(id)
    }
  }
}
