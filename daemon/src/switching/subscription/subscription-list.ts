//! The subscriptions of table 9 with the indexes that are needed to find them. The table is the truth.
import type { Subscription } from '../../tables/subscription.ts'
import type { SipMessage } from '../../wire/sip/message.ts'
import type { RecordTable } from '../core-types.ts'
import { tagOf } from '../dialog/dialog.ts'

export class SubscriptionList {
  readonly #table: RecordTable<Subscription>
  readonly #ofDialog = new Map<string, string>()
  readonly #ofNumber = new Map<string, Set<string>>()
  readonly #ofSubscriber = new Map<string, Set<string>>()

  constructor(table: RecordTable<Subscription>) {
    this.#table = table
  }

  get size(): number {
    return this.#ofDialog.size + this.#ofNumber.size + this.#ofSubscriber.size
  }

  get(id: string): Subscription | undefined {
    return this.#table.get(id)
  }

  values(): Iterable<Subscription> {
    return this.#table.values()
  }

  /** The one that a request in its dialog belongs to: Call-ID and both tags (RFC 3261 12). */
  ofRequest({ callId, from, to }: SipMessage): Subscription | undefined {
    const id = this.#ofDialog.get(dialogKey(callId, tagOf(to) ?? ''))
    const record = id === undefined ? undefined : this.#table.get(id)
    return record !== undefined && record.dialog.remoteTag === tagOf(from) ? record : undefined
  }

  ofNumber(number: string): readonly string[] {
    return [...(this.#ofNumber.get(number) ?? [])]
  }

  countOf(subscriber: string): number {
    return this.#ofSubscriber.get(subscriber)?.size ?? 0
  }

  /** @returns false when the table is full. */
  save(record: Subscription): boolean {
    if (!this.#table.put(record).ok) return false
    this.#index(record)
    return true
  }

  remove(record: Subscription): void {
    const { subscriptionId, subscriber, watched, dialog } = record
    this.#table.delete(subscriptionId)
    this.#ofDialog.delete(dialogKey(dialog.callId, dialog.localTag))
    drop(this.#ofNumber, watched, subscriptionId)
    drop(this.#ofSubscriber, subscriber, subscriptionId)
  }

  rebuild(): void {
    this.clear()
    for (const record of this.#table.values()) this.#index(record)
  }

  /** Forgets the indexes; the table belongs to the replication then. */
  clear(): void {
    this.#ofDialog.clear()
    this.#ofNumber.clear()
    this.#ofSubscriber.clear()
  }

  #index({ subscriptionId, subscriber, watched, dialog }: Subscription): void {
    this.#ofDialog.set(dialogKey(dialog.callId, dialog.localTag), subscriptionId)
    add(this.#ofNumber, watched, subscriptionId)
    add(this.#ofSubscriber, subscriber, subscriptionId)
  }
}

function add(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key) ?? new Set()
  ids.add(id)
  index.set(key, ids)
}

function drop(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key)
  ids?.delete(id)
  if (ids?.size === 0) index.delete(key)
}

function dialogKey(callId: string, localTag: string): string {
  return `${localTag}|${callId}`
}
