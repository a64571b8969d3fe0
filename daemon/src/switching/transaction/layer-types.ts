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
  /** Timer H: our final non-2xx answer was never acknowledged. Also, 64*T1 after a 2xx for which
   * `acknowledged` was not called (RFC 3261 13.3.1.4: the user sends BYE), or after a reliable 1xx
   * (RFC 3262 3: the user refuses the INVITE). */
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
  /** Opens a client transaction. The layer puts our Via with a fresh branch in place of whatever
   * Via the request has; `request` in the result is what is sent, and what `restoreClient` wants.
   * When `limits.clientTransactionsMax` of them are alive, nothing is sent, and the next `advance` says
   * `timeout`. */
  request(
    request: SipRequest,
    to: Endpoint,
    nowMs: number,
  ): { id: ClientId; request: SipRequest; output: LayerOutput }
  /** A request outside of transactions, with our Via: the ACK of a 2xx (RFC 3261 13.2.2.4). Keep the
   * result and send it again for each repeated 2xx. */
  outside(request: SipRequest, to: Endpoint): Outgoing
  /** Answers. An unknown id (after a timer) gives an empty output. A 2xx to an INVITE, and a 1xx
   * with RSeq, are repeated until `acknowledged`. */
  respond(id: ServerId, response: SipResponse, nowMs: number): LayerOutput
  /** The ACK of our 2xx came, or the PRACK of our 1xx: it is not repeated any more. An unknown id is
   * ignored. */
  acknowledged(id: ServerId): void
  /** Sends a CANCEL for a client INVITE, now or once it is proceeding (RFC 3261 9.1). `reason`: value of a
   * header Reason. */
  cancel(id: ClientId, nowMs: number, reason?: string | null): LayerOutput
  /** Take-over: puts back a server transaction that has sent `last` (null: nothing but the 100). It
   * sends nothing now; a final answer goes on being repeated by its timers, which start now. One that
   * this node has refused while it served apart makes room for an INVITE that its peer has not. */
  restoreServer(
    request: SipRequest,
    source: Endpoint,
    last: SipResponse | null,
    nowMs: number,
  ): ServerId
  /** Take-over: puts back a client transaction without sending; its timers start now. The
   * request is the one that was sent, with its Via. */
  restoreClient(request: SipRequest, to: Endpoint, proceeding: boolean, nowMs: number): ClientId
  /** The message belongs to a live transaction; a CANCEL to that of its INVITE. */
  isLive(message: SipRequest | SipResponse): boolean
  /** Monotonic time of the next timer, or null. */
  nextTimerMs(): number | null
  /** Fires what is due. */
  advance(nowMs: number): LayerOutput
  /** Drops everything silently (the node becomes standby). */
  clear(): void
  /** Live transactions. */
  readonly size: number
  readonly counters: Readonly<LayerCounters>
}

export interface LayerCounters {
  /** New requests answered 503 because `limits.transactionsMax` server transactions are alive. */
  requestsRefused: number
  /** Own requests that did not leave because `limits.clientTransactionsMax` are alive. */
  requestsUnsent: number
  /** Responses that were not meant for us: not exactly one Via, or another sent-by (18.1.2). */
  responsesMisrouted: number
}
