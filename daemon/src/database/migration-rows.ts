//! What a migration does with the rows that are there. It is not a change of the site: the outbox does not
//! hear of it, and the peer does it by itself.
import type { Sql } from '../platform/sqlite.ts'
import { type ConfigRow, rowHash } from './rows.ts'
import { type ConfigTable, definitionOf, keyColumn } from './schema.ts'

/** The routes of the first version: numbers that begin so belong to the account of a gateway. */
export const formerTrunkRoutes = {
  name: 'trunk_routes',
  columns: [
    { name: 'prefix', type: 'TEXT' },
    { name: 'display_name', type: 'TEXT' },
    { name: 'gateway', type: 'TEXT', references: 'accounts' },
  ],
} as const

/** A newer peer has given values for columns that this node did not have: they are its own now. */
export async function adoptUnknownColumns(sql: Sql, table: ConfigTable): Promise<void> {
  const definition = definitionOf(table)
  const known = new Map(definition.columns.map(({ name, type }) => [name, type]))
  const kept = await sql.all<{ key: string; name: string; value: string }>(
    'SELECT row_key AS key, column_name AS name, value FROM unknown_columns WHERE table_name = ?',
    [table],
  )
  const column = keyColumn(definition)
  for (const { key, name, value } of kept) {
    const type = known.get(name)
    if (type === undefined) continue
    const row = await sql.get<ConfigRow>(`SELECT * FROM ${table} WHERE ${column} = ?`, [key])
    const given: unknown = JSON.parse(value)
    const fits = type === 'TEXT' ? typeof given === 'string' : Number.isSafeInteger(given)
    if (row !== undefined && fits) {
      const said = given as string | number
      await quietly(sql, () =>
        sql.run(`UPDATE ${table} SET ${name} = ?, row_hash = ? WHERE ${column} = ?`, [
          said,
          rowHash(table, { ...row, [name]: said }),
          key,
        ]),
      )
    }
    await sql.run(
      'DELETE FROM unknown_columns WHERE table_name = ? AND row_key = ? AND column_name = ?',
      [table, key, name],
    )
  }
}

/** Each of them becomes a trunk of that gateway and a route to it. */
export async function moveTrunkRoutes(sql: Sql): Promise<void> {
  const routes = await sql.all<{ prefix: string; display_name: string; gateway: string }>(
    'SELECT prefix, display_name, gateway FROM trunk_routes ORDER BY prefix',
  )
  await quietly(sql, async () => {
    for (const { prefix, display_name, gateway } of routes) {
      const [trunk, route] = [{ trunk: gateway, account: gateway }, { route: prefix }]
      await insert(sql, 'trunks', { ...trunk, display_name: gateway, trust: 'address' })
      const how = { pattern: `${prefix}.`, priority: 50, trunks: gateway }
      await insert(sql, 'routes', { ...route, display_name, ...how })
      await sql.run('DELETE FROM trunk_routes WHERE prefix = ?', [prefix])
    }
  })
  await sql.run('DELETE FROM unknown_columns WHERE table_name = ?', ['trunk_routes'])
  await sql.run('DROP TABLE trunk_routes')
}

/** The columns as they were made: a later step may have added others, which say nothing. */
async function insert(sql: Sql, table: ConfigTable, given: ConfigRow): Promise<void> {
  const row: Record<string, string | number> = {}
  for (const { name, type, since } of definitionOf(table).columns) {
    if (since === undefined) row[name] = given[name] ?? (type === 'TEXT' ? '' : 0)
  }
  const names = Object.keys(row)
  await sql.run(
    `INSERT OR IGNORE INTO ${table} (${names.join(', ')}, row_hash)
     VALUES (${names.map(() => '?').join(', ')}, ?)`,
    [...Object.values(row), rowHash(table, row)],
  )
}

async function quietly(sql: Sql, work: () => Promise<unknown>): Promise<void> {
  await sql.run('UPDATE sync_state SET applying = 1')
  await work()
  await sql.run('UPDATE sync_state SET applying = 0')
}
