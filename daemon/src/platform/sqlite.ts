//! SQLite through sqlite3 6.0.1: the only file that imports it. What the package lacks is here: promises,
//! transactions that do not interleave on the one connection, and a check of what is bound.
import sqlite3 from 'sqlite3'
import { makePrivateFile } from './files.ts'
import { Statements } from './sqlite-statements.ts'

export type SqlValue = string | number | null
export type SqlRow = Record<string, SqlValue>

/** Every failure of the database, with SQLite's code, e.g. `SQLITE_FULL`, or `BIND`. */
export class SqlError extends Error {
  readonly code: string

  constructor(code: string, text: string) {
    super(text)
    this.name = 'SqlError'
    this.code = code
  }
}

/** What can be done inside and outside of a transaction. */
export interface Sql {
  /** @returns how many rows were changed. */
  run(sql: string, values?: readonly SqlValue[]): Promise<number>
  all<R extends object = SqlRow>(sql: string, values?: readonly SqlValue[]): Promise<R[]>
  get<R extends object = SqlRow>(sql: string, values?: readonly SqlValue[]): Promise<R | undefined>
}

const pragmas = `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
  PRAGMA busy_timeout = 2000; PRAGMA trusted_schema = OFF;`

/** One connection to one file. All methods reject with `SqlError`. Inside of a transaction only its
 * own `Sql` may be used: the others wait for its end. */
export class Database implements Sql {
  readonly #handle: sqlite3.Database
  readonly #statements: Statements
  /** Ends when everything ordered so far has ended: the writer mutex. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(handle: sqlite3.Database) {
    this.#handle = handle
    this.#statements = new Statements(handle)
  }

  /** A file on disk can then be read by its owner only: it holds what passwords are checked against. */
  static async open(path: string): Promise<Database> {
    if (path !== ':memory:') makePrivateFile(path)
    const handle = await new Promise<sqlite3.Database>((resolve, reject) => {
      const opened = new sqlite3.Database(path, (error) =>
        error === null ? resolve(opened) : reject(toSqlError(error)),
      )
    })
    // An error without a callback to take it would end the process; there is none, but be sure.
    handle.on('error', () => {})
    const database = new Database(handle)
    try {
      await database.script(pragmas)
      return database
    } catch (error) {
      await database.close().catch(() => {})
      throw error
    }
  }

