//! Watches the directories of this node: alarms before and when a disk is full, and the role for the
//! peer when this node cannot keep what it must. Calls never wait for a disk.
import { dirname } from 'node:path'
import { limits } from '../limits.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { fileIdentity, lookAtDisk } from '../platform/disk.ts'
import type { Alarms } from './alarms.ts'
import { judgeDisk, wantsToStepDown } from './disk-judgement.ts'
import type { LogHub } from './log-hub.ts'

interface DiskWatchParts {
  readonly config: NodeConfig
  readonly alarms: Alarms
  readonly log: LogHub
  /** Null: the database is in memory. */
  readonly databaseFile: () => string | null
  readonly isPrimary: () => boolean
  readonly peerReady: () => boolean
  /** Alarms that stand at the peer, by their codes; null: it does not say. */
  readonly peerAlarms: () => Promise<readonly string[] | null>
  /** Hands the role over as planned. @returns what became of it. */
  readonly handOver: (reason: string) => Promise<string>
}

interface Place {
  /** In the alarm. */
  readonly subject: string
  readonly directory: string
  /** The node must keep what is written there. */
  readonly needed: boolean
}

const codes = ['disk-low', 'disk-full', 'disk-failed'] as const

export class DiskWatch {
  readonly #parts: DiskWatchParts
  readonly #places: readonly Place[]
  /** Looks in a row in which a needed place could not be written. */
  readonly #failures = new Map<string, number>()
  #dueMs = Number.NEGATIVE_INFINITY
  #looking = false
  #databaseFile: string | null = null
  #triedAtMs: number | null = null

  constructor(parts: DiskWatchParts) {
    this.#parts = parts
    const { database, stateDirectory, runDirectory, log } = parts.config
    const logPlace = { subject: 'log', directory: dirname(log.file ?? '/'), needed: false }
    this.#places = [
      { subject: 'state', directory: stateDirectory, needed: true },
      { subject: 'database', directory: dirname(database), needed: true },
      { subject: 'run', directory: runDirectory, needed: false },
      ...(log.file === null ? [] : [logPlace]),
    ]
  }

  /** To be called now and then; looks in the background. */
  async advance(nowMs: number): Promise<void> {
    if (this.#looking || nowMs < this.#dueMs) return
    this.#dueMs = nowMs + limits.diskLookMs
    this.#looking = true
    await this.#look(nowMs)
    this.#looking = false
  }

  async #look(nowMs: number): Promise<void> {
    for (const place of this.#places) await this.#lookAt(place)
    await this.#lookAtDatabaseFile()
    const lost = [...this.#failures].filter(([, looks]) => looks >= 2).map(([subject]) => subject)
    const { isPrimary, peerReady } = this.#parts
    const view = { lost, triedAtMs: this.#triedAtMs, nowMs }
    if (wantsToStepDown({ ...view, isPrimary: isPrimary(), peerReady: peerReady() })) {
      this.#triedAtMs = nowMs
      await this.#stepDown(lost)
    }
  }

  async #lookAt({ subject, directory, needed }: Place): Promise<void> {
    const { alarms } = this.#parts
    const verdict = judgeDisk(await lookAtDisk(directory))
    for (const code of codes) if (code !== verdict?.code) alarms.clear(code, subject)
    if (verdict !== null) alarms.raise(verdict.code, subject, `${directory}: ${verdict.detail}`)
    if (!needed) return
    const lost = verdict !== null && verdict.code !== 'disk-low'
    this.#failures.set(subject, lost ? (this.#failures.get(subject) ?? 0) + 1 : 0)
  }

  /** A file that was removed is used on by who has it open, and gone with him. */
  async #lookAtDatabaseFile(): Promise<void> {
    const path = this.#parts.databaseFile()
    if (path === null) return
    const identity = await fileIdentity(path)
    this.#databaseFile ??= identity
    const { alarms } = this.#parts
    if (identity !== null && identity === this.#databaseFile) alarms.clear('database-gone', 'file')
    else alarms.raise('database-gone', 'file', `${path} was removed or replaced`)
  }

  async #stepDown(lost: readonly string[]): Promise<void> {
    const { log, peerAlarms, handOver } = this.#parts
    const theirs = await peerAlarms()
    const peerKeeps = theirs !== null && !theirs.includes('disk-full')
    if (!peerKeeps || theirs.includes('disk-failed')) {
      log.warn('this node cannot keep what it must, and the peer cannot either', { lost })
      return
    }
    const reason = `${lost.join(' and ')} of this node cannot be written`
    log.error('this node cannot keep what it must and hands over', { lost })
    log.info('handed over for want of a disk', { outcome: await handOver(reason) })
  }
}
