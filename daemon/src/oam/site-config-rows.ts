//! Between a site and the rows of the configuration tables.
import { type ConfigRow, type ConfigRows, keyOf } from '../database/rows.ts'
import { type ConfigTable, configTables } from '../database/schema.ts'
import { accountTypes } from '../tables/profile.ts'
import { digests, drillDays, type Site, type SiteAccount } from './site-config-schema.ts'

export function rowsOfSite(site: Site): ConfigRows {
  const rows = {} as Record<ConfigTable, Map<string, ConfigRow>>
  for (const table of configTables) rows[table] = new Map()
  const add = (table: ConfigTable, row: ConfigRow) => rows[table].set(keyOf(table, row), row)
  const each = <V>(
    section: Readonly<Record<string, V>>,
    visit: (key: string, value: V) => void,
  ) => {
    for (const [key, value] of Object.entries(section)) visit(key, value)
  }
  each(site.accounts, (number, { name, type, ha1, digest, priority, twin }) =>
    add('accounts', {
      number,
      display_name: name,
      type,
      ha1_md5: ha1.md5,
      ha1_sha256: ha1.sha256,
      digest,
      priority,
      twin: twin ? 1 : 0,
    }),
  )
  each(site.positions, (position, { name, account }) =>
    add('positions', { position, display_name: name, account }),
  )
  each(site.phoneBook, (number, { name }) => add('phone_book', { number, display_name: name }))
  each(site.radios, (radio, { name, account, frequency, receiveThresholdDbm }) =>
    add('radios', {
      radio,
      display_name: name,
      account,
      frequency,
      receive_threshold_dbm: receiveThresholdDbm,
    }),
  )
  each(site.trunks, (prefix, { name, gateway }) =>
    add('trunk_routes', { prefix, display_name: name, gateway }),
  )
  each(site.boards, (code, { name, kind, enabled }) =>
    add('boards', { code, display_name: name, kind, enabled: enabled ? 1 : 0 }),
  )
  each(site.servers, (server, { address }) => add('server_addresses', { server, address }))
  each(site.keys, (position, keys) =>
    each(keys, (number, { label, target }) =>
      add('terminal_keys', {
        id: `${position}/${number}`,
        position,
        number: +number,
        label,
        target,
      }),
    ),
  )
  each(site.roles, (position, role) => add('position_roles', { position, role }))
  each(site.groups, (group, { name, members }) => {
    add('groups', { name: group, display_name: name })
    for (const number of members) {
      add('group_members', { id: `${group}/${number}`, group_name: group, number })
    }
  })
  each(site.drills, (name, { weekday, time, enabled }) =>
    add('drills', { name, weekday, time, enabled: enabled ? 1 : 0 }),
  )
  return rows
}

export function siteOfRows(rows: ConfigRows): Site {
  const map = <V>(table: ConfigTable, make: (row: Readonly<Record<string, string>>) => V) =>
    Object.fromEntries(
      [...rows[table]].map(([key, row]) => [
        key,
        make(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))),
      ]),
    )
  const keys: Record<string, Record<string, { label: string; target: string }>> = {}
  for (const { position, number, label, target } of rows.terminal_keys.values()) {
    const there = keys[String(position)] ?? {}
    there[String(number)] = { label: String(label), target: String(target) }
    keys[String(position)] = there
  }
  const members = new Map<string, string[]>()
  for (const { group_name, number } of rows.group_members.values()) {
    members.set(String(group_name), [...(members.get(String(group_name)) ?? []), String(number)])
  }
  return {
    accounts: map('accounts', accountOf),
    positions: map('positions', (row) => ({
      name: at(row, 'display_name'),
      account: at(row, 'account'),
    })),
    phoneBook: map('phone_book', (row) => ({ name: at(row, 'display_name') })),
    radios: map('radios', (row) => ({
      name: at(row, 'display_name'),
      account: at(row, 'account'),
      frequency: at(row, 'frequency'),
      receiveThresholdDbm: Number(row.receive_threshold_dbm),
    })),
    trunks: map('trunk_routes', (row) => ({
      name: at(row, 'display_name'),
      gateway: at(row, 'gateway'),
    })),
    boards: map('boards', (row) => ({
      name: at(row, 'display_name'),
      kind: at(row, 'kind'),
      enabled: row.enabled === '1',
    })),
    servers: map('server_addresses', (row) => ({ address: at(row, 'address') })),
    keys,
    roles: map('position_roles', (row) => at(row, 'role')),
    groups: map('groups', (row) => ({
      name: at(row, 'display_name'),
      // A group has no order; one is needed to compare.
      members: (members.get(at(row, 'name')) ?? []).sort(),
    })),
    drills: map('drills', (row) => ({
      weekday: drillDays.find((day) => day === row.weekday) ?? 'sunday',
      time: at(row, 'time'),
      enabled: row.enabled === '1',
    })),
  }
}

function accountOf(row: Readonly<Record<string, string>>): SiteAccount {
  return {
    name: at(row, 'display_name'),
    type: accountTypes.find((type) => type === row.type) ?? 'telephone',
    ha1: { md5: at(row, 'ha1_md5'), sha256: at(row, 'ha1_sha256') },
    digest: digests.find((digest) => digest === row.digest) ?? 'md5',
    priority: Number(row.priority),
    twin: row.twin === '1',
  }
}

function at(row: Readonly<Record<string, string>>, column: string): string {
  return row[column] ?? ''
}
