//! What the transaction layer (RFC 3261 17) and its user, the core, say to each other.
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'

/** `branch|sent-by|method` of RFC 3261 17.2.3. */
export type ServerId = string & { readonly brand?: 'server' }
/** `branch|method` of RFC 3261 17.1.3. */
export type ClientId = string & { readonly brand?: 'client' }

/** What the layer tells its user. Retransmissions never come up. */
export type TransactionEvent =
  | { kind: 'request'; id: ServerId; request: SipRequest; source: Endpoint }
  /** ACK of a 2xx: it belongs to no transaction. */
  | { kind: 'ack'; request: SipRequest; source: Endpoint }
  /** CANCEL of a live INVITE transaction `id`; the layer has answered the CANCEL with 200 itself. */
  | { kind: 'cancel'; id: ServerId; request: SipRequest }
  /** Every response of a live client transaction, including each repeated 2xx of an INVITE. */
  | { kind: 'response'; id: ClientId; response: SipResponse }
  /** Timer B or F: no answer at all. */
  | { kind: 'timeout'; id: ClientId }
  /** Timer H: our final non-2xx answer was never acknowledged. */
  | { kind: 'unacknowledged'; id: ServerId }
  /** A response that matches no client transaction (a 2xx after a take-over, a late one). */
  | { kind: 'stray-response'; response: SipResponse; source: Endpoint }

/** A datagram to send. */
export interface Outgoing {
  readonly text: string
  readonly to: Endpoint
}

/** What one call into the layer leads to. */
export interface LayerOutput {
  readonly send: Outgoing[]
  readonly events: TransactionEvent[]
}

export interface TransactionLayerApi {
  /** A well-formed message from the network. An INVITE that opens a transaction is answered 100 at
   * once (RFC 3261 17.2.1). */
  receive(message: SipRequest | SipResponse, source: Endpoint, nowMs: number): LayerOutput
  /** Opens a client transaction. The request carries our Via with a fresh branch on top. */
  request(request: SipRequest, to: Endpoint, nowMs: number): { id: ClientId; output: LayerOutput }
  /** Answers. An unknown id (after a timer) gives an empty output. */
  respond(id: ServerId, response: SipResponse, nowMs: number): LayerOutput
  /** Sends a CANCEL for a client INVITE, now or once it is proceeding (RFC 3261 9.1). */
  cancel(id: ClientId, nowMs: number): LayerOutput
  /** Take-over: puts back a server transaction that has sent `lastStatus` (0: nothing but 100). */
  restoreServer(request: SipRequest, source: Endpoint, last: SipResponse | null, nowMs: number): ServerId
  /** Take-over: puts back a client transaction without sending; its timers start now. */
  restoreClient(request: SipRequest, to: Endpoint, proceeding: boolean, nowMs: number): ClientId
  /** Monotonic time of the next timer, or null. */
  nextTimerMs(): number | null
  /** Fires what is due. */
  advance(nowMs: number): LayerOutput
  /** Drops everything silently (the node becomes standby). */
  clear(): void
  readonly size: number
}
