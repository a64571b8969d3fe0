//! Watches the directories of this node: alarms before and when a disk is full, when it fails or hangs, and
//! the role for the peer when this node cannot keep what it must. Calls never wait for a disk.
import { dirname } from 'node:path'
import { limits } from '../limits.ts'
import type { NodeConfig } from '../oam/node-config.ts'
import { type DiskState, fileIdentity, lookAtDisk } from '../platform/disk.ts'
import type { Alarms } from './alarms.ts'
import { type DiskVerdict, hangingDisk, judgeDisk, wantsToStepDown } from './disk-judgement.ts'
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
  readonly disks?: Disks
}

/** A disk that hangs answers neither of them, ever: each such question holds a thread of the pool (`fileThreads`). */
interface Disks {
  look(directory: string): Promise<DiskState>
  identity(path: string): Promise<string | null>
}

const realDisks: Disks = { look: lookAtDisk, identity: fileIdentity }

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
  /** When each look that has not come back began. */
  readonly #underWay = new Map<string, number>()
  readonly #disks: Disks
  #dueMs = Number.NEGATIVE_INFINITY
  #isIdentifying = false
  #databaseFile: string | null = null
  #triedAtMs: number | null = null

  constructor(parts: DiskWatchParts) {
    this.#parts = parts
    this.#disks = parts.disks ?? realDisks
    const { database, stateDirectory, runDirectory, log } = parts.config
    const logPlace = { subject: 'log', directory: dirname(log.file ?? '/'), needed: false }
    this.#places = [
      { subject: 'state', directory: stateDirectory, needed: true },
      { subject: 'database', directory: dirname(database), needed: true },
      { subject: 'run', directory: runDirectory, needed: false },
      ...(log.file === null ? [] : [logPlace]),
    ]
  }

  /** To be called now and then; looks in the background. A place that does not answer for long hangs: it
   * counts as one that failed, and is not asked again before it answers. */
  async advance(nowMs: number): Promise<void> {
    if (nowMs < this.#dueMs) return
    this.#dueMs = nowMs + limits.diskLookMs
    await Promise.all([
      ...this.#places.map((place) => this.#lookAt(place, nowMs)),
      this.#lookAtDatabaseFile(),
    ])
    const lost = [...this.#failures].filter(([, looks]) => looks >= 2).map(([subject]) => subject)
    const { isPrimary, peerReady } = this.#parts
    const view = { lost, triedAtMs: this.#triedAtMs, nowMs }
    if (wantsToStepDown({ ...view, isPrimary: isPrimary(), peerReady: peerReady() })) {
      this.#triedAtMs = nowMs
      await this.#stepDown(lost)
    }
  }

  async #lookAt(place: Place, nowMs: number): Promise<void> {
    const { subject, directory } = place
    const sinceMs = this.#underWay.get(subject)
    if (sinceMs !== undefined) {
      const silentMs = nowMs - sinceMs
      if (silentMs >= limits.diskHangMs) this.#note(place, hangingDisk(silentMs))
      return
    }
    this.#underWay.set(subject, nowMs)
    const state = await this.#disks.look(directory)
    this.#underWay.delete(subject)
    this.#note(place, judgeDisk(state))
  }

  #note({ subject, directory, needed }: Place, verdict: DiskVerdict | null): void {
    const { alarms } = this.#parts
    for (const code of codes) if (code !== verdict?.code) alarms.clear(code, subject)
    if (verdict !== null) alarms.raise(verdict.code, subject, `${directory}: ${verdict.detail}`)
    if (!needed) return
    const lost = verdict !== null && verdict.code !== 'disk-low'
    this.#failures.set(subject, lost ? (this.#failures.get(subject) ?? 0) + 1 : 0)
  }

  /** A file that was removed is used on by who has it open, and gone with him. */
  async #lookAtDatabaseFile(): Promise<void> {
    const path = this.#parts.databaseFile()
    if (path === null || this.#isIdentifying) return
    this.#isIdentifying = true
    const identity = await this.#disks.identity(path)
    this.#isIdentifying = false
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
