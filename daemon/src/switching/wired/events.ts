//! The events of a wired call.
import type { PendingServer } from '../../tables/dialog.ts'
import type { Leg } from '../../tables/wired-conference.ts'
import type { SipRequest, SipResponse } from '../../wire/sip/message.ts'

export interface OfLeg {
  readonly leg: Leg
}

/** A request in the dialog, checked, with its record. */
export interface OpenedRequest extends OfLeg {
  readonly id: string
  readonly request: SipRequest
  readonly pending: PendingServer
}

/** A response to our INVITE of this leg. */
export interface Answered extends OfLeg {
  readonly response: SipResponse
}

/** A final refusal or, without a response, silence as 408. */
export interface Failed extends OfLeg {
  readonly status: number
  readonly response: SipResponse | null
}

export interface CallEvents {
  /** Requests of a terminal. */
  readonly reinvite: OpenedRequest
  readonly bye: OpenedRequest
  readonly info: OpenedRequest
  readonly refer: OpenedRequest
  readonly update: OpenedRequest
  readonly prack: OpenedRequest
  readonly notify: OpenedRequest
  readonly subscribe: OpenedRequest
  /** A key of the terminal; `mark` names the press. */
  readonly digit: OfLeg & { readonly digit: string; readonly mark: string }
  readonly ack: OfLeg & { readonly request: SipRequest }
  readonly cancel: OfLeg
  /** Answers to our INVITE or re-INVITE. */
  readonly provisional: Answered
  readonly success: Answered
  readonly failure: Failed
  /** Final answers to our BYE and to an INFO that was passed on. */
  readonly 'bye-done': Failed
  readonly 'info-done': Failed
  /** ... and to a NOTIFY. */
  readonly 'notify-done': Failed
  /** 64*T1 without the ACK of our final answer. */
  readonly unacknowledged: OfLeg
  /** Timers and the operator. */
  readonly 'no-answer': object
  readonly 'cancel-again': object
  readonly linger: object
  readonly 'member-gone': OfLeg
  readonly release: object
}

export type CallEventName = keyof CallEvents
