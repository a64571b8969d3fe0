//! A database that lost its rows takes those of the peer, as a whole: half of them would count as all
//! after a restart, and be sent to the peer.
import type { Database } from '../platform/sqlite.ts'
import type { TableDifferences } from './compare.ts'
import { applying } from './operations.ts'
import { inParts, type PeerRows } from './peer-rows.ts'
import { type ConfigRow, deleteRow, keyOf } from './rows.ts'
import type { ConfigTable } from './schema.ts'
import { writeShared } from './shared-rows.ts'
import { setNeedsPeer } from './store.ts'

/** @returns false when the peer does not answer or its rows do not fit: nothing was changed. */
export async function pullRows(
  database: Database,
  peer: PeerRows,
  differences: readonly TableDifferences[],
): Promise<boolean> {
  const pulled: { table: ConfigTable; rows: ConfigRow[] }[] = []
  for (const { table, onlyPeer, different } of differences) {
    const rows = await fetchRows(peer, table, [...onlyPeer, ...different])
    if (rows === null) return false
    pulled.push({ table, rows })
  }
  await applying(database, async (sql) => {
    for (const { table, rows } of pulled) {
      for (const row of rows) {
        const reason = await writeShared(sql, table, row)
        if (reason !== null) throw new Error(`${table} ${keyOf(table, row)}: ${reason}`)
      }
    }
    for (const { table, onlyHere } of differences.toReversed()) {
      for (const key of onlyHere) await deleteRow(sql, table, key)
    }
    await setNeedsPeer(sql, false)
  })
  return true
}

/** @returns null: no answer, or other rows than those. */
export async function fetchRows(
  peer: PeerRows,
  table: ConfigTable,
  keys: readonly string[],
): Promise<ConfigRow[] | null> {
  const rows: ConfigRow[] = []
  const wanted = new Set(keys)
  while (wanted.size > 0) {
    const [part = []] = inParts([...wanted])
    const reply = await peer.ask({ op: 'fetch', table, keys: part })
    if (reply === null || reply.rows.length === 0) return null
    for (const row of reply.rows) {
      if (!wanted.delete(keyOf(table, row))) return null
      rows.push(row)
    }
  }
  return rows
}
