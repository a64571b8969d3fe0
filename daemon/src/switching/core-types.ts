//! What the core is given, and what it counts.
import type { ConferenceResource } from '../tables/conference-resource.ts'
import type { PhoneBookEntry } from '../tables/phone-book.ts'
import type { Position } from '../tables/position.ts'
import type { Subscription } from '../tables/subscription.ts'
import type { User } from '../tables/user.ts'
import type { Conference } from '../tables/wired-conference.ts'
import type { WiredMedia } from '../tables/wired-media.ts'

/** What the core needs of a table of `tables/`. Records are never changed in place. */
export interface RecordTable<R> {
  get(key: string): R | undefined
  put(record: R): { readonly ok: boolean }
  delete(key: string): unknown
  values(): Iterable<R>
  readonly size: number
}

export interface CoreTables {
  readonly user: RecordTable<User>
  readonly position: RecordTable<Position>
  readonly phoneBook: RecordTable<PhoneBookEntry>
  readonly wiredConference: RecordTable<Conference>
  readonly wiredMedia: RecordTable<WiredMedia>
  readonly conferenceResource: RecordTable<ConferenceResource>
  readonly subscription: RecordTable<Subscription>
}

export interface CoreOptions {
  readonly tables: CoreTables
  /** Service address and SIP port. */
  readonly address: string
  readonly sipPort: number
  /** Reach mode `direct`: the service address of the peer. What was meant for it, is for us, too. */
  readonly peerAddress?: string | undefined
  readonly rtpPorts: { readonly first: number; readonly last: number }
  /** From which half of the ports and bridge numbers this node takes first, so that two nodes that serve
   * apart take different ones; absent: from all. */
  readonly half?: 'lower' | 'upper'
  /** Realm of the digest; also a domain of the addresses of record. */
  readonly realm: string
  /** At least 16 bytes, equal on both nodes: tags and session numbers come from it, and nonces in part. */
  readonly secret: Uint8Array
  /** Fresh hexadecimal digits, at least 32 bits: branches and salts of nonces. */
  readonly newToken: () => string
  /** Random unsigned 32-bit number: SSRC, first sequence number and time stamp. */
  readonly random32: () => number
}

export interface CoreCounters {
  /** Datagrams heard, on a standby too (S1.117). */
  received: number
  malformed: number
  /** Heard as a standby, dealt with after the take-over. */
  late: number
  /** Dropped messages by reason. */
  readonly dropped: Record<string, number>
  /** Responses sent by class: `1xx` .. `6xx`. */
  readonly responses: Record<string, number>
  readonly callsStarted: number
  readonly callsAnswered: number
  readonly transactions: number
  /** Requests answered 503, and own ones that did not leave, because too many transactions were open. */
  readonly requestsRefused: number
  readonly requestsUnsent: number
}
