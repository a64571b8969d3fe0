//! The INVITE server transaction: RFC 3261 17.2.1 with the Accepted state of RFC 6026 7.1.
//!
//!   proceeding --2xx--> accepted --L--> terminated
//!   proceeding --3xx-6xx--> completed --ACK--> confirmed --I--> terminated
//!   completed --H--> terminated
//!
//! The repetition of a 2xx until its ACK is not here but in `success-repeat.ts`: it belongs to the
//! user of the transaction (RFC 3261 13.3.1.4).
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import {
  ignored,
  impossible,
  raise,
  type Step,
  send,
  start,
  stepTable,
  stop,
  type Table,
  type TimerEvent,
} from './machine.ts'
import { doubledMs, timerMs } from './timers.ts'

export interface InviteServer {
  readonly role: 'invite-server'
  readonly phase: 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated'
  /** What a repeated INVITE is answered with. */
  readonly last: SipResponse
  /** The present interval of timer G. */
  readonly intervalMs: number
}

type Respond<K> = { readonly kind: K; readonly response: SipResponse }
export type InviteServerEvent =
  | { readonly kind: 'request' }
  | { readonly kind: 'ack'; readonly request: SipRequest; readonly source: Endpoint }
  | Respond<'respond-provisional'>
  | Respond<'respond-success'>
  | Respond<'respond-failure'>
  | TimerEvent<'timer-g' | 'timer-h' | 'timer-i' | 'timer-l'>

export const inviteServerTable: Table<InviteServer, InviteServerEvent> = {
  proceeding: {
    request: sendLast,
    ack: ignored,
    'respond-provisional': (state, { response }) => ({
      state: { ...state, last: response },
      effects: [send(response)],
    }),
    'respond-success': (state, { response }) => ({
      state: { ...state, phase: 'accepted', last: response },
      effects: [send(response), start('timer-l')],
    }),
    'respond-failure': (state, { response }) => ({
      state: { ...state, phase: 'completed', last: response },
      effects: [send(response), start('timer-g'), start('timer-h')],
    }),
    'timer-g': impossible,
    'timer-h': impossible,
    'timer-i': impossible,
    'timer-l': impossible,
  },
  completed: {
    request: sendLast,
    ack: (state) => ({
      state: { ...state, phase: 'confirmed' },
      effects: [stop('timer-g'), stop('timer-h'), start('timer-i')],
    }),
    'respond-provisional': ignored,
    'respond-success': ignored,
    'respond-failure': ignored,
    'timer-g': (state) => {
      const intervalMs = doubledMs(state.intervalMs)
      return {
        state: { ...state, intervalMs },
        effects: [send(state.last), start('timer-g', intervalMs)],
      }
    },
    'timer-h': (state) => ({
      state: { ...state, phase: 'terminated' },
      effects: [stop('timer-g'), raise({ kind: 'unacknowledged' })],
    }),
    'timer-i': impossible,
    'timer-l': impossible,
  },
  confirmed: {
    request: ignored,
    ack: ignored,
    'respond-provisional': ignored,
    'respond-success': ignored,
    'respond-failure': ignored,
    'timer-g': impossible,
    'timer-h': impossible,
    'timer-i': terminate,
    'timer-l': impossible,
  },
  accepted: {
    // RFC 6026 7.1: absorbed; the 2xx is repeated by its own clock.
    request: ignored,
    ack: (state, { request, source }) => ({
      state,
      effects: [raise({ kind: 'ack', request, source })],
    }),
    'respond-provisional': ignored,
    'respond-success': (state, { response }) => ({
      state: { ...state, last: response },
      effects: [send(response)],
    }),
    'respond-failure': ignored,
    'timer-g': impossible,
    'timer-h': impossible,
    'timer-i': impossible,
    'timer-l': terminate,
  },
  terminated: {
    request: impossible,
    ack: impossible,
    'respond-provisional': impossible,
    'respond-success': impossible,
    'respond-failure': impossible,
    'timer-g': impossible,
    'timer-h': impossible,
    'timer-i': impossible,
    'timer-l': impossible,
  },
}

/** A new INVITE. `trying` goes out at once: the switch may wait for its standby (17.2.1). */
export function openInviteServer(trying: SipResponse): Step<InviteServer> {
  return { state: machine('proceeding', trying), effects: [send(trying)] }
}

/** An INVITE that the other node has answered with `last`: nothing leaves now. */
export function restoreInviteServer(last: SipResponse): Step<InviteServer> {
  if (last.status < 200) return { state: machine('proceeding', last), effects: [] }
  if (last.status < 300) {
    return { state: machine('accepted', last), effects: [start('timer-l')] }
  }
  return { state: machine('completed', last), effects: [start('timer-g'), start('timer-h')] }
}

export function stepInviteServer(
  state: InviteServer,
  event: InviteServerEvent,
): Step<InviteServer> {
  return stepTable(inviteServerTable, state, event)
}

function machine(phase: InviteServer['phase'], last: SipResponse): InviteServer {
  return { role: 'invite-server', phase, last, intervalMs: timerMs['timer-g'] }
}

function sendLast(state: InviteServer): Step<InviteServer> {
  return { state, effects: [send(state.last)] }
}

function terminate(state: InviteServer): Step<InviteServer> {
  return { state: { ...state, phase: 'terminated' }, effects: [] }
}
