//! What the two sides of the replication give to the outside.
import type { TableName } from '../tables/address.ts'
import type { SyncBody } from '../wire/sync-frame-types.ts'
import type { HeardBody } from './heard-sip.ts'
import type { ChannelOutput } from './peer-channel.ts'
import type { Rebuild } from './receiver.ts'

export type ReplicatorOutput =
  /** Send to the peer: on one link, or on every link that there is. */
  | { kind: 'datagram'; bytes: Uint8Array; link: number | 'all' }
  | Rebuild
  /** What `whenReplicated` gave this token for is on the standby, or there is no standby any more. */
  | { kind: 'replicated'; token: string }
  /** The catch-up has ended, or there is no peer any more. */
  | { kind: 'in-step'; inStep: boolean }
  /** A table that is not what it should be: `differs` from the primary's, or is `damaged` in memory. The
   * standby fetches it anew: `repaired` when it is here. */
  | { kind: 'table-fault'; fault: TableFault; table: TableName }
  /** All that a primary which lost against this one has to give; adopt it, then call `adopted`. */
  | { kind: 'gift'; bodies: readonly string[] }
  /** What this node had to give is with the winner, which said `body` of it; or it could not be given
   * in time. From now on this node follows. */
  | { kind: 'gave'; ok: boolean; body: string }
  /** Row changes of the database (`database/row-sync.ts`), or their answer. */
  | { kind: 'rows' | 'rows-ack'; ref: number; body: string }
  /** A datagram for the SIP port that the peer has heard. */
  | HeardBody
  | ChannelOutput

export type TableFault = 'differs' | 'damaged' | 'repaired'

/** `preferred`: the link on which the peer was heard last. */
export type Links = 'preferred' | 'all'

export interface Port {
  /** Of this node. */
  readonly bootId: string
  /** The sealed frame; null when it fits no datagram.
   * @param term of the record that an ACK confirms; else the own one. */
  encode(body: SyncBody, term?: number): Uint8Array | null
  datagram(bytes: Uint8Array, links: Links): void
  output(output: ReplicatorOutput): void
  /** A frame that changes nothing, by reason. */
  refuse(why: string): void
}

export function sendBody(port: Port, body: SyncBody, links: Links): void {
  const bytes = port.encode(body)
  if (bytes !== null) port.datagram(bytes, links)
}