  run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    return this.#exclusive(() => this.#run(sql, values))
  }

  all<R extends object = SqlRow>(sql: string, values: readonly SqlValue[] = []): Promise<R[]> {
    return this.#exclusive(() => this.#all<R>(sql, values))
  }

  async get<R extends object = SqlRow>(
    sql: string,
    values: readonly SqlValue[] = [],
  ): Promise<R | undefined> {
    return (await this.all<R>(sql, values))[0]
  }

  /** Several statements without values, e.g. a migration; not in a transaction of its own. */
  script(sql: string): Promise<void> {
    return this.#exclusive(() => script(this.#handle, sql))
  }

  /** All or nothing. When `body` rejects, nothing of it stays and the same error is given on. */
  transaction<T>(
    body: (sql: Sql & { script(sql: string): Promise<void> }) => Promise<T>,
  ): Promise<T> {
    return this.#exclusive(async () => {
      const handle = this.#handle
      await script(handle, 'BEGIN IMMEDIATE')
      try {
        const result = await body({
          run: (sql, values = []) => this.#run(sql, values),
          all: (sql, values = []) => this.#all(sql, values),
          get: async <R extends object>(sql: string, values: readonly SqlValue[] = []) =>
            (await this.#all<R>(sql, values))[0],
          script: (sql) => script(handle, sql),
        })
        await script(handle, 'COMMIT')
        return result
      } catch (error) {
        // SQLite has rolled back by itself after some errors; then this one fails, and rightly so.
        await script(handle, 'ROLLBACK').catch(() => {})
        throw error
      }
    })
  }

  /** Writes a whole copy to `path`, which must not be open elsewhere. */
  backup(path: string): Promise<void> {
    makePrivateFile(path)
    return this.#exclusive(() => backup(this.#handle, path))
  }

  /** @returns what is wrong with the file; empty when it is sound. */
  async integrityFaults(): Promise<string[]> {
    const rows = await this.all<{ integrity_check: string }>('PRAGMA integrity_check(20)')
    return rows.map((row) => row.integrity_check).filter((text) => text !== 'ok')
  }

  close(): Promise<void> {
    return this.#exclusive(
      () =>
        new Promise<void>((resolve, reject) => {
          this.#statements.forgetAll()
          this.#handle.close((error) => (error === null ? resolve() : reject(toSqlError(error))))
        }),
    )
  }

  async #run(sql: string, values: readonly SqlValue[]): Promise<number> {
    const on = await this.#runnerOf(sql, values)
    return new Promise((resolve, reject) => {
      on.run([...values], function (error) {
        if (error === null) resolve(this.changes)
        else reject(error)
      })
    }).catch((error: Error) => this.#failed(sql, error)) as Promise<number>
  }

  async #all<R extends object>(sql: string, values: readonly SqlValue[]): Promise<R[]> {
    const on = await this.#runnerOf(sql, values)
    return new Promise((resolve, reject) => {
      on.all<R>([...values], (error, rows) => {
        if (error === null) resolve(rows)
        else reject(error)
      })
    }).catch((error: Error) => this.#failed(sql, error)) as Promise<R[]>
  }

  async #runnerOf(sql: string, values: readonly SqlValue[]): Promise<Runner> {
    const refused = bindFault(values)
    if (refused !== null) throw refused
    const kept = await this.#statements.of(sql).catch((error: Error) => {
      throw toSqlError(error)
    })
    if (kept !== null) return kept
    const handle = this.#handle
    return {
      run: (bound, done) => handle.run(sql, bound, done),
      all: (bound, done) => handle.all(sql, bound, done),
    }
  }

  #failed(sql: string, error: Error): never {
    this.#statements.forget(sql)
    throw toSqlError(error)
  }

  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action)
    this.#last = result.catch(() => {})
    return result
  }
}

function script(handle: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    handle.exec(sql, (error) => (error === null ? resolve() : reject(toSqlError(error))))
  })
}

/** What runs a statement: the one that is kept, or the connection. */
interface Runner {
  run(values: SqlValue[], done: (this: sqlite3.RunResult, error: Error | null) => void): unknown
  all<R>(values: SqlValue[], done: (error: Error | null, rows: R[]) => void): unknown
}

/** What the type declarations of sqlite3 leave out. */
interface Backup {
  step(pages: number, done: (error: Error | null) => void): void
  finish(done: () => void): void
  on(event: 'error', listener: (error: Error) => void): void
}

function backup(handle: sqlite3.Database, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const from = handle as sqlite3.Database & {
      backup(path: string, opened: (error: Error | null) => void): Backup
    }
    const copy = from.backup(path, (openError) => {
      if (openError !== null) {
        reject(toSqlError(openError))
        return
      }
      copy.step(-1, (stepError) => {
        copy.finish(() => (stepError === null ? resolve() : reject(toSqlError(stepError))))
      })
    })
    copy.on('error', (error) => reject(toSqlError(error)))
  })
}

/** sqlite3 stores NULL for a bigint and for undefined, and loses digits of large numbers. */
function bindFault(values: readonly unknown[]): SqlError | null {
  for (const [index, value] of values.entries()) {
    const fine =
      value === null ||
      typeof value === 'string' ||
      (typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= 2 ** 53 - 1)
    if (!fine) return new SqlError('BIND', `value ${index + 1} cannot be bound: ${typeof value}`)
  }
  return null
}

function toSqlError(error: Error): SqlError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'SQLITE_ERROR'
  return new SqlError(code, error.message)
}
