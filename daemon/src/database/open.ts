//! Opens the database so that a damaged or missing file never keeps the node from starting: it is moved
//! aside and replaced by the last good copy, or by an empty one that the peer fills.
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import type { AlarmChange, AlarmCode } from '../alarms.ts'
import { Database, SqlError } from '../platform/sqlite.ts'
import { failure, type Result, success } from '../result.ts'
import { migrate } from './migrations.ts'
import { renameOutbox } from './operations.ts'
import { damagedRows } from './rows.ts'
import { needsPeerOf, setNeedsPeer } from './store.ts'

export interface OpenedDatabase {
  readonly database: Database
  /** `memory`: the file cannot be used at all; nothing will be kept. */
  readonly from: 'file' | 'new' | 'good-copy' | 'empty' | 'memory'
  /** It was lost: everything has to come from the peer. */
  readonly needsPeer: boolean
  readonly alarms: readonly AlarmChange[]
}

/** The file is broken, which a full disk or a missing right does not mean. */
class DamageError extends Error {}

export const damageCodes: readonly string[] = ['SQLITE_CORRUPT', 'SQLITE_NOTADB']

/** Where `keepGoodCopy` writes. */
export function goodCopyOf(path: string): string {
  return `${path}.good`
}

/** @param path of the database file; its directory exists.
 * @param wallMs for the name of a file that is moved aside. */
export async function openDatabase(path: string, wallMs: number): Promise<OpenedDatabase> {
  const existed = existsSync(path)
  if (!existed && existsSync(goodCopyOf(path))) {
    return recover(path, wallMs, new DamageError('the file is gone'))
  }
  try {
    const database = await openSound(path)
    const needsPeer = await needsPeerOf(database)
    return { database, from: existed ? 'file' : 'new', needsPeer, alarms: [] }
  } catch (error) {
    if (!isDamage(error)) return openMemory(path, error)
    return recover(path, wallMs, error)
  }
}

/** Keeps a copy of the sound database: after each applied configuration and at a clean stop. Not for
 * one that is `from: 'memory'`: it would replace the copy by less.
 * @returns `database-failed`, e.g. when the disk is full; the former copy stays. */
export async function keepGoodCopy(database: Database, path: string): Promise<Result<null>> {
  const next = `${goodCopyOf(path)}.new`
  try {
    rmSync(next, { force: true })
    await database.backup(next)
    renameSync(next, goodCopyOf(path))
    return success(null)
  } catch (error) {
    return failure('database-failed', textOf(error))
  }
}

async function recover(path: string, wallMs: number, cause: unknown): Promise<OpenedDatabase> {
  const why = `${path}: ${textOf(cause)}`
  try {
    const aside = setAside(path, wallMs)
    const detail = existsSync(aside) ? `${why}; moved to ${aside}` : why
    if (existsSync(goodCopyOf(path))) {
      copyFileSync(goodCopyOf(path), path)
      const copy = await openSound(path).catch(() => null)
      if (copy !== null) {
        await renameOutbox(copy)
        return recovered(copy, 'good-copy', `${detail}; the last good copy is used`)
      }
      setAside(path, wallMs + 1)
    }
    const empty = await openSound(path)
    await setNeedsPeer(empty, true)
    return recovered(empty, 'empty', `${detail}; begins empty`)
  } catch (error) {
    return openMemory(path, error)
  }
}

/** The node serves without its file: what it needs comes from the peer, nothing is kept. */
async function openMemory(path: string, cause: unknown): Promise<OpenedDatabase> {
  const database = await openSound(':memory:')
  const alarms = [alarm('database-failed', `${path}: ${textOf(cause)}`)]
  return { database, from: 'memory', needsPeer: true, alarms }
}

function recovered(
  database: Database,
  from: 'good-copy' | 'empty',
  detail: string,
): OpenedDatabase {
  const alarms = [alarm('database-recovered', detail)]
  return { database, from, needsPeer: from === 'empty', alarms }
}

async function openSound(path: string): Promise<Database> {
  const database = await Database.open(path)
  try {
    const faults = await database.integrityFaults()
    if (faults.length > 0) throw new DamageError(faults[0])
    if (!(await migrate(database))) throw new Error('written by a newer version')
    // A crash inside of an apply leaves nothing of it, but a copied file may have been marked.
    await database.run('UPDATE sync_state SET applying = 0 WHERE applying <> 0')
    const [damaged] = await damagedRows(database)
    if (damaged !== undefined) {
      throw new DamageError(`row ${damaged.key} of ${damaged.table} is not what was written`)
    }
    return database
  } catch (error) {
    await database.close().catch(() => {})
    throw error
  }
}

function isDamage(error: unknown): boolean {
  return (
    error instanceof DamageError || (error instanceof SqlError && damageCodes.includes(error.code))
  )
}

/** The write-ahead log belongs to the damaged file: it must not be played into its successor. */
export function setAside(path: string, wallMs: number): string {
  const stamp = new Date(wallMs).toISOString().replaceAll(/[:.]/g, '-')
  const aside = `${path}.damaged-${stamp}`
  for (const part of ['', '-wal', '-shm']) {
    if (existsSync(path + part)) renameSync(path + part, aside + part)
  }
  return aside
}

function alarm(code: AlarmCode, detail: string): AlarmChange {
  return { code, subject: 'database', active: true, detail }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
