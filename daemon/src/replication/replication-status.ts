//! What replication says of itself.
import type { TableName } from '../tables/address.ts'
import type { Receiver } from './receiver.ts'
import type { Sender } from './sender.ts'
import type { StandbySide } from './standby.ts'

/** What a table holds. */
export type TableStates = Readonly<
  Record<TableName, { records: number; pending: number; hash: string }>
>

export interface ReplicationStatus {
  readonly inStep: boolean
  readonly pending: number
  readonly peer: 'none' | 'catching-up' | 'following'
  readonly sent: Readonly<Sender['counters']>
  readonly received: Readonly<Receiver['counters']>
  readonly refused: Readonly<Record<string, number>>
  /** The peer sends authentic frames of a version that cannot be read here. */
  readonly incompatible: boolean
  readonly lastSweep: { readonly atMs: number; readonly repaired: number } | null
  /** Anti-entropy: of the standby's side, and `damaged` of both. */
  readonly verify: Readonly<StandbySide['counters']> & { readonly atMs: number | null }
}
