//! The address of a record (首地址, S1.90, S1.92): its table and its slot, equal on both nodes.

export const tableNames = [
  'user',
  'position',
  'wired-conference',
  'wired-media',
  'wireless-conference',
  'wireless-media',
  'phone-book',
  'conference-resource',
  'subscription',
] as const
export type TableName = (typeof tableNames)[number]

export interface RecordAddress {
  readonly table: TableName
  readonly slot: number
}

/** One change of one record. `record` is null when it was deleted. */
export interface RecordChange {
  readonly address: RecordAddress
  readonly key: string
  readonly version: number
}

/** Slots per table an address number can tell apart; more than any capacity in `limits.ts`. */
const slotsMax = 2 ** 20

/** The address as one number, for maps. */
export function addressId(address: RecordAddress): number {
  return tableNames.indexOf(address.table) * slotsMax + address.slot
}
