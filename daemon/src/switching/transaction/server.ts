//! The non-INVITE server transaction: RFC 3261 17.2.2.
//!
//!   trying --1xx--> proceeding
//!   trying, proceeding --final--> completed --J--> terminated
import type { SipResponse } from '../../wire/sip/message.ts'
import {
  ignored,
  impossible,
  type Step,
  send,
  start,
  stepTable,
  type Table,
  type TimerEvent,
} from './machine.ts'

export interface Server {
  readonly role: 'server'
  readonly phase: 'trying' | 'proceeding' | 'completed' | 'terminated'
  /** What a repeated request is answered with; null in `trying`. */
  readonly last: SipResponse | null
}

export type ServerEvent =
  | { readonly kind: 'request' }
  | { readonly kind: 'respond-provisional'; readonly response: SipResponse }
  | { readonly kind: 'respond-final'; readonly response: SipResponse }
  | TimerEvent<'timer-j'>

export const serverTable: Table<Server, ServerEvent> = {
  trying: {
    // 17.2.2: a repetition is discarded while there is nothing to repeat.
    request: ignored,
    'respond-provisional': provisional,
    'respond-final': final,
    'timer-j': impossible,
  },
  proceeding: {
    request: sendLast,
    'respond-provisional': provisional,
    'respond-final': final,
    'timer-j': impossible,
  },
  completed: {
    request: sendLast,
    'respond-provisional': ignored,
    // 17.2.2: other final responses of the user are discarded.
    'respond-final': ignored,
    'timer-j': (state) => ({ state: { ...state, phase: 'terminated' }, effects: [] }),
  },
  terminated: {
    request: impossible,
    'respond-provisional': impossible,
    'respond-final': impossible,
    'timer-j': impossible,
  },
}

export function openServer(): Step<Server> {
  return { state: { role: 'server', phase: 'trying', last: null }, effects: [] }
}

/** A request that the other node has answered with `last`, or has not answered: null. */
export function restoreServer(last: SipResponse | null): Step<Server> {
  if (last === null) return openServer()
  const completed = last.status >= 200
  return {
    state: { role: 'server', phase: completed ? 'completed' : 'proceeding', last },
    effects: completed ? [start('timer-j')] : [],
  }
}

export function stepServer(state: Server, event: ServerEvent): Step<Server> {
  return stepTable(serverTable, state, event)
}

type Respond = { readonly response: SipResponse }

function provisional(state: Server, { response }: Respond): Step<Server> {
  return { state: { ...state, phase: 'proceeding', last: response }, effects: [send(response)] }
}

function final(state: Server, { response }: Respond): Step<Server> {
  const effects = [send(response), start('timer-j')]
  return { state: { ...state, phase: 'completed', last: response }, effects }
}

function sendLast(state: Server): Step<Server> {
  return { state, effects: state.last === null ? [] : [send(state.last)] }
}
