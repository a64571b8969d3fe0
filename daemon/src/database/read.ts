//! The read module (数据读取模块, S1.149): what the core needs of the configuration, as records of its
//! tables.
import type { Sql } from '../platform/sqlite.ts'
import { sliced } from '../platform/turns.ts'
import { type PhoneBookEntry, phoneBookSchema } from '../tables/phone-book.ts'
import { accountTypes } from '../tables/profile.ts'
import { profileOfRow } from './account-columns.ts'
import { type ConfigRow, readTable } from './rows.ts'

interface CoreData {
  /** Table 7: everybody who may register. */
  readonly phoneBook: readonly PhoneBookEntry[]
  /** Numbers of the positions, for table 2. */
  readonly positions: readonly string[]
}

export async function readCoreData(sql: Sql): Promise<CoreData> {
  const accounts = await readTable(sql, 'accounts')
  const positions = await readTable(sql, 'positions')
  const phoneBook: PhoneBookEntry[] = []
  const turn = sliced()
  for (const row of accounts.values()) {
    await turn()
    const entry = toEntry(row)
    if (entry !== null) phoneBook.push(entry)
  }
  return { phoneBook, positions: [...positions.keys()] }
}

/** Null for a row that the tables cannot hold, which `store.ts` never writes. */
function toEntry(row: ConfigRow): PhoneBookEntry | null {
  const type = accountTypes.find((one) => one === row.type)
  if (type === undefined) return null
  const parsed = phoneBookSchema.safeParse({
    number: row.number,
    type,
    displayName: row.display_name,
    ha1Md5: row.ha1_md5,
    ha1Sha256: row.ha1_sha256,
    digest: row.digest,
    priority: row.priority,
    twin: row.twin === 1,
    profile: profileOfRow(type, row),
  })
  return parsed.success ? parsed.data : null
}
