//! Replicate before answering (ADR 0004): a SIP message that reveals a state leaves when the records
//! behind it are on the standby, or after `replicateBeforeAnswerMsMax`. Messages of one session never
//! overtake each other; sessions do not wait for each other.
import { limits } from '../limits.ts'
import type { Outgoing } from './transaction/layer-types.ts'

/** Names one thing to wait for, e.g. one version of one record. */
type Gate = string

interface Held {
  readonly outgoing: Outgoing
  readonly gates: Set<Gate>
  readonly deadlineMs: number
}

interface Released {
  readonly send: Outgoing[]
  /** Sessions of which a message left although a gate was still closed. */
  readonly late: string[]
}

export class Outbox {
  readonly #queues = new Map<string, Held[]>()
  /** Sessions that wait for a gate. */
  readonly #waiting = new Map<Gate, Set<string>>()

  get size(): number {
    let size = 0
    for (const queue of this.#queues.values()) size += queue.length
    return size
  }

  /** @returns what may leave now: the message itself when nothing holds it back. */
  push(
    session: string,
    outgoing: Outgoing,
    hold: { gates: readonly Gate[]; nowMs: number },
  ): Outgoing[] {
    const queue = this.#queues.get(session) ?? []
    if (queue.length === 0 && hold.gates.length === 0) return [outgoing]
    queue.push({
      outgoing,
      gates: new Set(hold.gates),
      deadlineMs: hold.nowMs + limits.replicateBeforeAnswerMsMax,
    })
    this.#queues.set(session, queue)
    for (const gate of hold.gates) {
      const sessions = this.#waiting.get(gate) ?? new Set()
      sessions.add(session)
      this.#waiting.set(gate, sessions)
    }
    return []
  }

  /** One gate opened, e.g. a record was acknowledged. */
  open(gate: Gate): Outgoing[] {
    const sessions = this.#waiting.get(gate)
    if (sessions === undefined) return []
    this.#waiting.delete(gate)
    const send: Outgoing[] = []
    for (const session of sessions) {
      for (const held of this.#queues.get(session) ?? []) held.gates.delete(gate)
      send.push(...this.#drain(session))
    }
    return send
  }

  /** Lets go what has waited for too long, in order. */
  advance(nowMs: number): Released {
    const send: Outgoing[] = []
    const late: string[] = []
    for (const [session, queue] of this.#queues) {
      let expired = false
      for (const held of queue) {
        if (held.deadlineMs > nowMs || held.gates.size === 0) continue
        expired = true
        this.#forget(session, held)
      }
      if (expired) late.push(session)
      send.push(...this.#drain(session))
    }
    return { send, late }
  }

  /** Monotonic time of the next deadline, or null. */
  nextTimerMs(): number | null {
    let next: number | null = null
    for (const queue of this.#queues.values()) {
      const deadlineMs = queue[0]?.deadlineMs
      if (deadlineMs !== undefined && (next === null || deadlineMs < next)) next = deadlineMs
    }
    return next
  }

  /** Drops everything: the node is standby now and sends no SIP. */
  clear(): void {
    this.#queues.clear()
    this.#waiting.clear()
  }

  #forget(session: string, held: Held): void {
    for (const gate of held.gates) {
      const sessions = this.#waiting.get(gate)
      sessions?.delete(session)
      if (sessions?.size === 0) this.#waiting.delete(gate)
    }
    held.gates.clear()
  }

  #drain(session: string): Outgoing[] {
    const queue = this.#queues.get(session) ?? []
    let count = 0
    while (queue[count]?.gates.size === 0) count++
    const send = queue.splice(0, count).map((held) => held.outgoing)
    if (queue.length === 0) this.#queues.delete(session)
    return send
  }
}
