//! The INVITE client transaction: RFC 3261 17.1.1 with the Accepted state of RFC 6026 7.2.
//!
//!   calling --1xx--> proceeding
//!   calling, proceeding --2xx--> accepted --M--> terminated
//!   calling, proceeding --3xx-6xx--> completed --D--> terminated
//!   calling --B--> terminated; proceeding --cancelled and no final answer--> terminated
//!   proceeding --C--> cancelled, of an INVITE in a dialog
import type { SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { ackOf } from './hop-requests.ts'
import {
  type Effect,
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
import { timerMs } from './timers.ts'

export interface InviteClient {
  readonly role: 'invite-client'
  readonly phase: 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated'
  readonly request: SipRequest
  /** The present interval of timer A. */
  readonly intervalMs: number
  /** The user wants it cancelled; the CANCEL waits for a 1xx (RFC 3261 9.1) or has been sent. */
  readonly cancelled: boolean
}

type Response<K> = { readonly kind: K; readonly response: SipResponse }
export type InviteClientEvent =
  | Response<'provisional'>
  | Response<'success'>
  | Response<'failure'>
  | { readonly kind: 'cancel' }
  | TimerEvent<'timer-a' | 'timer-b' | 'timer-c' | 'timer-d' | 'timer-m' | 'timer-cancelled'>

export const inviteClientTable: Table<InviteClient, InviteClientEvent> = {
  calling: {
    provisional: (state, { response }) => {
      const effects = [stop('timer-a'), stop('timer-b'), raise({ kind: 'response', response })]
      if (state.cancelled) effects.push({ kind: 'send-cancel' }, start('timer-cancelled'))
      else effects.push(...bound(state.request))
      return { state: { ...state, phase: 'proceeding' }, effects }
    },
    success: (state, { response }) => accept(state, response),
    failure: (state, { response }) => complete(state, response),
    cancel: (state) => ({ state: { ...state, cancelled: true }, effects: [] }),
    // 17.1.1.2: timer A doubles without the upper limit T2; timer B ends it.
    'timer-a': (state) => {
      const intervalMs = 2 * state.intervalMs
      const effects = [send(state.request), start('timer-a', intervalMs)]
      return { state: { ...state, intervalMs }, effects }
    },
    'timer-b': giveUp,
    'timer-c': impossible,
    'timer-d': impossible,
    'timer-m': impossible,
    'timer-cancelled': impossible,
  },
  proceeding: {
    provisional: raiseResponse,
    success: (state, { response }) => accept(state, response),
    failure: (state, { response }) => complete(state, response),
    cancel: (state) => (state.cancelled ? ignored(state) : cancelNow(state)),
    'timer-a': impossible,
    'timer-b': impossible,
    'timer-c': cancelNow,
    'timer-d': impossible,
    'timer-m': impossible,
    'timer-cancelled': giveUp,
  },
  completed: {
    provisional: ignored,
    success: ignored,
    // 17.1.1.2: a repeated final answer is acknowledged again and not passed up.
    failure: (state, { response }) => ({
      state,
      effects: [send(ackOf(state.request, response))],
    }),
    cancel: ignored,
    'timer-a': impossible,
    'timer-b': impossible,
    'timer-c': impossible,
    'timer-d': terminate,
    'timer-m': impossible,
    'timer-cancelled': impossible,
  },
  accepted: {
    provisional: ignored,
    // RFC 6026 7.2: each 2xx goes up, because the dialog's user must acknowledge each.
    success: raiseResponse,
    failure: ignored,
    cancel: ignored,
    'timer-a': impossible,
    'timer-b': impossible,
    'timer-c': impossible,
    'timer-d': impossible,
    'timer-m': terminate,
    'timer-cancelled': impossible,
  },
  terminated: {
    provisional: impossible,
    success: impossible,
    failure: impossible,
    cancel: impossible,
    'timer-a': impossible,
    'timer-b': impossible,
    'timer-c': impossible,
    'timer-d': impossible,
    'timer-m': impossible,
    'timer-cancelled': impossible,
  },
}

/** A new INVITE: sent at once, repeated by timer A. */
export function openInviteClient(request: SipRequest): Step<InviteClient> {
  const restored = restoreInviteClient(request, false)
  return { state: restored.state, effects: [send(request), ...restored.effects] }
}

/** An INVITE that the other node has sent: nothing leaves before a timer says so. */
export function restoreInviteClient(request: SipRequest, proceeding: boolean): Step<InviteClient> {
  const state: InviteClient = {
    role: 'invite-client',
    phase: proceeding ? 'proceeding' : 'calling',
    request,
    intervalMs: timerMs['timer-a'],
    cancelled: false,
  }
  return { state, effects: proceeding ? bound(request) : [start('timer-a'), start('timer-b')] }
}

export function stepInviteClient(
  state: InviteClient,
  event: InviteClientEvent,
): Step<InviteClient> {
  return stepTable(inviteClientTable, state, event)
}

const stopAll: readonly Effect[] = [
  stop('timer-a'),
  stop('timer-b'),
  stop('timer-c'),
  stop('timer-cancelled'),
]

/** A terminal rings as long as its user lets it, and the call has a clock for that; a re-INVITE has no
 * other end than its answer. */
function bound({ to }: SipRequest): Effect[] {
  return to.parameters.has('tag') ? [start('timer-c')] : []
}

function cancelNow(state: InviteClient): Step<InviteClient> {
  const effects: Effect[] = [stop('timer-c'), { kind: 'send-cancel' }, start('timer-cancelled')]
  return { state: { ...state, cancelled: true }, effects }
}

function accept(state: InviteClient, response: SipResponse): Step<InviteClient> {
  const effects = [...stopAll, raise({ kind: 'response', response }), start('timer-m')]
  return { state: { ...state, phase: 'accepted' }, effects }
}

function complete(state: InviteClient, response: SipResponse): Step<InviteClient> {
  const acknowledge = send(ackOf(state.request, response))
  const effects = [...stopAll, acknowledge, raise({ kind: 'response', response }), start('timer-d')]
  return { state: { ...state, phase: 'completed' }, effects }
}

function raiseResponse(
  state: InviteClient,
  { response }: { readonly response: SipResponse },
): Step<InviteClient> {
  return { state, effects: [raise({ kind: 'response', response })] }
}

function giveUp(state: InviteClient): Step<InviteClient> {
  const effects = [...stopAll, raise({ kind: 'timeout' })]
  return { state: { ...state, phase: 'terminated' }, effects }
}

function terminate(state: InviteClient): Step<InviteClient> {
  return { state: { ...state, phase: 'terminated' }, effects: [] }
}
