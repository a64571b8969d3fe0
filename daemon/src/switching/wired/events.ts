//! The events of a wired call.
import type { PendingServer } from '../../tables/wired-conference.ts'
import type { SipRequest, SipResponse } from '../../wire/sip/message.ts'
import type { Side } from './sessions.ts'

export interface OfSide {
  readonly side: Side
}

/** A request in the dialog, checked, with its record. */
export interface OpenedRequest extends OfSide {
  readonly id: string
  readonly request: SipRequest
  readonly pending: PendingServer
}

/** A response to our INVITE of this side. */
export interface Answered extends OfSide {
  readonly response: SipResponse
}

/** A final refusal or, without a response, silence as 408. */
export interface Failed extends OfSide {
  readonly status: number
  readonly response: SipResponse | null
}

export interface CallEvents {
  /** Requests of a terminal. */
  readonly reinvite: OpenedRequest
  readonly bye: OpenedRequest
  readonly info: OpenedRequest
  readonly ack: OfSide & { readonly request: SipRequest }
  readonly cancel: OfSide
  /** Answers to our INVITE or re-INVITE. */
  readonly provisional: Answered
  readonly success: Answered
  readonly failure: Failed
  /** Final answers to our BYE and to an INFO that was passed on. */
  readonly 'bye-done': Failed
  readonly 'info-done': Failed
  /** 64*T1 without the ACK of our final answer. */
  readonly unacknowledged: OfSide
  /** Timers and the operator. */
  readonly 'no-answer': object
  readonly 'cancel-again': object
  readonly linger: object
  readonly release: object
}

export type CallEventName = keyof CallEvents
