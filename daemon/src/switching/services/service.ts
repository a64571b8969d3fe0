//! What a service of the telephone is to the core. Each has a file `services/NAME.ts` with its
//! handlers; `services.ts` names all of them.
//!
//! - What a service must remember is a field of the session or the member (table 3), null by default,
//!   so that it is replicated and journalled. Only indexes are in memory; `restore` makes them again.
//! - An event in a dialog comes through a cell of the machine (`wired/machine.ts`,
//!   `conference/machine.ts`), so that every state has an answer to it.
//! - Work on another session than the one at hand goes to `exchange.followUps`: it runs after the commit
//!   of this one, as a commit of its own (`withSession`).
//! - What ends, is given back by `dropMember` or `endCall`: ports, legs and clocks never by a service.
import type { Conference, Leg } from '../../tables/wired-conference.ts'
import type { CoreEffect, Now } from '../effects.ts'
import type { Call } from '../wired/call.ts'
import type { Failed } from '../wired/events.ts'
import type { Exchange } from '../wired/exchange.ts'
import type { SetUp } from '../wired/setup.ts'

export interface Service {
  /** Also the name of its clocks. */
  readonly name: string
  /** An INVITE outside of dialogs whose sender is known and which conforms; before the called number
   * decides. Null: it is none for this service. */
  readonly invited?: (work: SetUp) => CoreEffect[] | null
  /** A terminal that was invited refuses a call that nobody has answered, or was not heard of at all; its
   * INVITE is closed. True: the service goes on with the call. */
  readonly refused?: (call: Call, failed: Failed) => boolean
  /** A clock of the service: `timers.start({ sessionId, timer: 'service', service, leg }, atMs)`. */
  readonly timer?: (call: Call, leg: Leg) => void
  /** A terminal has dialled a digit. True: it was for this service, and nobody else is asked. */
  readonly dialled?: (call: Call, leg: Leg, digit: string) => boolean
  /** A session has changed and is committed; for what looks at sessions from outside. */
  readonly changed?: (exchange: Exchange, change: SessionChange, now: Now) => CoreEffect[]
  /** After a take-over or a merge: the clocks of a session, once its transactions are there again. */
  readonly restore?: (call: Call) => void
}

/** Null: the session was not, or is no more. */
export interface SessionChange {
  readonly previous: Conference | null
  readonly next: Conference | null
}

/** Work on another session, after the commit of the present one. */
export type FollowUp = (now: Now) => CoreEffect[]
