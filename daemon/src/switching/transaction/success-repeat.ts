//! The repetition of a 2xx to an INVITE until its ACK (RFC 3261 13.3.1.4), and of a reliable 1xx until its
//! PRACK (RFC 3262 3).
//!
//! RFC 3261 gives this to the user of the transaction, because an ACK of a 2xx is found by its
//! dialog. The layer offers it: the user says `acknowledged`, the clock is here.
import { header, type SipResponse } from '../../wire/sip/message.ts'
import {
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

export interface SuccessRepeat {
  readonly role: 'success-repeat'
  readonly phase: 'repeating' | 'terminated'
  readonly response: SipResponse
  readonly intervalMs: number
}

export type SuccessRepeatEvent =
  | { readonly kind: 'acknowledged' }
  | TimerEvent<'timer-repeat' | 'timer-give-up'>

export const successRepeatTable: Table<SuccessRepeat, SuccessRepeatEvent> = {
  repeating: {
    acknowledged: (state) => terminate(state),
    'timer-repeat': (state) => {
      // RFC 3262 3: a reliable 1xx is repeated by T1, 2*T1, 4*T1 .. without the limit T2.
      const { intervalMs: before, response } = state
      const intervalMs = isReliable(response) ? 2 * before : doubledMs(before)
      return {
        state: { ...state, intervalMs },
        effects: [send(state.response), start('timer-repeat', intervalMs)],
      }
    },
    'timer-give-up': (state) => {
      const { state: ended, effects } = terminate(state)
      return { state: ended, effects: [...effects, raise({ kind: 'unacknowledged' })] }
    },
  },
  terminated: {
    acknowledged: impossible,
    'timer-repeat': impossible,
    'timer-give-up': impossible,
  },
}

/** A provisional answer that is repeated until its PRACK. */
export function isReliable(answer: SipResponse): boolean {
  return answer.status < 200 && header(answer, 'RSeq') !== undefined
}

/** Begins with the first repetition: the answer itself has been sent by its transaction. */
export function openSuccessRepeat(response: SipResponse): Step<SuccessRepeat> {
  return {
    state: {
      role: 'success-repeat',
      phase: 'repeating',
      response,
      intervalMs: timerMs['timer-repeat'],
    },
    effects: [start('timer-repeat'), start('timer-give-up')],
  }
}

export function stepSuccessRepeat(
  state: SuccessRepeat,
  event: SuccessRepeatEvent,
): Step<SuccessRepeat> {
  return stepTable(successRepeatTable, state, event)
}

function terminate(state: SuccessRepeat): Step<SuccessRepeat> {
  const effects = [stop('timer-repeat'), stop('timer-give-up')]
  return { state: { ...state, phase: 'terminated' }, effects }
}
