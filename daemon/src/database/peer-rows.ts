//! Questions to the peer's database: one at a time, repeated until answered, given up after a time.
import { messageLengthMax, parseReply, type RowMessage, type RowReply } from './row-messages.ts'

const repeatMs = 100
/** ... while the peer says that it is at work on it. */
const repeatAtWorkMs = 500
const giveUpMs = 3_000
/** A change of 10,000 rows takes a busy node some seconds; one that takes longer than this hangs. */
const atWorkMsMax = 60_000

interface Open {
  readonly ref: number
  readonly body: string
  /** Given up then, whatever it says. */
  readonly endMs: number
  untilMs: number
  dueMs: number
  resolve(reply: RowReply | null): void
}

export class PeerRows {
  readonly #send: (ref: number, body: string) => void
  #nextRef: number
  #nowMs = 0
  #open: Open | null = null
  #queue: Promise<unknown> = Promise.resolve()

  /** @param firstRef of this life: what answers an earlier one answers nothing of this. */
  constructor(send: (ref: number, body: string) => void, firstRef: number) {
    this.#send = send
    this.#nextRef = firstRef
  }

  /** @returns null when the peer does not answer or refuses. */
  ask<O extends RowMessage['op']>(
    message: RowMessage & { op: O },
  ): Promise<Extract<RowReply, { op: O }> | null> {
    const result = this.#queue.then(() => this.#exchange(message))
    this.#queue = result
    return result.then((reply) =>
      reply?.op === message.op ? (reply as Extract<RowReply, { op: O }>) : null,
    )
  }

  receive(ref: number, body: string, nowMs: number): void {
    this.#nowMs = nowMs
    const open = this.#open
    const reply = open?.ref === ref ? parseReply(body) : null
    if (open === null || reply === null) return
    if (reply.op === 'at-work') {
      open.untilMs = Math.min(nowMs + giveUpMs, open.endMs)
      open.dueMs = nowMs + repeatAtWorkMs
      return
    }
    this.#open = null
    open.resolve(reply)
  }

  advance(nowMs: number): void {
    this.#nowMs = nowMs
    const open = this.#open
    if (open === null || nowMs < open.dueMs) return
    if (nowMs >= open.untilMs) {
      this.#open = null
      open.resolve(null)
      return
    }
    open.dueMs = nowMs + repeatMs
    this.#send(open.ref, open.body)
  }

  nextTimerMs(): number {
    return this.#open?.dueMs ?? Number.POSITIVE_INFINITY
  }

  #exchange(message: RowMessage): Promise<RowReply | null> {
    const body = JSON.stringify(message)
    return new Promise((resolve) => {
      const ref = this.#nextRef++
      const untilMs = this.#nowMs + giveUpMs
      const endMs = this.#nowMs + atWorkMsMax
      this.#open = { ref, body, untilMs, endMs, dueMs: this.#nowMs + repeatMs, resolve }
      this.#send(ref, body)
    })
  }
}

/** Cuts a list so that each part, as text, fits into one message. */
export function inParts<T>(items: readonly T[]): T[][] {
  const parts: T[][] = []
  let length = messageLengthMax
  for (const item of items) {
    const size = JSON.stringify(item).length + 1
    const part = parts.at(-1)
    if (part === undefined || length + size > messageLengthMax) {
      parts.push([item])
      length = size
    } else {
      part.push(item)
      length += size
    }
  }
  return parts
}
