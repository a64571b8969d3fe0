//! Control requests to the peer and their answers over the sync frames. A request is done at most once:
//! it names the boot it is meant for, and a repeated one gets the answer given before.
import { limits } from '../limits.ts'
import type { SyncBody } from '../wire/sync-frame-types.ts'
import { firstRef } from './boot-gate.ts'

type PeerFailure = 'no-peer' | 'timeout' | 'too-long'

export type ChannelOutput =
  /** Answer it with `answer(boot, ref, body, now)`. */
  | { kind: 'peer-request'; boot: string; ref: number; body: string }
  /** `body` is null when there was a failure. */
  | { kind: 'peer-response'; ref: number; body: string | null; failure: PeerFailure | null }

/** Repetition of a request that is not answered yet. */
const repeatMs = 150
/** Answers kept for repeated requests, and boots whose counters are kept. */
const answersMax = 64
const unknownBoot = '0'.repeat(16)
/** First character of a response. */
const mark = { answer: '+', wrongBoot: '?', tooLong: '!' } as const

interface ControlFrame {
  readonly bootId: string
  readonly ref: number
  readonly body: string
}

interface Question {
  readonly body: string
  readonly untilMs: number
  dueMs: number
}

export class PeerChannel {
  readonly #ownBoot: string
  #peerBoot = unknownBoot
  #nextRef: number
  readonly #questions = new Map<number, Question>()
  #failed: ChannelOutput[] = []
  /** Highest reference number heard of the peer's present boot, and the answers given to it. */
  #heard = { boot: unknownBoot, ref: 0 }
  readonly #answers = new Map<number, string | null>()

  constructor(ownBoot: string) {
    this.#ownBoot = ownBoot
    this.#nextRef = firstRef(ownBoot)
  }

  /** @returns the reference number under which the `peer-response` comes. */
  ask(body: string, nowMs: number): number {
    const ref = this.#nextRef++
    if (byteLength(body) > limits.peerAnswerBytesMax) {
      this.#failed.push(failed(ref, 'too-long'))
      return ref
    }
    this.#questions.set(ref, { body, untilMs: nowMs + limits.peerAnswerMsMax, dueMs: nowMs })
    return ref
  }

  /** @returns the frame with the answer; null when the request is not open. */
  answer(boot: string, ref: number, body: string): SyncBody | null {
    if (boot !== this.#heard.boot || this.#answers.get(ref) !== null) return null
    const fits = byteLength(body) <= limits.peerAnswerBytesMax
    const text = fits ? mark.answer + body : mark.tooLong
    this.#answers.set(ref, text)
    return { kind: 'response', ref, body: text }
  }

  request({ bootId: boot, ref, body }: ControlFrame): {
    reply?: SyncBody
    output?: ChannelOutput
  } {
    if (body.slice(0, 16) !== this.#ownBoot) {
      return { reply: { kind: 'response', ref, body: mark.wrongBoot } }
    }
    if (boot !== this.#heard.boot) {
      this.#heard = { boot, ref: 0 }
      this.#answers.clear()
    }
    const given = this.#answers.get(ref)
    if (typeof given === 'string') return { reply: { kind: 'response', ref, body: given } }
    if (given === null || ref <= this.#heard.ref - answersMax) return {}
    this.#heard.ref = Math.max(this.#heard.ref, ref)
    this.#answers.set(ref, null)
    for (const old of this.#answers.keys()) {
      if (old <= this.#heard.ref - answersMax) this.#answers.delete(old)
    }
    return { output: { kind: 'peer-request', boot, ref, body: body.slice(16) } }
  }

  response({ bootId: boot, ref, body }: ControlFrame, nowMs: number): ChannelOutput | null {
    const question = this.#questions.get(ref)
    if (question === undefined) return null
    if (body[0] === mark.wrongBoot) {
      // The peer was started anew, or we never heard its boot: ask that one.
      if (boot !== this.#peerBoot) question.dueMs = nowMs
      this.#peerBoot = boot
      return null
    }
    this.#questions.delete(ref)
    if (body[0] !== mark.answer) return failed(ref, 'too-long')
    return { kind: 'peer-response', ref, body: body.slice(1), failure: null }
  }

  /** @param alive false: nobody can answer. */
  advance(nowMs: number, alive: boolean): { bodies: SyncBody[]; outputs: ChannelOutput[] } {
    const bodies: SyncBody[] = []
    const outputs = this.#failed
    this.#failed = []
    for (const [ref, question] of this.#questions) {
      if (!alive || nowMs >= question.untilMs) {
        this.#questions.delete(ref)
        outputs.push(failed(ref, alive ? 'timeout' : 'no-peer'))
      } else if (nowMs >= question.dueMs) {
        question.dueMs = Math.min(nowMs + repeatMs, question.untilMs)
        bodies.push({ kind: 'request', ref, body: this.#peerBoot + question.body })
      }
    }
    return { bodies, outputs }
  }

  nextTimerMs(): number {
    let next = this.#failed.length > 0 ? 0 : Number.POSITIVE_INFINITY
    for (const { dueMs } of this.#questions.values()) next = Math.min(next, dueMs)
    return next
  }
}

function failed(ref: number, failure: PeerFailure): ChannelOutput {
  return { kind: 'peer-response', ref, body: null, failure }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
