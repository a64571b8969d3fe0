//! The eight tables of the source and one more by name: the memory pool of the switch (SYNPool, S1.77, S1.90, S1.91).
import { limits } from '../limits.ts'
import { type RecordAddress, type RecordChange, type TableName, tableNames } from './address.ts'
import { type ConferenceResource, conferenceResourceSchema } from './conference-resource.ts'
import { type PhoneBookEntry, phoneBookSchema } from './phone-book.ts'
import { type Position, positionSchema } from './position.ts'
import { type Subscription, subscriptionSchema } from './subscription.ts'
import { type AppliedChange, type Origin, type SlotView, Table } from './table.ts'
import { type User, userSchema } from './user.ts'
import { type Conference, conferenceSchema } from './wired-conference.ts'
import { type WiredMedia, wiredMediaSchema } from './wired-media.ts'
import { type WirelessConference, wirelessConferenceSchema } from './wireless-conference.ts'
import { type WirelessMedia, wirelessMediaSchema } from './wireless-media.ts'

/** The type of the records of each table. */
interface RecordTypes {
  user: User
  position: Position
  'wired-conference': Conference
  'wired-media': WiredMedia
  'wireless-conference': WirelessConference
  'wireless-media': WirelessMedia
  'phone-book': PhoneBookEntry
  'conference-resource': ConferenceResource
  subscription: Subscription
}

/** A record of any table. */
export type AnyRecord = RecordTypes[TableName]

/** `previous` and `next` are null when the record did not or does not exist. */
type TablesListener = (
  change: RecordChange,
  previous: AnyRecord | null,
  next: AnyRecord | null,
  origin: Origin,
) => void

/** A table seen without its record type, for code that treats all alike. */
type AnyTable = Table<AnyRecord>

export class Tables {
  readonly #tables: { readonly [N in TableName]: Table<RecordTypes[N]> }
  readonly #listeners: TablesListener[] = []

  constructor() {
    const notify = ({ change, previous, next }: AppliedChange<AnyRecord>, origin: Origin) => {
      for (const listener of this.#listeners) listener(change, previous, next, origin)
    }
    this.#tables = makeTables(notify)
  }

  table<N extends TableName>(name: N): Table<RecordTypes[N]> {
    return this.#tables[name]
  }

  /** The table for code that does not know the type of its records (replication). */
  any(name: TableName): AnyTable {
    return this.#tables[name] as unknown as AnyTable
  }

  /** Called after every change, in the order of the changes. */
  onChange(listener: TablesListener): void {
    this.#listeners.push(listener)
  }

  /** What is at an address; null when the slot was never used. */
  resolve(address: RecordAddress): SlotView<AnyRecord> | null {
    return this.any(address.table).at(address.slot)
  }

  counts(): Record<TableName, number> {
    const counts = {} as Record<TableName, number>
    for (const name of tableNames) counts[name] = this.#tables[name].size
    return counts
  }

  /** Records whose flag is not NONE, all tables. */
  pending(): number {
    return tableNames.reduce((sum, name) => sum + this.#tables[name].pending, 0)
  }

  /** Records that are sent and wait for their ACK. */
  unacknowledged(): number {
    let count = 0
    for (const name of tableNames) {
      const { slotCount } = this.#tables[name]
      for (let slot = 0; slot < slotCount; slot++) {
        if (this.#tables[name].flag(slot) === 'SYNCED') count++
      }
    }
    return count
  }

  /** Digest of one table; equal on both nodes when its records and their addresses are equal. */
  hash(name: TableName): string {
    return this.#tables[name].hash
  }

  /** Forgets all records without telling the peer or the listeners. */
  clear(): void {
    for (const name of tableNames) this.#tables[name].clear()
  }
}

type Notify = (applied: AppliedChange<AnyRecord>, origin: Origin) => void

function makeTables(notify: Notify): { readonly [N in TableName]: Table<RecordTypes[N]> } {
  const table = <R extends AnyRecord>(
    name: TableName,
    schema: ConstructorParameters<typeof Table<R>>[0]['schema'],
    options: { capacity: number; keyOf: (record: R) => string },
  ) => new Table<R>({ name, schema, ...options }, notify)
  const sessions = {
    capacity: limits.sessionsMax,
    keyOf: (record: Conference) => record.sessionId,
  }
  const keyOfMedia = (record: WiredMedia) => record.mediaId
  return {
    user: table('user', userSchema, { capacity: limits.usersMax, keyOf: (record) => record.user }),
    position: table('position', positionSchema, {
      capacity: limits.positionsMax,
      keyOf: (record) => record.position,
    }),
    'wired-conference': table('wired-conference', conferenceSchema, sessions),
    'wired-media': table('wired-media', wiredMediaSchema, {
      capacity: limits.legsMax,
      keyOf: keyOfMedia,
    }),
    'wireless-conference': table('wireless-conference', wirelessConferenceSchema, sessions),
    'wireless-media': table('wireless-media', wirelessMediaSchema, {
      capacity: limits.legsMax,
      keyOf: keyOfMedia,
    }),
    'phone-book': table('phone-book', phoneBookSchema, {
      capacity: limits.phoneBookMax,
      keyOf: (record) => record.number,
    }),
    'conference-resource': table('conference-resource', conferenceResourceSchema, {
      // A port for each leg and a number for each session, wired and wireless.
      capacity: 2 * (limits.legsMax + limits.sessionsMax),
      keyOf: (record) => record.resource,
    }),
    subscription: table('subscription', subscriptionSchema, {
      capacity: limits.subscriptionsMax,
      keyOf: (record) => record.subscriptionId,
    }),
  }
}
