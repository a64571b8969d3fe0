//! The file of call records (ADR 0026), apart from the configuration: it is large, and the configuration
//! is copied with each change. Rows hold the whole record as text, and beside it what is searched.
import { createHash } from 'node:crypto'
import { limits } from '../limits.ts'
import { Database, type Sql, SqlError, type SqlValue } from '../platform/sqlite.ts'
import { type CallRecord, callRecordSchema } from '../tables/call-record.ts'
import { damageCodes, setAside } from './open.ts'

const steps: readonly string[] = [
  `CREATE TABLE calls (
     session_id TEXT PRIMARY KEY, started_at_ms INTEGER NOT NULL, ended_at_ms INTEGER NOT NULL,
     answered INTEGER NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL,
     numbers TEXT NOT NULL, kinds TEXT NOT NULL, hash INTEGER NOT NULL, record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX calls_by_end ON calls (ended_at_ms, session_id);
   CREATE INDEX calls_by_start ON calls (started_at_ms, session_id);
   CREATE TABLE live (session_id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
   CREATE TABLE state (
     id INTEGER PRIMARY KEY CHECK (id = 1), seen_at_ms INTEGER NOT NULL,
     removed_until_ms INTEGER NOT NULL
   ) STRICT;
   INSERT INTO state VALUES (1, 0, 0);`,
]

/** What call records mean; an argument, as it belongs to the switching of calls. `compare` is negative
 * when the first of two records of one session counts. */
interface RecordRules {
  compare(a: CallRecord, b: CallRecord): number
  /** The record, with what this node knew while the session lived. */
  completedBy(record: CallRecord, alive: CallRecord): CallRecord
  text(record: CallRecord): string
}

export interface CallQuery {
  /** End of the call, Unix milliseconds: from, and before. */
  readonly sinceMs?: number | undefined
  readonly untilMs?: number | undefined
  readonly party?: string | undefined
  /** Type of the session, call type, priority, a service that was used or a trunk; whatever its case. */
  readonly kind?: string | undefined
  /** A SIP status, or a part of the value of the Reason header. */
  readonly cause?: string | undefined
  readonly answered?: boolean | undefined
  readonly oldestFirst: boolean
  readonly limit: number
  /** The last one of the page before. */
  readonly after?: { readonly endedAtMs: number; readonly sessionId: string } | undefined
}

interface StoreBatch {
  readonly ended: readonly CallRecord[]
  readonly live: readonly CallRecord[]
  readonly seenAtMs: number
}

/** Their texts are one text for SQLite. */
const recordsAtOnce = 500

export class CallStore {
  readonly #database: Database
  readonly #rules: RecordRules
  #count = 0
  #bytes = 0

  private constructor(database: Database, rules: RecordRules) {
    this.#database = database
    this.#rules = rules
  }

  /** A damaged file is moved aside, and what was in it comes from the peer. Rejects when the file cannot
   * be used. @returns `fault`: what was wrong; null: nothing. */
  static async open(
    path: string,
    rules: RecordRules,
    wallMs: number,
  ): Promise<{ store: CallStore; fault: string | null }> {
    try {
      return { store: await CallStore.#openAt(path, rules), fault: null }
    } catch (error) {
      if (!(error instanceof SqlError) || !damageCodes.includes(error.code)) throw error
      const aside = setAside(path, wallMs)
      const fault = `${path}: ${error.message}; moved to ${aside}; begins empty`
      return { store: await CallStore.#openAt(path, rules), fault }
    }
  }

  static async #openAt(path: string, rules: RecordRules): Promise<CallStore> {
    const database = await Database.open(path)
    try {
      const row = await database.get<{ user_version: number }>('PRAGMA user_version')
      for (let version = row?.user_version ?? 0; version < steps.length; version++) {
        await database.transaction(async (sql) => {
          await sql.script(steps[version] ?? '')
          await sql.script(`PRAGMA user_version = ${version + 1}`)
        })
      }
      const store = new CallStore(database, rules)
      await store.#measure(database)
      return store
    } catch (error) {
      await database.close().catch(() => {})
      throw error
    }
  }

  get count(): number {
    return this.#count
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /** One transaction. Rejects with `SqlError`. */
  store({ ended, live, seenAtMs }: StoreBatch): Promise<void> {
    return this.#change(async (sql) => {
      await this.#putAll(sql, ended)
      if (live.length > 0) {
        const rows = live.map((record) => [record.sessionId, this.#rules.text(record)])
        await sql.run(
          `INSERT OR REPLACE INTO live SELECT value ->> 0, value ->> 1 FROM json_each(?)
           WHERE NOT EXISTS (SELECT 1 FROM calls WHERE session_id = value ->> 0)`,
          [JSON.stringify(rows)],
        )
      }
      await sql.run('UPDATE state SET seen_at_ms = ?', [Math.round(seenAtMs)])
    })
  }

  /** What the peer has. @returns how many of them changed something here. */
  async adopt(records: readonly CallRecord[]): Promise<number> {
    let changed = 0
    await this.#change(async (sql) => {
      changed = await this.#putAll(sql, records)
    })
    return changed
  }

