//! The configuration tables (S1.121-S1.133) as data: one description from which the statements, the
//! triggers of the outbox and the row hashes are made. Every column is NOT NULL; '' and 0 say nothing.
import { accountColumns, newerAccountColumns } from './account-columns.ts'

type ColumnType = 'TEXT' | 'INTEGER'

export interface ColumnDefinition {
  readonly name: string
  readonly type: ColumnType
  /** Table whose key the value is. */
  readonly references?: ConfigTable
  /** It came to its table with this step of the migrations. */
  readonly since?: number
}

export interface ConfigTableDefinition {
  readonly name: ConfigTable
  /** The key comes first. */
  readonly columns: readonly ColumnDefinition[]
}

/** Parents first: rows are written in this order and removed in the opposite one. */
export const configTables = [
  'accounts',
  'positions',
  'phone_book',
  'radios',
  'trunks',
  'routes',
  'boards',
  'server_addresses',
  'terminal_keys',
  'position_roles',
  'groups',
  'group_members',
  'conferences',
  'conference_members',
  'feature_codes',
  'site_settings',
  'drills',
] as const
export type ConfigTable = (typeof configTables)[number]

const text = (name: string, references?: ConfigTable): ColumnDefinition => ({
  name,
  type: 'TEXT',
  ...(references === undefined ? {} : { references }),
})
const integer = (name: string): ColumnDefinition => ({ name, type: 'INTEGER' })
const since = (step: number, ...definitions: readonly ColumnDefinition[]): ColumnDefinition[] =>
  definitions.map((one) => ({ ...one, since: step }))

const columns: Readonly<Record<ConfigTable, readonly ColumnDefinition[]>> = {
  /** S1.121, S1.128. Passwords only as HA1 (RFC 7616 3.4.2). */
  accounts: [
    text('number'),
    text('display_name'),
    text('type'),
    text('ha1_md5'),
    text('ha1_sha256'),
    text('digest'),
    integer('priority'),
    integer('twin'),
    // Rights, line and settings (`account-columns.ts`); '' is what the type has.
    ...since(4, ...accountColumns.map((name) => text(name))),
    ...since(5, ...newerAccountColumns.map((name) => text(name))),
  ],
  /** S1.122. */
  positions: [text('position'), text('display_name'), text('account', 'accounts')],
  /** S1.123. */
  phone_book: [text('number'), text('display_name')],
  /** S1.124, S1.131, S1.132: frequency as text in MHz, threshold in dBm. */
  radios: [
    text('radio'),
    text('display_name'),
    text('account', 'accounts'),
    text('frequency'),
    integer('receive_threshold_dbm'),
  ],
  /** S1.125: other systems. Rules for numbers as JSON, lists with a space between. */
  trunks: [
    text('trunk'),
    text('display_name'),
    text('address'),
    integer('port'),
    text('account'),
    text('trust'),
    text('login_user'),
    text('ha1_md5'),
    text('ha1_sha256'),
    text('peer_realm'),
    text('peer_ha1_md5'),
    text('peer_ha1_sha256'),
    integer('capacity'),
    integer('options_seconds'),
    integer('response_seconds'),
    text('classes'),
    text('priority_max'),
    text('outgoing_called'),
    text('outgoing_caller'),
    text('incoming_called'),
    text('incoming_caller'),
    ...since(6, integer('may_monitor')),
  ],
  /** S1.125: which numbers go there. */
  routes: [
    text('route'),
    text('display_name'),
    text('pattern'),
    integer('priority'),
    text('class'),
    text('trunks'),
    text('fail_over'),
  ],
  /** S1.126. */
  boards: [text('code'), text('display_name'), text('kind'), integer('enabled')],
  /** S1.127. */
  server_addresses: [text('server'), text('address')],
  /** S1.129; the key is `position/number`. */
  terminal_keys: [
    text('id'),
    text('position', 'positions'),
    integer('number'),
    text('label'),
    text('target'),
  ],
  /** S1.130. */
  position_roles: [text('position', 'positions'), text('role')],
  /** S1.133; the key of a member is `group/number`. */
  groups: [
    text('name'),
    text('display_name'),
    ...since(4, text('number'), text('mode'), integer('no_answer_seconds')),
  ],
  group_members: [text('id'), text('group_name', 'groups'), text('number', 'accounts')],
  conferences: [
    text('conference'),
    text('display_name'),
    text('number'),
    text('kind'),
    text('pin_hash'),
    integer('locked'),
    integer('members_max'),
  ],
  /** The key is `conference/number`. */
  conference_members: [
    text('id'),
    text('conference', 'conferences'),
    text('number'),
    integer('listens_only'),
    integer('gain_db'),
  ],
  /** Only those that are not the usual ones; `off` for one that is switched off. */
  feature_codes: [text('feature'), text('digits')],
  /** Single values, e.g. whose tones. */
  site_settings: [text('name'), text('value')],
  /** Scheduled drills of the pair; the time is UTC. */
  drills: [text('name'), text('weekday'), text('time'), integer('enabled')],
}

export const configDefinitions: readonly ConfigTableDefinition[] = configTables.map((name) => ({
  name,
  columns: columns[name],
}))

export function definitionOf(name: ConfigTable): ConfigTableDefinition {
  return { name, columns: columns[name] }
}

export function keyColumn(definition: ConfigTableDefinition): string {
  return definition.columns[0]?.name ?? ''
}

export function isConfigTable(name: string): name is ConfigTable {
  return configTables.some((table) => table === name)
}
