//! Requests in dialogs that this node does not know and its peer may have: a 481 would end the call there.
//! While two primaries merge, its session is on the way here, and the terminal says it again. A node that
//! serves alone may have a peer that serves as well, on the other side of a cut. Whoever serves the call
//! answers the first copy; what is said again and again is nobody's, and is refused.
import type { SipRequest, SipResponse } from '../wire/sip/message.ts'

/** RFC 3261 17.1.1.2 and 17.1.2.1 over UDP: repetitions come 0.5, 1.5 and 3.5 s after the first copy. */
const patienceMs = 1_000
/** A request is not repeated for longer (timer F). */
const forgottenMs = 32_000
const requestsMax = 1_024

export class UnknownDialogs {
  /** No peer is heard: it is dead, or on the other side of a cut and serves as well. */
  isAlone = false
  /** Until then sessions of the peer may be on their way here (ADR 0001: two primaries met). */
  awaitsUntilMs = 0
  readonly #isUnknown: (request: SipRequest) => boolean
  /** When each came first; the oldest first. */
  readonly #firstMs = new Map<string, number>()

  /** @param isUnknown whether a request is of a dialog that is not here */
  constructor(isUnknown: (request: SipRequest) => boolean) {
    this.#isUnknown = isUnknown
  }

  /** True when it has to be left to the peer, which may have its session. */
  mayBeOfPeer(message: SipRequest | SipResponse, nowMs: number): boolean {
    const awaits = nowMs < this.awaitsUntilMs
    if (message.kind === 'response' || !(awaits || this.isAlone)) return false
    return this.#isUnknown(message) && (awaits || !this.#isNobodys(message, nowMs))
  }

  /** @returns true when nobody has answered it in a second of repetitions. */
  #isNobodys({ method, callId, cseq }: SipRequest, nowMs: number): boolean {
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