  /** Records from a file: what is known here, or alive, stays as it is. @returns how many are new. */
  async add(records: readonly CallRecord[], dryRun: boolean): Promise<number> {
    const known = new Set<string>()
    for (const { sessionId } of records) {
      const row = await this.#database.get(
        `SELECT 1 FROM calls WHERE session_id = ? UNION ALL
         SELECT 1 FROM live WHERE session_id = ?`,
        [sessionId, sessionId],
      )
      if (row !== undefined) known.add(sessionId)
    }
    const fresh = records.filter(({ sessionId }) => !known.has(sessionId))
    if (!dryRun && fresh.length > 0) await this.adopt(fresh)
    return new Set(fresh.map(({ sessionId }) => sessionId)).size
  }

  /** Sessions that were alive when last seen here, and of which this says that they are not. */
  async settle(isLive: (sessionId: string) => boolean): Promise<number> {
    const rows = await this.#database.all<{ record: string }>('SELECT record FROM live')
    const gone = recordsIn(rows).filter(({ sessionId }) => !isLive(sessionId))
    if (gone.length === 0) return 0
    const state = await this.#database.get<{ seen: number }>('SELECT seen_at_ms AS seen FROM state')
    await this.#change(async (sql) => {
      const seenMs = state?.seen ?? 0
      const ended = gone.map((record) => {
        return { ...record, endedAtMs: Math.max(record.endedAtMs, seenMs) }
      })
      await this.#putAll(sql, ended)
    })
    return gone.length
  }

  /** Removes the oldest ones that are too many. @returns how many, and the newest of them. */
  async prune(max: number = limits.callRecordsKept, bytesMax: number = limits.callRecordsBytesMax) {
    if (this.#count <= max && this.#bytes <= bytesMax) return { removed: 0, untilMs: 0 }
    // A little more than necessary, so that this is not done with each call.
    const share = Math.max(1 - (0.98 * max) / this.#count, 1 - (0.98 * bytesMax) / this.#bytes)
    const removed = Math.min(this.#count, Math.ceil(this.#count * share))
    const row = await this.#database.get<{ untilMs: number }>(
      `SELECT max(started_at_ms) AS untilMs FROM
         (SELECT started_at_ms FROM calls ORDER BY ended_at_ms, session_id LIMIT ?)`,
      [removed],
    )
    const untilMs = row?.untilMs ?? 0
    await this.#database.transaction(async (sql) => {
      await sql.run(
        `DELETE FROM calls WHERE session_id IN
           (SELECT session_id FROM calls ORDER BY ended_at_ms, session_id LIMIT ?)`,
        [removed],
      )
      await sql.run('UPDATE state SET removed_until_ms = max(removed_until_ms, ?)', [untilMs])
    })
    await this.#measure(this.#database)
    return { removed, untilMs }
  }

  async find(query: CallQuery): Promise<CallRecord[]> {
    const { where, values } = conditions(query)
    const order = query.oldestFirst ? 'ASC' : 'DESC'
    const rows = await this.#database.all<{ record: string }>(
      `SELECT record FROM calls ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}
       ORDER BY ended_at_ms ${order}, session_id ${order} LIMIT ?`,
      [...values, query.limit],
    )
    return recordsIn(rows)
  }

  /** @param prefix of a session number. */
  async findById(prefix: string, limit: number): Promise<CallRecord[]> {
    const rows = await this.#database.all<{ record: string }>(
      `SELECT record FROM calls WHERE session_id >= ? AND session_id < ?
       ORDER BY session_id LIMIT ?`,
      [prefix, `${prefix}\u{10ffff}`, limit],
    )
    return recordsIn(rows)
  }

  /** Everything that began before this was removed for want of room, or some of it. */
  async removedUntilMs(): Promise<number> {
    const row = await this.#database.get<{ ms: number }>('SELECT removed_until_ms AS ms FROM state')
    return row?.ms ?? 0
  }

  /** Records that began in this time and ended before `endedMs`, by spans of `stepMs`. */
  spans(range: { fromMs: number; untilMs: number; stepMs: number; endedMs: number }) {
    const { fromMs, untilMs, stepMs, endedMs } = range
    return this.#database.all<{ fromMs: number; count: number; sum: number }>(
      `SELECT started_at_ms / ? * ? AS fromMs, count(*) AS count, sum(hash) AS sum FROM calls
       WHERE started_at_ms >= ? AND started_at_ms < ? AND ended_at_ms < ? GROUP BY 1 ORDER BY 1`,
      [stepMs, stepMs, fromMs, untilMs, endedMs],
    )
  }

  /** Numbers and hashes of the records that began in this time, in their order. */
  async hashes(range: { fromMs: number; untilMs: number; after: string; limit: number }) {
    const rows = await this.#database.all<{ id: string; hash: number }>(
      `SELECT session_id AS id, hash FROM calls
       WHERE started_at_ms >= ? AND started_at_ms < ? AND session_id > ?
       ORDER BY session_id LIMIT ?`,
      [range.fromMs, range.untilMs, range.after, range.limit],
    )
    return rows.map(({ id, hash }): [string, number] => [id, hash])
  }

  async get(sessionIds: readonly string[]): Promise<CallRecord[]> {
    const marks = sessionIds.map(() => '?').join(', ')
    const rows = await this.#database.all<{ record: string }>(
      `SELECT record FROM calls WHERE session_id IN (${marks})`,
      sessionIds,
    )
    return recordsIn(rows)
  }

  /** In a few statements, however many there are: each statement is a piece of work for another thread.
   * @returns how many changed something. */
  async #putAll(sql: Sql, given: readonly CallRecord[]): Promise<number> {
    let changed = 0
    for (let from = 0; from < given.length; from += recordsAtOnce) {
      changed += await this.#putSome(sql, given.slice(from, from + recordsAtOnce))
    }
    return changed
  }

  async #putSome(sql: Sql, given: readonly CallRecord[]): Promise<number> {
    const ids = [JSON.stringify(given.map(({ sessionId }) => sessionId))]
    const alive = await sql.all<{ record: string }>(
      `DELETE FROM live WHERE session_id IN (SELECT value FROM json_each(?)) RETURNING record`,
      ids,
    )
    const rows = await sql.all<{ id: string; record: string }>(
      `SELECT session_id AS id, record FROM calls
       WHERE session_id IN (SELECT value FROM json_each(?))`,
      ids,
    )
    const seen = new Map(recordsIn(alive).map((record) => [record.sessionId, record]))
    const present = new Map(recordsIn(rows).map((record) => [record.sessionId, record]))
    const changed = new Map<string, CallRecord>()
    for (const one of given) {
      const { sessionId } = one
      const before = seen.get(sessionId)
      const record = before === undefined ? one : this.#rules.completedBy(one, before)
      const other = changed.get(sessionId) ?? present.get(sessionId)
      const counts = other === undefined || this.#rules.compare(record, other) < 0
      if (counts) changed.set(sessionId, record)
    }
    await this.#write(sql, [...changed.values()], rows)
    return changed.size
  }

  /** @param before what stands under their numbers, whether it can be read or not */
  async #write(
    sql: Sql,
    records: readonly CallRecord[],
    before: readonly { id: string; record: string }[],
  ): Promise<void> {
    if (records.length === 0) return
    const lengths = new Map(before.map(({ id, record }) => [id, record.length]))
    const rows = records.map((record) => {
      const text = this.#rules.text(record)
      const former = lengths.get(record.sessionId)
      this.#count += former === undefined ? 1 : 0
      this.#bytes += text.length - (former ?? 0)
      return rowOf(record, text)
    })
    const columns = rows[0]?.map((_, index) => `value ->> ${index}`).join(', ')
    await sql.run(`INSERT OR REPLACE INTO calls SELECT ${columns} FROM json_each(?)`, [
      JSON.stringify(rows),
    ])
  }

  /** The figures are right again when nothing was kept. */
  async #change(body: (sql: Sql) => Promise<void>): Promise<void> {
    const before = { count: this.#count, bytes: this.#bytes }
    try {
      await this.#database.transaction(body)
    } catch (error) {
      this.#count = before.count
      this.#bytes = before.bytes
      throw error
    }
  }

  async #measure(sql: Sql): Promise<void> {
    const row = await sql.get<{ count: number; bytes: number | null }>(
      'SELECT count(*) AS count, sum(length(record)) AS bytes FROM calls',
    )
    this.#count = row?.count ?? 0
    this.#bytes = row?.bytes ?? 0
  }
}

