//! Requests in dialogs that a node which serves alone does not know. Its peer may serve as well, on the other
//! side of a cut, and have the call: a 481 would end it there. Whoever serves it answers the first copy;
//! what is said again and again is nobody's, and is refused.
import type { SipRequest } from '../wire/sip/message.ts'

/** RFC 3261 17.1.1.2 and 17.1.2.1 over UDP: repetitions come 0.5, 1.5 and 3.5 s after the first copy. */
const patienceMs = 1_000
/** A request is not repeated for longer (timer F). */
const forgottenMs = 32_000
const requestsMax = 1_024

export class UnknownDialogs {
  /** When each came first; the oldest first. */
  readonly #firstMs = new Map<string, number>()

  /** @returns true when nobody has answered it in a second of repetitions. */
  isNobodys({ method, callId, cseq }: SipRequest, nowMs: number): boolean {
    const name = `${method} ${cseq.number} ${callId}`
    const firstMs = this.#firstMs.get(name)
    if (firstMs !== undefined && nowMs - firstMs < forgottenMs) return nowMs - firstMs >= patienceMs
    this.#firstMs.delete(name)
    for (const [oldest, atMs] of this.#firstMs) {
      if (nowMs - atMs < forgottenMs && this.#firstMs.size < requestsMax) break
      this.#firstMs.delete(oldest)
    }
    this.#firstMs.set(name, nowMs)
    return false
  }
}
