//! What the core wants done. The core itself touches no socket, clock, or log (rule: pure core).
import type { AlarmChange } from '../alarms.ts'
import type { MediaCommand } from '../bus/messages.ts'
import type { CallRecord } from '../tables/call-record.ts'
import type { Outgoing } from './transaction/layer-types.ts'

/** Media commands without the reference number, which the composing file gives. */
export type MediaOrder = MediaCommand extends infer C
  ? C extends { ref: number }
    ? Omit<C, 'ref'>
    : never
  : never

export type CoreEffect =
  /** A SIP datagram. When `afterReplication` is true, it waits until every record that changed up to
   * now in `session` is acknowledged by the standby, at most `limits.replicateBeforeAnswerMsMax`.
   * Effects of one session keep their order. */
  | { kind: 'send'; session: string; outgoing: Outgoing; afterReplication: boolean }
  | { kind: 'media'; session: string; order: MediaOrder }
  | { kind: 'alarm'; change: AlarmChange }
  | { kind: 'log'; level: 'debug' | 'info' | 'warn'; text: string; fields: Record<string, unknown> }
  /** A call ended; for the call records. */
  | { kind: 'call-record'; record: CallRecord }

/** The three times the core needs, given with every call. */
export interface Now {
  readonly monotonicMs: number
  readonly wallMs: number
  /** Current tick of the pair clock. */
  readonly tick: number
}
