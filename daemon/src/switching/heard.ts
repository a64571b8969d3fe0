//! What a standby heard on the SIP port and its primary did not answer. When the standby becomes
//! primary, such a message is taken as if the terminal had repeated it just now: nobody waits for
//! timer A or E. A message that was answered is left alone, as far as this node can know.
import { limits } from '../limits.ts'
import type { Endpoint, SipMessage, SipRequest, SipResponse } from '../wire/sip/message.ts'
import { parseSip } from '../wire/sip/parse.ts'
import { tagOf } from './dialog/dialog.ts'
import { remoteSeqOf } from './dialog/early-dialog.ts'
import { bindingsOf } from './registrar/bindings.ts'
import { acknowledgedIds, cancelledId, clientId, serverId } from './transaction/match.ts'
import type { Exchange } from './wired/exchange.ts'
import { namesOf } from './wired/names.ts'

interface Datagram {
  readonly bytes: Uint8Array
  readonly source: Endpoint
  readonly atMs: number
}

interface LateMessage {
  readonly message: SipRequest | SipResponse
  readonly source: Endpoint
  /** When it was heard. */
  readonly atMs: number
}

export class HeardMessages {
  #ring: Datagram[] = []
  #bytes = 0
  /** By transaction, in the order of arrival. */
  readonly #waiting = new Map<string, LateMessage>()

  /** Those that wait for an answer. */
  get size(): number {
    return this.#waiting.size
  }

  /** A datagram that this standby leaves to its primary. */
  keep(bytes: Uint8Array, source: Endpoint, nowMs: number): void {
    if (bytes.length > limits.sipMessageBytesMax) return
    this.#ring.push({ bytes: Uint8Array.from(bytes), source, atMs: nowMs })
    this.#bytes += bytes.length
    let gone = 0
    while (this.#isOver(this.#ring[gone], this.#ring.length - gone, nowMs)) {
      this.#bytes -= this.#ring[gone]?.bytes.length ?? 0
      gone += 1
    }
    if (gone > 0) this.#ring.splice(0, gone)
  }

  #isOver(oldest: Datagram | undefined, count: number, nowMs: number): boolean {
    if (oldest === undefined) return false
    const isFull = count > limits.heardMax || this.#bytes > limits.heardBytesMax
    return isFull || nowMs - oldest.atMs > limits.heardMs
  }

  /** This node serves now. `servedAtMs`: last sign of life of the peer's switch; null: there was none,
   * so that nothing can have been answered. */
  begin(servedAtMs: number | null, nowMs: number): void {
    const fromMs = Math.max(
      nowMs - limits.heardMs,
      servedAtMs === null ? 0 : servedAtMs - limits.heardMarginMs,
    )
    const ring = this.#ring
    this.clear()
    for (const { bytes, source, atMs } of ring) {
      if (atMs < fromMs) continue
      const message = parseSip(bytes)
      if (message.kind === 'malformed') continue
      this.meet(message)
      this.#waiting.set(keyOf(message), { message, source, atMs })
    }
  }

  /** A message that came later shows what the terminal has got, or asks for the same. */
  meet(message: SipMessage): void {
    if (this.#waiting.size === 0) return
    this.#waiting.delete(keyOf(message))
    if (message.kind === 'response') return
    if (message.method === 'ACK') {
      for (const { id } of acknowledgedIds(message)) this.#waiting.delete(id)
    }
    if (message.method === 'CANCEL') this.#waiting.delete(cancelledId(message))
    for (const [key, { message: earlier }] of this.#waiting) {
      if (earlier.kind === 'request' && isSuperseded(earlier, message)) this.#waiting.delete(key)
    }
  }

  /** What is due: an answer of the old primary and the terminal's next word had time to cross. */
  take(nowMs: number): LateMessage[] {
    const due: LateMessage[] = []
    for (const [key, late] of this.#waiting) {
      if (late.atMs + limits.heardSettleMs > nowMs) continue
      this.#waiting.delete(key)
      due.push(late)
    }
    return due
  }

  /** Monotonic milliseconds of the next call of `take`; null: nothing waits. */
  nextMs(): number | null {
    let next: number | null = null
    for (const { atMs } of this.#waiting.values()) {
      const dueMs = atMs + limits.heardSettleMs
      if (next === null || dueMs < next) next = dueMs
    }
    return next
  }

  clear(): void {
    this.#ring = []
    this.#bytes = 0
    this.#waiting.clear()
  }
}

function keyOf(message: SipMessage): string {
  if (message.kind === 'request') return serverId(message)
  // Each status is news of its own.
  return `${clientId(message)}|${message.status}`
}

/** A terminal that goes on in its dialog or its registration has got the answer before. The ACK of a
 * 2xx has the number of its INVITE. */
function isSuperseded(earlier: SipRequest, later: SipRequest): boolean {
  if (earlier.callId !== later.callId || tagOf(earlier.from) !== tagOf(later.from)) return false
  if (later.cseq.number > earlier.cseq.number) return earlier.method !== 'ACK'
  return (
    later.method === 'ACK' &&
    earlier.method === 'INVITE' &&
    later.cseq.number === earlier.cseq.number
  )
}

/** True for what a terminal waits for: an ACK and a response ask for nothing, and a repetition is absorbed by
 * the transaction that the records restored. */
export function wantsAnswer({ layer }: Exchange, { message }: LateMessage): boolean {
  return message.kind === 'request' && message.method !== 'ACK' && !layer.isLive(message)
}

/** True when the records or the restored transactions do not show that it was dealt with. A live
 * transaction takes it as the repetition it is. */
export function isUnanswered(exchange: Exchange, { message }: LateMessage): boolean {
  const { layer, sessions, options } = exchange
  if (layer.isLive(message)) return true
  if (message.kind === 'response' || message.method === 'CANCEL') return false
  const toTag = tagOf(message.to)
  if (toTag !== null) {
    const member = sessions.memberOf(sessions.leg(message.callId, toTag))
    if (member === undefined) return false
    if (message.method === 'ACK') return true
    // A refused INFO leaves no trace, and a digit that is dialled twice is worse than a late one.
    if (message.method === 'INFO') return false
    const remoteSeq = remoteSeqOf(member.dialog, message)
    return remoteSeq === null || message.cseq.number > remoteSeq
  }
  if (message.method === 'INVITE') {
    const { callerTag } = namesOf(message, options.secret)
    return sessions.leg(message.callId, callerTag) === undefined
  }
  const user = options.tables.user.get(message.to.uri.user ?? '')
  const isRegistered =
    user !== undefined &&
    bindingsOf(user).some(
      ({ callId, cseq }) => callId === message.callId && cseq >= message.cseq.number,
    )
  return !(message.method === 'REGISTER' && isRegistered)
}
