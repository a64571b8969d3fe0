//! Two replicators over a simulated network, for the tests: loss, duplicates, reorder, one seed.
import { Replicator, type ReplicatorOutput } from '../../src/replication/replicator.ts'
import { tableNames } from '../../src/tables/address.ts'
import { type AnyRecord, Tables } from '../../src/tables/tables.ts'
import { plainUser } from '../tables/plain-records.ts'

const key = new Uint8Array(32).fill(7)
const linkCount = 2

export interface Faults {
  readonly loss: number
  readonly duplicate: number
  readonly reorderMs: number
}
export const calm: Faults = { loss: 0, duplicate: 0, reorderMs: 0 }

export interface Side {
  name: string
  tables: Tables
  replicator: Replicator
  outputs: ReplicatorOutput[]
  /** Rebuilds are answered after this time; null: never. */
  rebuildMs: number | null
  rebuildOk: boolean
  /** Asked for each rebuild. */
  rebuildFails: () => boolean
}

interface Event {
  atMs: number
  order: number
  run(): void
}

/** Deterministic random numbers (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

export class PairSimulation {
  nowMs = 1_000
  faults: Faults
  cut = false
  readonly a: Side
  readonly b: Side
  readonly captured: { from: Side; bytes: Uint8Array }[] = []
  #events: Event[] = []
  #order = 0
  #boots = 0
  #lost = 0
  readonly #random: () => number

  constructor(seed = 1, faults: Faults = calm) {
    this.#random = randomOf(seed)
    this.faults = faults
    this.a = this.#makeSide('a')
    this.b = this.#makeSide('b')
  }

  /** The n-th datagram of either node is lost on every link. */
  loseNth(nth: number): void {
    this.#lost = nth
  }

  /** A is primary, B is standby, they hear each other. */
  join(term = 1): void {
    this.act(this.a, () => this.a.replicator.setRole('primary', term, this.nowMs))
    this.act(this.b, () => this.b.replicator.setRole('standby', term, this.nowMs))
    this.setPeers(true)
  }

  setPeers(alive: boolean): void {
    this.cut = !alive
    for (const side of [this.a, this.b]) {
      this.act(side, () => side.replicator.setPeer(alive, this.nowMs))
    }
  }

  /** A new process with empty tables in the place of this one. */
  restart(side: Side): void {
    Object.assign(side, this.#makeSide(side.name))
  }

  act(side: Side, action: () => ReplicatorOutput[] | undefined): void {
    this.#handle(side, action() ?? [])
    this.#handle(side, side.replicator.advance(this.nowMs))
  }

  change(side: Side, action: (tables: Tables) => void): void {
    this.act(side, () => {
      action(side.tables)
      return undefined
    })
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs
    for (;;) {
      const event = this.#events[0]
      const timers = [this.a, this.b].map((side) => side.replicator.nextTimerMs())
      const nextMs = Math.max(Math.min(event?.atMs ?? Infinity, ...timers), this.nowMs)
      if (nextMs > untilMs) break
      this.nowMs = nextMs
      if (event !== undefined && event.atMs <= nextMs) {
        this.#events.shift()
        event.run()
      } else for (const side of [this.a, this.b]) this.act(side, () => undefined)
    }
    this.nowMs = untilMs
  }

  /** Runs until the condition holds. @returns false when it never does. */
  runUntil(condition: () => boolean, forMs = 120_000): boolean {
    const untilMs = this.nowMs + forMs
    while (!condition() && this.nowMs < untilMs) this.run(5)
    return condition()
  }

  equal(): boolean {
    return tableNames.every((name) => this.a.tables.hash(name) === this.b.tables.hash(name))
  }

  settled(): boolean {
    const sides = [this.a, this.b]
    const done = ({ replicator }: Side) =>
      replicator.inStep(this.nowMs) && replicator.pending() === 0
    return sides.every(done) && this.equal()
  }

  #makeSide(name: string): Side {
    const tables = new Tables()
    const bootId = (++this.#boots).toString(16).padStart(16, name)
    const replicator = new Replicator({ tables, key, bootId })
    tables.onChange((change, _previous, _next, origin) => {
      if (origin === 'local') replicator.changed(change)
    })
    return {
      name,
      tables,
      replicator,
      outputs: [],
      rebuildMs: 0,
      rebuildOk: true,
      rebuildFails: () => false,
    }
  }

  #handle(side: Side, outputs: readonly ReplicatorOutput[]): void {
    for (const output of outputs) {
      side.outputs.push(output)
      if (output.kind === 'datagram') this.#transmit(side, output)
      if (output.kind !== 'rebuild' || side.rebuildMs === null) continue
      const { replicator } = side
      const ok = side.rebuildOk && !side.rebuildFails()
      this.#at(this.nowMs + side.rebuildMs, () => {
        if (side.replicator !== replicator) return
        this.act(side, () => replicator.rebuilt(output.token, ok, this.nowMs))
      })
    }
  }

  #transmit(from: Side, output: Extract<ReplicatorOutput, { kind: 'datagram' }>): void {
    this.captured.push({ from, bytes: output.bytes })
    if (this.captured.length === this.#lost) return
    const links = output.link === 'all' ? [...Array(linkCount).keys()] : [output.link]
    for (const link of links) {
      const copies = this.#random() < this.faults.duplicate ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        if (this.cut || this.#random() < this.faults.loss) continue
        this.deliver(from, output.bytes, {
          link,
          delayMs: 0.1 + this.#random() * this.faults.reorderMs,
        })
      }
    }
  }

  deliver(from: Side, bytes: Uint8Array, { link = 0, delayMs = 0 }): void {
    this.#at(this.nowMs + delayMs, () => {
      if (this.cut) return
      const to = from === this.a ? this.b : this.a
      this.act(to, () => to.replicator.receive(bytes, link, this.nowMs))
    })
  }

  #at(atMs: number, run: () => void): void {
    const event = { atMs, order: this.#order++, run }
    const index = this.#events.findIndex((other) => other.atMs > atMs)
    this.#events.splice(index < 0 ? this.#events.length : index, 0, event)
  }
}

export function user(name: string, cseq = 1): AnyRecord & { user: string } {
  const contact = `sip:${name}@192.0.2.1`
  const times = { registeredAtMs: 1, expiresAtMs: 2 }
  const endpoint = { address: '192.0.2.1', port: 5060 }
  return plainUser(name, endpoint, { contact, ...times, callId: 'call', cseq })
}
