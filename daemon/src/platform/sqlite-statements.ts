//! Statements that SQLite has compiled, kept for the next time: to compile one costs more than to run it, and half
//! of that on the loop of the process.
import type sqlite3 from 'sqlite3'

/** More different texts than the daemon has. */
const keptMax = 64
/** Others, e.g. PRAGMA, may do their work when they are compiled. */
const keepable = /^\s*(?:SELECT|INSERT|UPDATE|DELETE)\b/i

export class Statements {
  readonly #handle: sqlite3.Database
  /** By their text, that used last at the end. */
  readonly #kept = new Map<string, sqlite3.Statement>()

  constructor(handle: sqlite3.Database) {
    this.#handle = handle
  }

  /** @returns null for what is not kept. Rejects with the error of SQLite when it is none. */
  async of(sql: string): Promise<sqlite3.Statement | null> {
    const known = this.#kept.get(sql)
    if (known !== undefined) {
      this.#kept.delete(sql)
      this.#kept.set(sql, known)
      return known
    }
    if (!keepable.test(sql)) return null
    const made = await prepare(this.#handle, sql)
    const twin = this.#kept.get(sql)
    if (twin !== undefined) {
      made.finalize()
      return twin
    }
    this.#kept.set(sql, made)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > keptMax && oldest !== undefined) this.forget(oldest)
    return made
  }

  /** After an error: what it left behind goes. */
  forget(sql: string): void {
    this.#kept.get(sql)?.finalize()
    this.#kept.delete(sql)
  }

  /** Before the database is closed, which refuses while there are any. */
  forgetAll(): void {
    for (const sql of [...this.#kept.keys()]) this.forget(sql)
  }
}

function prepare(handle: sqlite3.Database, sql: string): Promise<sqlite3.Statement> {
  return new Promise((resolve, reject) => {
    const made = handle.prepare(sql, (error: Error | null) => {
      if (error === null) resolve(made)
      else reject(error)
    })
    // What no callback takes comes as an event, which without a listener would end the process.
    made.on('error', () => undefined)
  })
}
