//! The steps from an empty file to the present schema. A step never changes once it was released; the
//! file knows its last one (`user_version`).
import type { Database, Sql } from '../platform/sqlite.ts'
import { adoptUnknownColumns, formerTrunkRoutes, moveTrunkRoutes } from './migration-rows.ts'
import {
  type ColumnDefinition,
  type ConfigTable,
  configTables,
  definitionOf,
  keyColumn,
} from './schema.ts'

/** Changes made by the row synchronisation must not go back to where they came from. */
const notApplying = '(SELECT applying FROM sync_state) = 0'

type Table = { readonly name: string; readonly columns: readonly ColumnDefinition[] }

interface Step {
  readonly script: string
  /** What statements alone cannot do, after them. */
  readonly rows?: (sql: Sql) => Promise<void>
}

/** Tables by the step that makes them; those of the first step are the others. */
const madeLater: Readonly<Record<number, readonly ConfigTable[]>> = {
  3: ['drills'],
  4: ['trunks', 'routes', 'conferences', 'conference_members', 'feature_codes', 'site_settings'],
}
const first = [
  ...configTables.filter((name) => !Object.values(madeLater).flat().includes(name)).map(asMade),
  formerTrunkRoutes,
]
/** Tables that got columns with the fourth step. */
const widened: readonly ConfigTable[] = ['accounts', 'groups']

export const migrations: readonly Step[] = [
  {
    script: [
      ...first.map(createTable),
      `CREATE TABLE sync_state (
       id INTEGER PRIMARY KEY CHECK (id = 1), applying INTEGER NOT NULL, source TEXT NOT NULL,
       revision INTEGER NOT NULL
     ) STRICT;
     INSERT INTO sync_state VALUES (1, 0, lower(hex(randomblob(8))), 0);
     CREATE TABLE sync_positions (source TEXT PRIMARY KEY, applied INTEGER NOT NULL) STRICT;
     CREATE TABLE sync_log (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, op TEXT NOT NULL,
       row_key TEXT NOT NULL, changed TEXT NOT NULL
     ) STRICT;
     CREATE TABLE operation_log (
       id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, source TEXT NOT NULL,
       seq INTEGER NOT NULL, table_name TEXT NOT NULL, op TEXT NOT NULL, row_key TEXT NOT NULL,
       result TEXT NOT NULL
     ) STRICT;
     CREATE TABLE failure_log (
       id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, source TEXT NOT NULL,
       seq INTEGER NOT NULL, table_name TEXT NOT NULL, op TEXT NOT NULL, row_key TEXT NOT NULL,
       reason TEXT NOT NULL
     ) STRICT;
     CREATE TABLE call_records (
       session_id TEXT PRIMARY KEY, caller TEXT NOT NULL, callee TEXT NOT NULL,
       started_at_ms INTEGER NOT NULL, answered_at_ms INTEGER, ended_at_ms INTEGER NOT NULL,
       status INTEGER NOT NULL, ended_by TEXT NOT NULL
     ) STRICT;
     CREATE INDEX call_records_by_end ON call_records (ended_at_ms);
     CREATE TRIGGER call_records_insert AFTER INSERT ON call_records WHEN ${notApplying}
     BEGIN INSERT INTO sync_log (table_name, op, row_key, changed)
       VALUES ('call_records', 'insert', NEW.session_id, json_object(
         'sessionId', NEW.session_id, 'caller', NEW.caller, 'callee', NEW.callee,
         'startedAtMs', NEW.started_at_ms, 'answeredAtMs', NEW.answered_at_ms,
         'endedAtMs', NEW.ended_at_ms, 'status', NEW.status, 'endedBy', NEW.ended_by));
     END;`,
      ...first.flatMap(createTriggers),
    ].join('\n'),
  },
  {
    script: [
      // A database that was lost must not count as one that is empty, also after another restart.
      'ALTER TABLE sync_state ADD COLUMN needs_peer INTEGER NOT NULL DEFAULT 0;',
      `CREATE TABLE unknown_columns (
       table_name TEXT NOT NULL, row_key TEXT NOT NULL, column_name TEXT NOT NULL,
       value TEXT NOT NULL, PRIMARY KEY (table_name, row_key, column_name)
     ) STRICT;`,
      ...first.map(forgetUnknown),
    ].join('\n'),
  },
  { script: makeTables(3) },
  {
    script: [makeTables(4), ...widened.map((name) => addColumns(name, 4))].join('\n'),
    rows: async (sql) => {
      for (const table of widened) await adoptUnknownColumns(sql, table)
      await moveTrunkRoutes(sql)
    },
  },
  {
    script: addColumns('accounts', 5),
    rows: (sql) => adoptUnknownColumns(sql, 'accounts'),
  },
  {
    script: addColumns('trunks', 6),
    rows: (sql) => adoptUnknownColumns(sql, 'trunks'),
  },
]

