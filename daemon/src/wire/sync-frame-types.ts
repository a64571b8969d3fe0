//! The values in a sync datagram between the two switches (S1.99, S1.103-S1.113, S2.45-S2.54).
import type { RecordAddress, TableName } from '../tables/address.ts'

/** In every frame: who says it. */
export interface SyncHeader {
  /** Hex, 16 digits; new at every start of the switch unit. */
  readonly bootId: string
  /** Term of the sender; in an ACK the term of the record that it confirms. */
  readonly term: number
  /** Grows with each frame of this boot; a repetition may have the number of the first one. Absent
   * is 0. */
  readonly sequence?: number
}

/** What a record and its ACK have in common (S1.107, S1.113). */
export interface RecordMark {
  readonly address: RecordAddress
  readonly version: number
  /** Bytes of the serialised record, and their hash (hex). */
  readonly length: number
  readonly hash: string
}

export type SyncBody =
  /** `body` is the serialised record as `serialiseRecord` gives it; of a deleted record: of null. */
  | ({ kind: 'record'; key: string; body: Uint8Array } & RecordMark)
  | ({ kind: 'ack' } & RecordMark)
  /** 索取: the standby asks for everything; `ref` names this asking. */
  | { kind: 'request-all'; ref: number }
  /** All of the asking `ref` was sent and confirmed; the standby echoes it when it has all. `ref` 0
   * invites a standby to ask. */
  | { kind: 'all-sent'; ref: number; count: number }
  /** One digest for each table that the sender knows, over the records in all slots but the `open`
   * ones, which are under way. */
  | {
      kind: 'table-hashes'
      hashes: Readonly<Partial<Record<TableName, string>>>
      open: Readonly<Partial<Record<TableName, readonly number[]>>>
    }
  | { kind: 'request-table'; ref: number; table: TableName }
  /** Row changes of the database, as text of the database room, and the answer. */
  | { kind: 'rows'; ref: number; body: string }
  | { kind: 'rows-ack'; ref: number; body: string }
  /** A control request for the peer and its answer. */
  | { kind: 'request'; ref: number; body: string }
  | { kind: 'response'; ref: number; body: string }
  /** A datagram on the SIP port of the sender, and where it came from (reach mode `floating`). */
  | { kind: 'heard'; ref: number; address: string; port: number; body: Uint8Array }
  /** The answer to a frame of a kind (its number) that this version does not know. */
  | { kind: 'not-known'; code: number }
  /** Two primaries met (ADR 0001). The one that lost gives its sessions: part `index` of `count`, text of
   * `switching/wired/merge-text.ts`; the winner confirms each part, and at last what it made of all. */
  | { kind: 'give'; ref: number; index: number; count: number; body: string }
  | { kind: 'give-ack'; ref: number; index: number }
  | { kind: 'given'; ref: number; body: string }

export type SyncFrame = SyncHeader & SyncBody
