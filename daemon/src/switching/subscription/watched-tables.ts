//! The tables as the core writes them, with a list of the numbers whose calls, registration or account
//! changed: these are what subscriptions are about.
import type { Conference } from '../../tables/wired-conference.ts'
import type { CoreTables, RecordTable } from '../core-types.ts'

/** @param touched takes the numbers. */
export function watchedTables(tables: CoreTables, touched: Set<string>): CoreTables {
  return {
    ...tables,
    user: watchedTable(tables.user, { keyOf: ({ user }) => user, touched }),
    phoneBook: watchedTable(tables.phoneBook, { keyOf: ({ number }) => number, touched }),
    wiredConference: watchedTable(tables.wiredConference, {
      keyOf: ({ sessionId }) => sessionId,
      touched,
      others: numbersOf,
    }),
  }
}

function numbersOf({ members, focus }: Conference): string[] {
  const users = members.map((member) => member.user)
  return focus === null ? users : [...users, focus.number]
}

function watchedTable<R>(
  table: RecordTable<R>,
  by: { keyOf(record: R): string; touched: Set<string>; others?(record: R): readonly string[] },
): RecordTable<R> {
  const touch = (record: R | undefined) => {
    if (record === undefined) return
    by.touched.add(by.keyOf(record))
    for (const number of by.others?.(record) ?? []) by.touched.add(number)
  }
  return {
    get: (key) => table.get(key),
    put(record) {
      // Who is no member any more is told of it, too.
      if (by.others !== undefined) touch(table.get(by.keyOf(record)))
      touch(record)
      return table.put(record)
    },
    delete(key) {
      touch(table.get(key))
      return table.delete(key)
    },
    values: () => table.values(),
    get size() {
      return table.size
    },
  }
}