/** Brings the file to the present schema, one transaction a step.
 * @returns false when it was written by a newer version. */
export async function migrate(database: Database): Promise<boolean> {
  const row = await database.get<{ user_version: number }>('PRAGMA user_version')
  const version = row?.user_version ?? 0
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue
    await database.transaction(async (sql) => {
      await sql.script(step.script)
      await step.rows?.(sql)
      await sql.script(`PRAGMA user_version = ${index + 1}`)
    })
  }
  return version <= migrations.length
}

/** The table as its own step made it. */
function asMade(name: ConfigTable): Table {
  return { name, columns: definitionOf(name).columns.filter(({ since }) => since === undefined) }
}

function makeTables(step: number): string {
  const tables = (madeLater[step] ?? []).map(asMade)
  return [
    ...tables.map(createTable),
    ...tables.flatMap(createTriggers),
    ...tables.map(forgetUnknown),
  ].join('\n')
}

/** The triggers name every column, so they are made again. */
function addColumns(name: ConfigTable, step: number): string {
  const columns = definitionOf(name).columns.filter(({ since = 0 }) => since <= step)
  const added = columns.filter(({ since }) => since === step)
  return [
    ...added.map(
      (column) =>
        `ALTER TABLE ${name} ADD COLUMN ${column.name} ${column.type} NOT NULL
         DEFAULT ${column.type === 'TEXT' ? "''" : '0'};`,
    ),
    ...['insert', 'update', 'delete'].map((op) => `DROP TRIGGER ${name}_${op};`),
    ...createTriggers({ name, columns }),
  ].join('\n')
}

function createTable({ name, columns }: Table): string {
  const lines = columns.map((column, index) => {
    const parent = column.references
    const reference =
      parent === undefined ? '' : ` REFERENCES ${parent} (${keyColumn(definitionOf(parent))})`
    return `${column.name} ${column.type} ${index === 0 ? 'PRIMARY KEY ' : ''}NOT NULL${reference}`
  })
  return `CREATE TABLE ${name} (${lines.join(', ')}, row_hash TEXT NOT NULL) STRICT;`
}

/** What was kept beside a row goes with it. */
function forgetUnknown({ name, columns }: Table): string {
  return `CREATE TRIGGER ${name}_unknown AFTER DELETE ON ${name}
    BEGIN DELETE FROM unknown_columns
      WHERE table_name = '${name}' AND row_key = OLD.${columns[0]?.name ?? ''};
    END;`
}

/** The outbox (S2.50-S2.53): what was added, what was changed in which columns, what was removed. */
function createTriggers({ name, columns }: Table): string[] {
  const key = columns[0]?.name ?? ''
  const all = [...columns.map((column) => column.name), 'row_hash']
  const values = [
    ...columns.map(({ name, type, since }) => {
      const empty = type === 'TEXT' ? "''" : '0'
      // An account has many later columns, and most of them say nothing.
      return since === undefined ? `NEW.${name}` : `nullif(NEW.${name}, ${empty})`
    }),
    'NEW.row_hash',
  ]
  const whole = all.map((column, index) => `'${column}', ${values[index]}`).join(', ')
  // json_patch leaves out what is null; no column can hold null.
  const differing = all
    .map(
      (column) =>
        `'${column}', CASE WHEN OLD.${column} IS NOT NEW.${column} THEN NEW.${column} END`,
    )
    .join(', ')
  const log = (op: string, rowKey: string, changed: string) =>
    `INSERT INTO sync_log (table_name, op, row_key, changed)
     VALUES ('${name}', '${op}', ${rowKey}, ${changed});`
  const trigger = (op: string, when: string, statement: string) =>
    `CREATE TRIGGER ${name}_${op} AFTER ${op.toUpperCase()} ON ${name} WHEN ${when}
     BEGIN ${statement} END;`
  return [
    trigger(
      'insert',
      notApplying,
      log('insert', `NEW.${key}`, `json_patch('{}', json_object(${whole}))`),
    ),
    trigger(
      'update',
      notApplying,
      log('update', `OLD.${key}`, `json_patch('{}', json_object(${differing}))`),
    ),
    trigger('delete', notApplying, log('delete', `OLD.${key}`, `'{}'`)),
  ]
}
