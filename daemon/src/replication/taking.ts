//! Two primaries met (ADR 0001). The winner collects the parts of a gift; when all are there, the
//! composing file adopts them, and this side tells the giver, as often as it asks. Only while the pair
//! says that two primaries met, and in the present term: a recording of a gift changes nothing.
//! Pure: time is an argument.
import { limits } from '../limits.ts'
import type { SyncBody } from '../wire/sync-frame-types.ts'

type GiveBody = Extract<SyncBody, { kind: 'give' }>

interface Gift {
  readonly boot: string
  readonly ref: number
  readonly parts: (string | null)[]
  missing: number
  /** What was made of it, once that is known. */
  answer: string | null
}

interface Taken {
  readonly reply?: SyncBody
  /** All parts, in order: once. */
  readonly bodies?: readonly string[]
}

export class Taking {
  #untilMs = 0
  #gift: Gift | null = null

  /** Two primaries met, and this node stays primary. */
  open(nowMs: number): void {
    this.#untilMs = nowMs + limits.mergeMsMax
    if (this.#gift?.answer !== null) this.#gift = null
  }

  /** The peer asks for everything: it has given what it had, or nothing. */
  close(): void {
    this.#untilMs = 0
  }

  isOpen(nowMs: number): boolean {
    return nowMs < this.#untilMs
  }

  receive(boot: string, frame: GiveBody, nowMs: number): Taken | 'closed' {
    const gift = this.#giftOf(boot, frame, nowMs)
    if (gift === null) return 'closed'
    const { ref, index } = frame
    if (gift.answer !== null) return { reply: { kind: 'given', ref, body: gift.answer } }
    const reply: SyncBody = { kind: 'give-ack', ref, index }
    if (gift.parts[index] !== null) return { reply }
    gift.parts[index] = frame.body
    gift.missing--
    if (gift.missing > 0) return { reply }
    return { reply, bodies: gift.parts.filter((part) => part !== null) }
  }

  /** The gift is in the tables.
   * @returns what the giver is told; null when there is no gift. */
  adopted(body: string): SyncBody | null {
    if (this.#gift === null || this.#gift.missing > 0) return null
    this.#gift.answer = body
    this.#gift.parts.fill(null)
    return { kind: 'given', ref: this.#gift.ref, body }
  }

  #giftOf(boot: string, { ref, count }: GiveBody, nowMs: number): Gift | null {
    const known = this.#gift
    if (known !== null && known.boot === boot && known.ref === ref) {
      return known.parts.length === count ? known : null
    }
    // One gift at a time: while one is being adopted, another cannot begin.
    const isBusy = known !== null && known.missing === 0 && known.answer === null
    if (!this.isOpen(nowMs) || isBusy || count > limits.mergePartsMax) return null
    if (known !== null && known.boot === boot && ref < known.ref) return null
    const parts = Array.from({ length: count }, () => null)
    this.#gift = { boot, ref, parts, missing: count, answer: null }
    return this.#gift
  }
}
