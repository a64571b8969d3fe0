//! The non-INVITE client transaction: RFC 3261 17.1.2.
//!
//!   trying --1xx--> proceeding
//!   trying, proceeding --final--> completed --K--> terminated
//!   trying, proceeding --F--> terminated
import { limits } from '../../limits.ts'
import type { SipRequest, SipResponse } from '../../wire/sip/message.ts'
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

export interface Client {
  readonly role: 'client'
  readonly phase: 'trying' | 'proceeding' | 'completed' | 'terminated'
  readonly request: SipRequest
  /** The present interval of timer E. */
  readonly intervalMs: number
}

export type ClientEvent =
  | { readonly kind: 'provisional'; readonly response: SipResponse }
  | { readonly kind: 'final'; readonly response: SipResponse }
  | TimerEvent<'timer-e' | 'timer-f' | 'timer-k'>

export const clientTable: Table<Client, ClientEvent> = {
  trying: {
    provisional: (state, { response }) => ({
      state: { ...state, phase: 'proceeding' },
      effects: [raise({ kind: 'response', response })],
    }),
    final: complete,
    'timer-e': (state) => resend(state, doubledMs(state.intervalMs)),
    'timer-f': giveUp,
    'timer-k': impossible,
  },
  proceeding: {
    provisional: (state, { response }) => ({
      state,
      effects: [raise({ kind: 'response', response })],
    }),
    final: complete,
    // 17.1.2.2: after a 1xx the request is repeated every T2.
    'timer-e': (state) => resend(state, limits.sipT2Ms),
    'timer-f': giveUp,
    'timer-k': impossible,
  },
  completed: {
    provisional: ignored,
    final: ignored,
    'timer-e': impossible,
    'timer-f': impossible,
    'timer-k': (state) => ({ state: { ...state, phase: 'terminated' }, effects: [] }),
  },
  terminated: {
    provisional: impossible,
    final: impossible,
    'timer-e': impossible,
    'timer-f': impossible,
    'timer-k': impossible,
  },
}

/** A new request: sent at once, repeated by timer E. */
export function openClient(request: SipRequest): Step<Client> {
  const restored = restoreClient(request, false)
  return { state: restored.state, effects: [send(request), ...restored.effects] }
}

/** A request that the other node has sent. Timer F runs also after a 1xx, so a proceeding one has
 * both timers, too; its next repetition is T2 away. */
export function restoreClient(request: SipRequest, proceeding: boolean): Step<Client> {
  const intervalMs = proceeding ? limits.sipT2Ms : timerMs['timer-e']
  const phase = proceeding ? 'proceeding' : 'trying'
  return {
    state: { role: 'client', phase, request, intervalMs },
    effects: [start('timer-e', intervalMs), start('timer-f')],
  }
}

export function stepClient(state: Client, event: ClientEvent): Step<Client> {
  return stepTable(clientTable, state, event)
}

function complete(state: Client, { response }: { readonly response: SipResponse }): Step<Client> {
  const effects = [
    stop('timer-e'),
    stop('timer-f'),
    raise({ kind: 'response', response }),
    start('timer-k'),
  ]
  return { state: { ...state, phase: 'completed' }, effects }
}

function resend(state: Client, intervalMs: number): Step<Client> {
  return {
    state: { ...state, intervalMs },
    effects: [send(state.request), start('timer-e', intervalMs)],
  }
}

function giveUp(state: Client): Step<Client> {
  const effects = [stop('timer-e'), raise({ kind: 'timeout' })]
  return { state: { ...state, phase: 'terminated' }, effects }
}
