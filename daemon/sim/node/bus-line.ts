//! One connection of the bus between two processes of a node: in order, nothing lost while both live.
import { type BusMessage, busMessageSchema } from '../../src/bus/messages.ts'
import type { BusPeer } from '../../src/platform/stream.ts'
import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import type { Process } from './process.ts'

/** Milliseconds from one process to the other over a unix socket. */
const delayMs = 0.05
/** One message in so many goes through its text and schema, as all do in the real one. */
const checkedEvery = 64

class LineEnd implements BusPeer {
  readonly process: Process
  readonly boot: number
  #line: BusLine
  #onMessage: ((message: BusMessage) => void) | null = null
  #onClose: ((reason: string) => void) | null = null
  #early: BusMessage[] = []
  #lastAtMs = 0
  readonly queuedBytes = 0

  constructor(line: BusLine, process: Process) {
    this.#line = line
    this.process = process
    this.boot = process.boot
  }

  send(message: BusMessage): boolean {
    return this.#line.carry(this, message)
  }

  sendAll(messages: readonly BusMessage[]): boolean {
    return messages.every((message) => this.send(message))
  }

  onMessage(handler: (message: BusMessage) => void): void {
    this.#onMessage = handler
    for (const message of this.#early.splice(0)) handler(message)
  }

  onClose(handler: (reason: string) => void): void {
    this.#onClose = handler
  }

  close(): void {
    this.#line.close('closed')
  }

  arrive(atMs: number, message: BusMessage): void {
    this.#inOrder(atMs, () => {
      if (this.#onMessage === null) this.#early.push(message)
      else this.#onMessage(message)
    })
  }

  end(atMs: number, reason: string): void {
    this.#inOrder(atMs, () => this.#onClose?.(reason))
  }

  #inOrder(atMs: number, run: () => void): void {
    if (this.process.boot !== this.boot) return
    this.#lastAtMs = Math.max(atMs, this.#lastAtMs)
    this.process.deliver(this.#lastAtMs, run)
  }
}

export class BusLine {
  readonly ends: readonly [LineEnd, LineEnd]
  readonly #timeline: Timeline
  readonly #random: Random
  #open = true
  #count = 0
  #whenClosed: () => void = () => undefined

  constructor(timeline: Timeline, random: Random, processes: readonly [Process, Process]) {
    this.#timeline = timeline
    this.#random = random
    this.ends = [new LineEnd(this, processes[0]), new LineEnd(this, processes[1])]
  }

  get open(): boolean {
    return this.#open
  }

  carry(from: LineEnd, message: BusMessage): boolean {
    if (!this.#open) return false
    this.#count++
    const sent = this.#count % checkedEvery === 0 ? throughText(message) : message
    const atMs = this.#timeline.nowMs + delayMs * (1 + this.#random.unit())
    this.#other(from).arrive(atMs, sent)
    return true
  }

  /** Both ends are told; what is under way still comes. */
  close(reason: string): void {
    if (!this.#open) return
    this.#open = false
    for (const end of this.ends) end.end(this.#timeline.nowMs + delayMs, reason)
    this.#whenClosed()
  }

  /** For the client, which connects again. */
  whenClosed(run: () => void): void {
    this.#whenClosed = run
  }

  #other(end: LineEnd): LineEnd {
    return this.ends[0] === end ? this.ends[1] : this.ends[0]
  }
}

/** @throws when the message does not conform: the real bus would cut the sender off. */
function throughText(message: BusMessage): BusMessage {
  return busMessageSchema.parse(JSON.parse(JSON.stringify(message)))
}
