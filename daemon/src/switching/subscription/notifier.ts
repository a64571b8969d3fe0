//! NOTIFY (RFC 6665 4.2.2): one at a time in each subscription, not more often than the limits allow, and
//! always the newest state. Its number and what it tells are in the record before it leaves.
import { createHash } from 'node:crypto'
import { limits } from '../../limits.ts'
import type { Subscription } from '../../tables/subscription.ts'
import { nextRequest, ownContact } from '../dialog/dialog.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { allowHeader } from '../registrar/capabilities.ts'
import type { Exchange } from '../wired/exchange.ts'
import type { EventPackage, Look } from './event-package.ts'
import type { SubscriptionList } from './subscription-list.ts'

/** RFC 6665 4.1.3: why a subscription ended. */
type EndReason = 'timeout' | 'noresource'

/** What is known of a subscription in this node's memory only. */
interface Course {
  /** The transaction of a NOTIFY that is not answered. */
  open: string | null
  sentAtMs: number
  /** The next NOTIFY leaves although nothing changed: a refresh, or a take-over after one that may be lost. */
  isOwed: boolean
}

/** RFC 5057 5.1: with such an answer the subscriber has no such subscription; 408 is silence. */
const endings: ReadonlySet<number> = new Set([
  404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604,
])

interface NotifierParts {
  readonly exchange: Exchange
  readonly list: SubscriptionList
  readonly packages: ReadonlyMap<string, EventPackage>
  /** Has `notify` called for this subscription at that time. */
  readonly later: (id: string, atMs: number) => void
  /** The subscription is over: nothing of it is due any more. */
  readonly over: (id: string) => void
}

export class Notifier {
  readonly #parts: NotifierParts
  readonly #courses = new Map<string, Course>()
  /** Open NOTIFYs; null: of a subscription that has ended. */
  readonly #open = new Map<string, string | null>()
  #burst = { fromMs: Number.NEGATIVE_INFINITY, count: 0 }

  constructor(parts: NotifierParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#courses.size + this.#open.size
  }

  /** The next NOTIFY of this subscription leaves in any case. */
  owe(id: string): void {
    this.#course(id).isOwed = true
  }

  /** Tells what is new, now or as soon as it may. */
  notify(id: string, now: Now): CoreEffect[] {
    const record = this.#parts.list.get(id)
    const course = this.#course(id)
    if (record === undefined || course.open !== null) return []
    const look = this.#look(record, now)
    if (look === null) return this.end(record, 'noresource', now)
    if (digestOf(look.text) === record.told && !course.isOwed) return []
    const atMs = Math.max(course.sentAtMs + limits.notifyMsMin, this.#freeAtMs(now.monotonicMs))
    if (atMs > now.monotonicMs) {
      this.#parts.later(id, atMs)
      return []
    }
    return this.#send(record, look, now)
  }

  /** The last NOTIFY; the record goes. */
  end(record: Subscription, reason: EndReason, now: Now): CoreEffect[] {
    const { exchange, list, packages } = this.#parts
    const { event, watched, dialog } = record
    const version = dialog.localSeq
    const look = this.#look(record, now)
    const body =
      look?.document(version) ?? packages.get(event)?.farewell?.(exchange, watched, version) ?? ''
    const made = this.#request(record, { body, state: `terminated;reason=${reason}` }, now)
    this.#forget(record.subscriptionId)
    list.remove(record)
    this.#open.set(made.id, null)
    return made.effects
  }

  /** The end of a NOTIFY. @returns null when it is none. */
  answered(transaction: string, status: number, now: Now): CoreEffect[] | null {
    const id = this.#open.get(transaction)
    if (id === undefined) return null
    if (status < 200) return []
    this.#open.delete(transaction)
    const record = id === null ? undefined : this.#parts.list.get(id)
    if (id === null || record === undefined) return []
    this.#course(id).open = null
    if (!endings.has(status)) return this.notify(id, now)
    this.#forget(id)
    this.#parts.list.remove(record)
    return []
  }

  clear(): void {
    this.#courses.clear()
    this.#open.clear()
  }

  #course(id: string): Course {
    const known = this.#courses.get(id)
    if (known !== undefined) return known
    const course = { open: null, sentAtMs: Number.NEGATIVE_INFINITY, isOwed: false }
    this.#courses.set(id, course)
    return course
  }

  #forget(id: string): void {
    const open = this.#courses.get(id)?.open ?? null
    if (open !== null) this.#open.set(open, null)
    this.#courses.delete(id)
    this.#parts.over(id)
  }

  #look({ event, watched }: Subscription, now: Now): Look | null {
    const { packages, exchange } = this.#parts
    return packages.get(event)?.look(exchange, watched, now) ?? null
  }

  #send(record: Subscription, look: Look, now: Now): CoreEffect[] {
    const seconds = Math.max(1, Math.ceil((record.expiresAtMs - now.wallMs) / 1000))
    const body = look.document(record.dialog.localSeq)
    const made = this.#request(record, { body, state: `active;expires=${seconds}` }, now)
    const told = digestOf(look.text)
    this.#parts.list.save({ ...record, dialog: made.dialog, told, toldTick: now.tick })
    const course = this.#course(record.subscriptionId)
    course.open = made.id
    course.sentAtMs = now.monotonicMs
    course.isOwed = false
    this.#open.set(made.id, record.subscriptionId)
    this.#burst.count += 1
    return made.effects
  }

  #request(record: Subscription, { body, state }: { body: string; state: string }, now: Now) {
    const { exchange, packages } = this.#parts
    const { event, eventId, watched, subscriptionId } = record
    const type = packages.get(event)?.contentType ?? ''
    const headers = [
      { name: 'Event', value: eventId === null ? event : `${event};id=${eventId}` },
      { name: 'Subscription-State', value: state },
      allowHeader,
      ...(body === '' ? [] : [{ name: 'Content-Type', value: type }]),
    ]
    const contact = ownContact(exchange.options, watched)
    const made = nextRequest(record.dialog, { method: 'NOTIFY', contact, headers, body })
    const { destination } = record.dialog
    const { id, output } = exchange.layer.request(made.request, destination, now.monotonicMs)
    const session = sessionOf(subscriptionId)
    const effects = output.send.map((outgoing): CoreEffect => {
      return { kind: 'send', session, outgoing, afterReplication: true }
    })
    return { id, dialog: made.dialog, effects }
  }

  /** When the next NOTIFY of all may leave. */
  #freeAtMs(nowMs: number): number {
    if (nowMs >= this.#burst.fromMs + limits.notifyBurstMs)
      this.#burst = { fromMs: nowMs, count: 0 }
    if (this.#burst.count < limits.notifyBurst) return nowMs
    return this.#burst.fromMs + limits.notifyBurstMs
  }
}

/** The queue of the outbox in which the messages of a subscription keep their order. */
export function sessionOf(subscriptionId: string): string {
  return `subscription:${subscriptionId}`
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
