//! The alarms of this node: active ones, and a bounded history of ended ones. Times are given.
import { type AlarmChange, type AlarmCode, alarms, type Severity } from '../alarms.ts'
import type { AlarmItem } from '../control/status-schema.ts'
import { limits } from '../limits.ts'

const severityOrder: readonly Severity[] = ['critical', 'urgent', 'not-urgent', 'informative']

interface Active {
  readonly item: AlarmItem
  /** Who raised it: `reconcile` clears only its own. */
  readonly source: string
}

export interface AlarmReport {
  readonly code: string
  readonly subject: string
  readonly detail: string
}

export class AlarmList {
  readonly #active = new Map<string, Active>()
  #ended: AlarmItem[] = []

  /** Raises or clears one alarm. @returns the alarm when this changed something, else null. */
  apply(change: AlarmChange, atMs: number): AlarmItem | null {
    return change.active ? this.#raise(change, 'switch', atMs) : this.#clear(keyOf(change), atMs)
  }

  /** Takes the whole list of one source, e.g. that of `pair-status`: what is not listed has ended.
   * @returns the alarms that this raised (`clearedAt` null) or ended. */
  reconcile(source: string, reports: readonly AlarmReport[], atMs: number): AlarmItem[] {
    const listed = new Set(reports.map(keyOf))
    const gone = [...this.#active].filter(([key, a]) => a.source === source && !listed.has(key))
    const changes = gone.map(([key]) => this.#clear(key, atMs))
    changes.push(...reports.map((report) => this.#raise(report, source, atMs)))
    return changes.filter((item) => item !== null)
  }

  /** Most severe first, then oldest first. */
  active(): AlarmItem[] {
    return [...this.#active.values()]
      .map(({ item }) => item)
      .sort(
        (a, b) =>
          severityOrder.indexOf(a.severity) - severityOrder.indexOf(b.severity) ||
          a.raisedAt.localeCompare(b.raisedAt),
      )
  }

  /** Ended alarms, the newest first; at most `limits.alarmsKept`. */
  history(): AlarmItem[] {
    return this.#ended.toReversed()
  }

  #raise(report: AlarmReport, source: string, atMs: number): AlarmItem | null {
    const { code, subject, detail } = report
    // Another version of a unit may know other codes; an unknown one has no text to show.
    if (!isAlarmCode(code)) return null
    const key = keyOf(report)
    const before = this.#active.get(key)
    if (before === undefined && this.#active.size >= limits.alarmsKept) return null
    const { severity, text, effect, next } = alarms[code]
    const raisedAt = before?.item.raisedAt ?? new Date(atMs).toISOString()
    const item = { code, subject, severity, text, detail, effect, next, raisedAt, clearedAt: null }
    this.#active.set(key, { item, source })
    return before === undefined ? item : null
  }

  #clear(key: string, atMs: number): AlarmItem | null {
    const found = this.#active.get(key)
    if (found === undefined) return null
    this.#active.delete(key)
    const ended = { ...found.item, clearedAt: new Date(atMs).toISOString() }
    this.#ended.push(ended)
    if (this.#ended.length > limits.alarmsKept) this.#ended = this.#ended.slice(-limits.alarmsKept)
    return ended
  }
}

function keyOf({ code, subject }: { readonly code: string; readonly subject: string }): string {
  return `${code} ${subject}`
}

function isAlarmCode(code: string): code is AlarmCode {
  return Object.hasOwn(alarms, code)
}
