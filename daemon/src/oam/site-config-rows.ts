//! Between a site and the rows of the configuration tables.
import { type ConfigRow, type ConfigRows, keyOf } from '../database/rows.ts'
import { type ConfigTable, configTables } from '../database/schema.ts'
import type { Work } from '../platform/turns.ts'
import { accountOf, accountRow } from './site/account.ts'
import { conferenceOf, conferenceRow, seatRow } from './site/conference.ts'
import { featureRows, featuresOf, toneRows, tonesOf } from './site/feature.ts'
import { groupMemberRow, groupOf, groupRow } from './site/group.ts'
import { routeOf, routeRow, trunkOf, trunkRow } from './site/trunk.ts'
import { textOf } from './site/words.ts'
import { drillDays, type Site } from './site-config-schema.ts'

type Rows = Record<ConfigTable, Map<string, ConfigRow>>

/** Settings of users that the site does not name have no columns: they stay as they are. */
export function* rowsOfSite(site: Site): Work<ConfigRows> {
  const rows = Object.fromEntries(configTables.map((table) => [table, new Map()])) as Rows
  const add = (table: ConfigTable, row: ConfigRow) => rows[table].set(keyOf(table, row), row)
  for (const [key, one] of Object.entries(site.accounts)) {
    add('accounts', accountRow(key, one))
    yield
  }
  for (const [key, one] of Object.entries(site.trunks)) add('trunks', trunkRow(key, one))
  for (const [key, one] of Object.entries(site.routes)) add('routes', routeRow(key, one))
  for (const [key, one] of Object.entries(site.groups)) {
    add('groups', groupRow(key, one))
    for (const member of one.members) add('group_members', groupMemberRow(key, member))
  }
  for (const [key, one] of Object.entries(site.conferences)) {
    add('conferences', conferenceRow(key, one))
    for (const member of one.members) add('conference_members', seatRow(key, member))
  }
  for (const row of featureRows(site.features)) add('feature_codes', row)
  for (const row of toneRows(site.tones)) add('site_settings', row)
  addPlaces(site, add)
  return rows
}

/** What says little of itself. */
function addPlaces(site: Site, add: (table: ConfigTable, row: ConfigRow) => void): void {
  for (const [position, { name, account }] of Object.entries(site.positions)) {
    add('positions', { position, display_name: name, account })
  }
  for (const [number, { name }] of Object.entries(site.phoneBook)) {
    add('phone_book', { number, display_name: name })
  }
  for (const [radio, { name, account, frequency, receiveThresholdDbm }] of Object.entries(
    site.radios,
  )) {
    const how = { account, frequency, receive_threshold_dbm: receiveThresholdDbm }
    add('radios', { radio, display_name: name, ...how })
  }
  for (const [code, { name, kind, enabled }] of Object.entries(site.boards)) {
    add('boards', { code, display_name: name, kind, enabled: enabled ? 1 : 0 })
  }
  for (const [server, { address }] of Object.entries(site.servers)) {
    add('server_addresses', { server, address })
  }
  for (const [position, keys] of Object.entries(site.keys)) {
    for (const [number, { label, target }] of Object.entries(keys)) {
      const id = `${position}/${number}`
      add('terminal_keys', { id, position, number: +number, label, target })
    }
  }
  for (const [position, role] of Object.entries(site.roles)) {
    add('position_roles', { position, role })
  }
  for (const [name, { weekday, time, enabled }] of Object.entries(site.drills)) {
    add('drills', { name, weekday, time, enabled: enabled ? 1 : 0 })
  }
}

export function* siteOfRows(rows: ConfigRows): Work<Site> {
  const map = <V>(table: ConfigTable, make: (row: ConfigRow) => V) =>
    Object.fromEntries([...rows[table]].map(([key, row]) => [key, make(row)]))
  const accounts: [string, Site['accounts'][string]][] = []
  for (const [key, row] of rows.accounts) {
    accounts.push([key, accountOf(row)])
    yield
  }
  const members = byParent(rows.group_members, 'group_name')
  const seats = byParent(rows.conference_members, 'conference')
  return {
    accounts: Object.fromEntries(accounts),
    ...placesOf(rows),
    trunks: map('trunks', trunkOf),
    routes: map('routes', routeOf),
    groups: map('groups', (row) => groupOf(row, members.get(textOf(row, 'name')) ?? [])),
    conferences: map('conferences', (row) =>
      conferenceOf(row, seats.get(textOf(row, 'conference')) ?? []),
    ),
    features: featuresOf(rows.feature_codes),
    tones: tonesOf(rows.site_settings),
  }
}

type Places =
  | 'positions'
  | 'phoneBook'
  | 'radios'
  | 'boards'
  | 'servers'
  | 'keys'
  | 'roles'
  | 'drills'

function placesOf(rows: ConfigRows): Pick<Site, Places> {
  const map = <V>(table: ConfigTable, make: (row: ConfigRow) => V) =>
    Object.fromEntries([...rows[table]].map(([key, row]) => [key, make(row)]))
  const named = (row: ConfigRow) => ({ name: textOf(row, 'display_name') })
  return {
    positions: map('positions', (row) => ({ ...named(row), account: textOf(row, 'account') })),
    phoneBook: map('phone_book', named),
    radios: map('radios', (row) => ({
      ...named(row),
      account: textOf(row, 'account'),
      frequency: textOf(row, 'frequency'),
      receiveThresholdDbm: Number(row.receive_threshold_dbm),
    })),
    boards: map('boards', (row) => ({
      ...named(row),
      kind: textOf(row, 'kind'),
      enabled: row.enabled === 1,
    })),
    servers: map('server_addresses', (row) => ({ address: textOf(row, 'address') })),
    keys: keysOf(rows),
    roles: map('position_roles', (row) => textOf(row, 'role')),
    drills: map('drills', (row) => ({
      weekday: drillDays.find((day) => day === row.weekday) ?? 'sunday',
      time: textOf(row, 'time'),
      enabled: row.enabled === 1,
    })),
  }
}

function keysOf(rows: ConfigRows): Site['keys'] {
  const keys: Record<string, Record<string, { label: string; target: string }>> = {}
  for (const row of rows.terminal_keys.values()) {
    const position = textOf(row, 'position')
    const there = keys[position] ?? {}
    there[textOf(row, 'number')] = { label: textOf(row, 'label'), target: textOf(row, 'target') }
    keys[position] = there
  }
  return keys
}

function byParent(
  rows: ReadonlyMap<string, ConfigRow>,
  parent: string,
): ReadonlyMap<string, readonly ConfigRow[]> {
  const found = new Map<string, ConfigRow[]>()
  for (const row of rows.values()) {
    const key = textOf(row, parent)
    const there = found.get(key)
    if (there === undefined) found.set(key, [row])
    else there.push(row)
  }
  return found
}