/** As the columns of the table. */
function rowOf(record: CallRecord, text: string): SqlValue[] {
  const { sessionId, startedAtMs, endedAtMs, answeredAtMs, status, reason } = record
  const times = [Math.round(startedAtMs), Math.round(endedAtMs), answeredAtMs === null ? 0 : 1]
  const searched = [status, reason.toLowerCase(), numbersOf(record), kindsOf(record)]
  return [sessionId, ...times, ...searched, hashOf(text), text]
}

function conditions(query: CallQuery): { where: string[]; values: SqlValue[] } {
  const { sinceMs, untilMs, party, kind, cause, answered, after, oldestFirst } = query
  const where: string[] = []
  const values: SqlValue[] = []
  const add = (text: string, ...some: SqlValue[]) => {
    where.push(text)
    values.push(...some)
  }
  if (sinceMs !== undefined) add('ended_at_ms >= ?', sinceMs)
  if (untilMs !== undefined) add('ended_at_ms < ?', untilMs)
  if (party !== undefined) add('instr(numbers, ?) > 0', ` ${party} `)
  if (kind !== undefined) add('instr(kinds, ?) > 0', `\n${kind.toLowerCase()}\n`)
  if (cause !== undefined && /^[1-6]\d\d$/.test(cause)) add('status = ?', Number(cause))
  else if (cause !== undefined) add('instr(reason, ?) > 0', cause.toLowerCase())
  if (answered !== undefined) add('answered = ?', answered ? 1 : 0)
  if (after !== undefined) {
    const sign = oldestFirst ? '>' : '<'
    add(`(ended_at_ms, session_id) ${sign} (?, ?)`, Math.round(after.endedAtMs), after.sessionId)
  }
  return { where, values }
}

/** Each number of the call between blanks; none of them has a blank. */
function numbersOf({ caller, called, parties }: CallRecord): string {
  const numbers = new Set([caller, called, ...parties.map(({ number }) => number)])
  return ` ${[...numbers].join(' ')} `
}

function kindsOf({ type, callType, priority, services, parties }: CallRecord): string {
  const trunks = new Set(parties.flatMap(({ trunk }) => trunk ?? []))
  return `\n${[type, callType, priority, ...services, ...trunks].join('\n').toLowerCase()}\n`
}

/** 32 bits, so that the sum of very many of them is exact. */
function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0)
}

/** A row that cannot be read is passed over. */
function recordsIn(rows: readonly { record: string }[]): CallRecord[] {
  return rows.flatMap(({ record }) => {
    try {
      const parsed = callRecordSchema.safeParse(JSON.parse(record))
      return parsed.success ? [parsed.data] : []
    } catch {
      return []
    }
  })
}
