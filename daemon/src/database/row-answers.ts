//! The answering side of the row synchronisation: does what the peer's database asks. A change is done
//! as a whole or not at all, whatever ends in the midst of it.
import type { Database, Sql } from '../platform/sqlite.ts'
import { databaseHashes, digestOf, type RepairStep, rowHashes } from './compare.ts'
import {
  appliedOf,
  applying,
  applyOperations,
  changedIn,
  newestOf,
  type OperationFailure,
  performStep,
  type RowOperation,
  recordOperation,
  setApplied,
  sourceOf,
} from './operations.ts'
import { messageLengthMax, type RowMessage, type RowReply } from './row-messages.ts'
import type { ConfigRow } from './rows.ts'
import type { ConfigTable } from './schema.ts'
import { readShared, saidOf } from './shared-rows.ts'
import { Staging } from './staging.ts'
import { raiseRevision, revisionOf, setNeedsPeer } from './store.ts'

type MessageOf<O extends RowMessage['op']> = Extract<RowMessage, { op: O }>

export class RowAnswers {
  readonly #database: Database
  readonly #operations = new Staging<RowOperation>()
  readonly #steps = new Staging<RepairStep>()
  /** Newest entry of the outbox from when this node served. */
  #served: Promise<number> | null = null

  constructor(database: Database) {
    this.#database = database
  }

  /** Another role begins. What changes rows of a standby from now on is damage, no work of its node. */
  begin(): void {
    this.#served = null
  }

  /** Questions are always answered; changes are for the caller to allow.
   * @param wallMs for the logs, Unix milliseconds. */
  async answer(message: RowMessage, wallMs: number): Promise<RowReply> {
    const database = this.#database
    switch (message.op) {
      case 'offer':
        return this.#offer(message.source)
      case 'changed':
        return this.#changed(message.after)
      case 'apply':
        return this.#apply(message, wallMs)
      case 'list':
        return list(database, message.table, message.after)
      case 'fetch':
        return fetch(database, message.table, message.keys)
      case 'repair':
        return this.#repair(message, wallMs)
      case 'settle':
        await applying(database, (sql) => settle(sql, message))
        return { op: 'settle' }
    }
  }

  async #offer(source: string): Promise<RowReply> {
    const database = this.#database
    return {
      op: 'offer',
      applied: await appliedOf(database, source),
      digest: digestOf(await databaseHashes(database)),
      revision: await revisionOf(database),
      source: await sourceOf(database),
      newest: await this.#newest(),
    }
  }

  async #changed(after: number): Promise<RowReply> {
    const span = { after, until: await this.#newest() }
    return { op: 'changed', ...(await changedIn(this.#database, span, messageLengthMax)) }
  }

  #newest(): Promise<number> {
    if (this.#served !== null) return this.#served
    const asked = newestOf(this.#database)
    this.#served = asked
    // A database that failed once is asked again.
    asked.catch(() => {
      if (this.#served === asked) this.#served = null
    })
    return asked
  }

  async #apply(message: MessageOf<'apply'>, wallMs: number): Promise<RowReply> {
    const operations = this.#operations.add({ ...message, items: message.operations })
    if (operations === null) return { op: 'refused', detail: 'a part of the change is missing' }
    if (message.more) {
      const applied = await appliedOf(this.#database, message.source)
      return { op: 'apply', applied, failures: [], gap: applied === null }
    }
    const { source, revision } = message
    const done = await applyOperations(this.#database, { source, operations, revision }, { wallMs })
    return { op: 'apply', ...done, failures: [...done.failures] }
  }

  async #repair(message: MessageOf<'repair'>, wallMs: number): Promise<RowReply> {
    const steps = this.#steps.add({ ...message, items: message.steps })
    if (steps === null) return { op: 'refused', detail: 'a part of the repair is missing' }
    if (message.more) return { op: 'repair', failures: [] }
    return applying(this.#database, async (sql) => {
      const failures: OperationFailure[] = []
      for (const step of steps) {
        const { table, key, row } = step
        const reason = await performStep(sql, step)
        const op = row === null ? 'delete' : 'update'
        const operation = { seq: 0, table, op, key, changed: {} } as const
        await recordOperation(sql, { source: 'repair', operation, reason, wallMs })
        if (reason !== null) failures.push({ seq: 0, table, key, reason })
      }
      if (message.settle !== null && failures.length === 0) await settle(sql, message.settle)
      return { op: 'repair', failures }
    })
  }
}

/** The rows here are as the source's were at this number. */
async function settle(
  sql: Sql,
  { source, seq, revision }: { source: string; seq: number; revision: number },
): Promise<void> {
  await setApplied(sql, source, seq)
  await raiseRevision(sql, revision)
  await setNeedsPeer(sql, false)
}

async function list(sql: Sql, name: ConfigTable, after: string | null): Promise<RowReply> {
  const rows: [string, string][] = []
  let length = 0
  // In the order of `<=`, which is not quite that of SQLite.
  const entries = [...(await rowHashes(sql, name))].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const entry of entries) {
    if (after !== null && entry[0] <= after) continue
    length += entry[0].length * 2 + entry[1].length + 16
    if (length > messageLengthMax) return { op: 'list', rows, done: false }
    rows.push(entry)
  }
  return { op: 'list', rows, done: true }
}

async function fetch(sql: Sql, name: ConfigTable, keys: readonly string[]): Promise<RowReply> {
  const rows: ConfigRow[] = []
  let length = 0
  const all = await readShared(sql, name)
  for (const one of keys) {
    const row = all.get(one)
    if (row === undefined) continue
    const found = saidOf(row)
    length += JSON.stringify(found).length + 1
    if (length > messageLengthMax && rows.length > 0) break
    rows.push(found)
  }
  return { op: 'fetch', rows }
}
