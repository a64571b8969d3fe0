//! The steps from an empty file to the present schema. A step never changes once it was released; the
//! file knows its last one (`user_version`).
import type { Database } from '../platform/sqlite.ts'
import { type ConfigTableDefinition, configDefinitions, keyColumn } from './schema.ts'

/** Changes made by the row synchronisation must not go back to where they came from. */
const notApplying = '(SELECT applying FROM sync_state) = 0'

/** Tables of the third step. */
const laterTables: readonly string[] = ['drills']
const first = configDefinitions.filter(({ name }) => !laterTables.includes(name))
const later = configDefinitions.filter(({ name }) => laterTables.includes(name))

export const migrations: readonly string[] = [
  [
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
  [
    // A database that was lost must not count as one that is empty, also after another restart.
    'ALTER TABLE sync_state ADD COLUMN needs_peer INTEGER NOT NULL DEFAULT 0;',
    `CREATE TABLE unknown_columns (
       table_name TEXT NOT NULL, row_key TEXT NOT NULL, column_name TEXT NOT NULL,
       value TEXT NOT NULL, PRIMARY KEY (table_name, row_key, column_name)
     ) STRICT;`,
    ...first.map(forgetUnknown),
  ].join('\n'),
  [...later.map(createTable), ...later.flatMap(createTriggers), ...later.map(forgetUnknown)].join(
    '\n',
  ),
]

/** Brings the file to the present schema, one transaction a step.
 * @returns false when it was written by a newer version. */
export async function migrate(database: Database): Promise<boolean> {
  const row = await database.get<{ user_version: number }>('PRAGMA user_version')
  const version = row?.user_version ?? 0
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue
    await database.transaction(async (sql) => {
      await sql.script(step)
      await sql.script(`PRAGMA user_version = ${index + 1}`)
    })
  }
  return version <= migrations.length
}

function createTable({ name, columns }: ConfigTableDefinition): string {
  const lines = columns.map((column, index) => {
    const parent = configDefinitions.find((definition) => definition.name === column.references)
    const reference =
      parent === undefined ? '' : ` REFERENCES ${parent.name} (${keyColumn(parent)})`
    return `${column.name} ${column.type} ${index === 0 ? 'PRIMARY KEY ' : ''}NOT NULL${reference}`
  })
  return `CREATE TABLE ${name} (${lines.join(', ')}, row_hash TEXT NOT NULL) STRICT;`
}

/** What was kept beside a row goes with it. */
function forgetUnknown({ name, columns }: ConfigTableDefinition): string {
  return `CREATE TRIGGER ${name}_unknown AFTER DELETE ON ${name}
    BEGIN DELETE FROM unknown_columns
      WHERE table_name = '${name}' AND row_key = OLD.${columns[0]?.name ?? ''};
    END;`
}

/** The outbox (S2.50-S2.53): what was added, what was changed in which columns, what was removed. */
function createTriggers({ name, columns }: ConfigTableDefinition): string[] {
  const key = columns[0]?.name ?? ''
  const all = [...columns.map((column) => column.name), 'row_hash']
  const whole = all.map((column) => `'${column}', NEW.${column}`).join(', ')
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
    trigger('insert', notApplying, log('insert', `NEW.${key}`, `json_object(${whole})`)),
    trigger(
      'update',
      notApplying,
      log('update', `OLD.${key}`, `json_patch('{}', json_object(${differing}))`),
    ),
    trigger('delete', notApplying, log('delete', `OLD.${key}`, `'{}'`)),
  ]
}
