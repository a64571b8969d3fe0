//! The n-th statement of a change fails as on a full disk, for every n: all of the change is there or
//! nothing of it, the failure is told, and the next attempt succeeds.
import test, { type ExecutionContext } from 'ava'
import { databaseHashes, digestOf } from '../../src/database/compare.ts'
import { openDatabase } from '../../src/database/open.ts'
import { setApplied } from '../../src/database/operations.ts'
import { RowAnswers } from '../../src/database/row-answers.ts'
import type { RowMessage } from '../../src/database/row-messages.ts'
import { storeRows } from '../../src/database/store.ts'
import { type Database, type Sql, SqlError } from '../../src/platform/sqlite.ts'
import { account, rowsOf } from './site-rows.ts'

/** Counts down with every statement inside of a transaction. */
interface Fuse {
  left: number
}

/** The database, whose n-th statement fails and ends the transaction, as SQLITE_FULL does. */
function withFuse(database: Database, fuse: Fuse): Database {
  return new Proxy(database, {
    get: (target, name) => {
      if (name !== 'transaction') {
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return (body: (sql: Sql & { script(sql: string): Promise<void> }) => Promise<unknown>) =>
        target.transaction(async (sql) => {
          const burn = async () => {
            if (--fuse.left !== 0) return
            await sql.script('ROLLBACK')
            throw new SqlError('SQLITE_FULL', 'database or disk is full')
          }
          return body({
            ...sql,
            run: async (text, values) => {
              await burn()
              return sql.run(text, values)
            },
            all: async <R extends object>(text: string, values?: readonly (string | number)[]) => {
              await burn()
              return sql.all<R>(text, values)
            },
          })
        })
    },
  })
}

async function everyStatement(
  t: ExecutionContext,
  change: (database: Database) => Promise<unknown>,
): Promise<void> {
  let statements = 0
  for (let nth = 1, whole = false; !whole; nth++) {
    const { database } = await openDatabase(':memory:', 0)
    await storeRows(database, rowsOf({ accounts: [account('1'), account('2')] }))
    await setApplied(database, 's', 0)
    const state = async () => [
      digestOf(await databaseHashes(database)),
      await database.all('SELECT * FROM sync_positions'),
      await database.all('SELECT * FROM operation_log'),
      await database.all('SELECT * FROM failure_log'),
      await database.all('SELECT applying, revision FROM sync_state'),
      await database.all('SELECT * FROM sync_log'),
    ]
    const before = await state()
    const fuse = { left: nth }
    const failed = await change(withFuse(database, fuse)).then(
      () => null,
      (error: unknown) => error,
    )
    whole = fuse.left > 0
    if (failed !== null) {
      t.deepEqual(await state(), before, `statement ${nth}`)
      statements++
      await change(database)
    } else t.true(whole, `statement ${nth} failed and nobody was told`)
    const [digest] = await state()
    t.not(digest, before[0])
    await database.close()
  }
  t.true(statements >= 5, `${statements}`)
}

const part = { batch: 'b', part: 0, more: false }

test('operations of the outbox', (t) =>
  everyStatement(t, (database) =>
    new RowAnswers(database).answer(
      {
        op: 'apply',
        ...part,
        source: 's',
        revision: 9,
        operations: [
          { seq: 1, table: 'accounts', op: 'update', key: '1', changed: { priority: 1 } },
          { seq: 2, table: 'accounts', op: 'delete', key: '9', changed: {} },
          { seq: 3, table: 'accounts', op: 'insert', key: '3', changed: account('3') },
        ],
      } satisfies RowMessage,
      1,
    ),
  ))

test('a repair with what it settles', (t) =>
  everyStatement(t, (database) =>
    new RowAnswers(database).answer(
      {
        op: 'repair',
        ...part,
        settle: { source: 's', seq: 7, revision: 9 },
        steps: [
          { table: 'accounts', key: '1', row: { ...account('1', 1), added: 'kept' } },
          { table: 'accounts', key: '2', row: null },
        ],
      } satisfies RowMessage,
      1,
    ),
  ))

test('a change of the operator', (t) =>
  everyStatement(t, async (database) => {
    const stored = await storeRows(database, rowsOf({ accounts: [account('1', 1), account('3')] }))
    if (!stored.ok) throw new Error(stored.failure.detail)
  }))
