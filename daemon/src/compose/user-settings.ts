//! What users set by telephone (forwarding, do not disturb), on its way from table 7, where the core has put
//! it, into the database (ADR 0024).
import { settingsTexts } from '../database/account-columns.ts'
import { storeColumns } from '../database/store.ts'
import type { Database } from '../platform/sqlite.ts'
import type { PhoneBookEntry } from '../tables/phone-book.ts'
import { type Profile, profileOf } from '../tables/profile.ts'
import { equalValues } from '../tables/record-value.ts'

type Settings = Profile['settings']

interface SettingsParts {
  database(): Database
  /** Some are in the database now. */
  stored(): Promise<void>
  failed(detail: string): void
}

/** A database that refuses is asked again after this time. */
const retryMs = 2_000

export class UserSettings {
  readonly #parts: SettingsParts
  /** Not in the database yet. */
  #waiting = new Map<string, Settings>()
  /** Changed by their users since a change of the site began. */
  readonly #newer = new Set<string>()
  #writing: Promise<void> | null = null
  #failed = false
  #retryAtMs = Number.POSITIVE_INFINITY

  constructor(parts: SettingsParts) {
    this.#parts = parts
  }

  get isWaiting(): boolean {
    return this.#writing !== null || this.#waiting.size > 0
  }

  /** The core has changed a record of table 7. */
  changed(previous: PhoneBookEntry | null, next: PhoneBookEntry | null): void {
    if (previous === null || next === null) return
    const settings = profileOf(next).settings
    if (equalValues(settings, profileOf(previous).settings)) return
    this.#newer.add(next.number)
    this.#keep(next.number, settings)
  }

  /** The entry of the database as it goes into table 7, where what a user has set is newer: it came from the
   * peer at once, and the row of it may not have come. @param settled the site has set it now. */
  merged(
    entry: PhoneBookEntry,
    there: PhoneBookEntry | undefined,
    settled: boolean,
  ): PhoneBookEntry {
    const isNewer = !settled || this.#newer.has(entry.number)
    if (there === undefined || there.profile === null || !isNewer) return entry
    const { settings } = there.profile
    const profile = profileOf(entry)
    if (equalValues(settings, profile.settings)) return entry
    this.#keep(entry.number, settings)
    return { ...entry, profile: { ...profile, settings } }
  }

  /** A change of the site begins: what users change from now on is newer than it. */
  async begin(): Promise<void> {
    this.#newer.clear()
    await this.#writing
  }

  /** This node is no primary any more: its successor has them in table 7. */
  drop(): void {
    this.#waiting.clear()
    this.#newer.clear()
  }

  advance(nowMs: number): void {
    if (this.#failed) this.#retryAtMs = nowMs + retryMs
    this.#failed = false
    if (nowMs < this.#retryAtMs) return
    this.#retryAtMs = Number.POSITIVE_INFINITY
    this.#write()
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing
  }

  #keep(number: string, settings: Settings): void {
    this.#waiting.set(number, settings)
    this.#write()
  }

  #write(): void {
    if (this.#writing !== null || this.#waiting.size === 0) return
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = null
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const changes = this.#waiting
      this.#waiting = new Map()
      for (const [number, settings] of changes) {
        const row = { table: 'accounts', key: number } as const
        const stored = await storeColumns(this.#parts.database(), row, settingsTexts(settings))
        if (stored.ok) continue
        this.#failed = true
        this.#parts.failed(stored.failure.detail)
        for (const [key, one] of changes) if (!this.#waiting.has(key)) this.#waiting.set(key, one)
        return
      }
      await this.#parts.stored()
    }
  }
}
