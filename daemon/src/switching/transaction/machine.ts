//! The form of the transaction tables: one row a phase, one cell an event, every cell written.
import { assert } from '../../assert.ts'
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { type TimerName, timerMs } from './timers.ts'

/** What a machine tells its user; the layer adds the id. */
export type Raised =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unacknowledged' }
  | { readonly kind: 'ack'; readonly request: SipRequest; readonly source: Endpoint }

export type Effect =
  | { readonly kind: 'send'; readonly message: SipRequest | SipResponse }
  | { readonly kind: 'send-cancel' }
  | { readonly kind: 'start'; readonly timer: TimerName; readonly afterMs: number }
  | { readonly kind: 'stop'; readonly timer: TimerName }
  | { readonly kind: 'raise'; readonly raised: Raised }

export interface Step<M> {
  readonly state: M
  readonly effects: readonly Effect[]
}

/** A timer reaches its machine as an event of the same name. */
export interface TimerEvent<T extends TimerName> {
  readonly kind: T
}

interface Phased {
  readonly phase: string
}

type Cell<M, E> = (state: M, event: E) => Step<M>

export type Table<M extends Phased, E extends { readonly kind: string }> = {
  readonly [P in M['phase']]: {
    readonly [K in E['kind']]: Cell<M, Extract<E, { readonly kind: K }>>
  }
}

export function stepTable<M extends Phased, E extends { readonly kind: string }>(
  table: Table<M, E>,
  state: M,
  event: E,
): Step<M> {
  const row: Readonly<Record<string, Cell<M, never>>> = table[state.phase as M['phase']]
  const cell = row[event.kind]
  assert(cell !== undefined, `no cell for ${event.kind} in ${state.phase}`)
  return cell(state, event as never)
}

/** A cell that the layer cannot reach: the timer is stopped, or the machine is gone. */
export function impossible(state: Phased, event: { readonly kind: string }): never {
  throw new Error(`invariant broken: ${event.kind} in ${state.phase}`)
}

/** A cell in which the event is allowed and means nothing. */
export function ignored<M>(state: M): Step<M> {
  return { state, effects: [] }
}

export function send(message: SipRequest | SipResponse): Effect {
  return { kind: 'send', message }
}

export function start(timer: TimerName, afterMs: number = timerMs[timer]): Effect {
  return { kind: 'start', timer, afterMs }
}

export function stop(timer: TimerName): Effect {
  return { kind: 'stop', timer }
}

export function raise(raised: Raised): Effect {
  return { kind: 'raise', raised }
}
