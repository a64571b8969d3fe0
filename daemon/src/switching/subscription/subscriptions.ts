//! Subscriptions (RFC 6665, the notifier's side): SUBSCRIBE makes, refreshes and ends them, a change of what
//! is watched or their time makes a NOTIFY. A new primary goes on with those of table 9.

import { limits } from '../../limits.ts'
import type { Subscription } from '../../tables/subscription.ts'
import { keyedHash } from '../../wire/keyed-hash.ts'
import type { Endpoint, SipMessage, SipRequest } from '../../wire/sip/message.ts'
import { type ResponseExtras, response } from '../../wire/sip/write.ts'
import { Deadlines } from '../deadlines.ts'
import { dialogOfInvite, ownContact, refreshTarget, tagOf } from '../dialog/dialog.ts'
import { isReadable } from '../dialog/pending.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { allowEventsHeader } from '../registrar/capabilities.ts'
import type { TransactionEvent } from '../transaction/layer-types.ts'
import type { Exchange } from '../wired/exchange.ts'
import { refuse } from '../wired/refuse.ts'
import type { EventPackage } from './event-package.ts'
import { Notifier, sessionOf } from './notifier.ts'
import { SubscriptionList } from './subscription-list.ts'
import { type Wish, wishOf } from './wish.ts'

interface OpenSubscribe {
  readonly id: string
  readonly request: SipRequest
  readonly source: Endpoint
}

/** A NOTIFY of the dead node may be lost as long as it would have repeated it (64*T1). */
const uncertainTicks = (64 * limits.sipT1Ms) / limits.tickMs

export class Subscriptions {
  readonly #exchange: Exchange
  readonly #packages: ReadonlyMap<string, EventPackage>
  readonly #list: SubscriptionList
  readonly #deadlines = new Deadlines<'expiry' | 'notify'>()
  readonly #notifier: Notifier
  readonly #touched: Set<string>

  /** @param touched numbers of which something changed; `flush` empties it */
  constructor(exchange: Exchange, packages: readonly EventPackage[], touched: Set<string>) {
    this.#exchange = exchange
    this.#packages = new Map(packages.map((one) => [one.name, one]))
    this.#list = new SubscriptionList(exchange.options.tables.subscription)
    this.#touched = touched
    this.#notifier = new Notifier({
      exchange,
      list: this.#list,
      packages: this.#packages,
      later: (id, atMs) => this.#deadlines.start(id, 'notify', atMs),
      over: (id) => {
        this.#deadlines.stop(id, 'expiry')
        this.#deadlines.stop(id, 'notify')
      },
    })
  }

  /** The message is a request in the dialog of a subscription. */
  knows(message: SipMessage): boolean {
    return message.kind === 'request' && this.#list.ofRequest(message) !== undefined
  }

  /** After a take-over: the dead node has not taken this request. */
  isNews(request: SipRequest): boolean {
    const record = this.#list.ofRequest(request)
    return record !== undefined && request.cseq.number > (record.dialog.remoteSeq ?? 0)
  }

  /** A SUBSCRIBE that opens a dialog, of a sender who is known. */
  open(open: OpenSubscribe, now: Now): CoreEffect[] {
    const { request } = open
    const wish = wishOf(request, this.#packages)
    if ('status' in wish) return this.#refuse(open, now, wish.status, wish.extras)
    const watched = request.uri.user ?? ''
    const subscriber = request.from.uri.user ?? ''
    const refusal = wish.event.admit(this.#exchange, { watched, subscriber })
    if (refusal !== null) return this.#refuse(open, now, refusal)
    const made = this.#recordOf(open, { ...wish, watched, subscriber }, now)
    if (made === null) return this.#refuse(open, now, 400)
    // Repeated to the other node: it is answered as it was.
    const known = this.#list.get(made.subscriptionId)
    if (known !== undefined) return this.#accept(open, known, now)
    if (this.#list.countOf(subscriber) >= limits.subscriptionsPerUserMax) {
      return this.#refuse(open, now, 403, { reason: 'Too Many Subscriptions' })
    }
    if (!this.#list.save(made)) {
      return this.#refuse(open, now, 503, { headers: [{ name: 'Retry-After', value: '60' }] })
    }
    return this.#begin(open, made, now)
  }

  /** A SUBSCRIBE in a dialog, of a sender who is known; undefined: in none of a subscription. */
  refresh(open: OpenSubscribe, now: Now): CoreEffect[] | undefined {
    const { request } = open
    const record = this.#list.ofRequest(request)
    if (record === undefined) return undefined
    if (request.from.uri.user !== record.subscriber) return this.#refuse(open, now, 403)
    const { remoteSeq } = record.dialog
    if (remoteSeq !== null && request.cseq.number < remoteSeq) return this.#refuse(open, now, 500)
    if (remoteSeq === request.cseq.number) return this.#accept(open, record, now)
    const wish = wishOf(request, this.#packages)
    if ('status' in wish) return this.#refuse(open, now, wish.status, wish.extras)
    // RFC 6665 4.5.2: one subscription a dialog.
    const isSame = wish.event.name === record.event && wish.eventId === record.eventId
    if (!isSame) return this.#refuse(open, now, 403)
    const target = refreshTarget(record.dialog, request)
    if (!isReadable(target)) return this.#refuse(open, now, 400)
    const renewed: Subscription = {
      ...record,
      dialog: { ...target, remoteSeq: request.cseq.number },
      expiresAtMs: now.wallMs + wish.seconds * 1000,
    }
    this.#list.save(renewed)
    return this.#begin(open, renewed, now)
  }

  /** The end of a transaction. @returns null when it is none of a NOTIFY. */
  answered(event: TransactionEvent, now: Now): CoreEffect[] | null {
    if (event.kind === 'timeout') return this.#notifier.answered(event.id, 408, now)
    if (event.kind !== 'response') return null
    return this.#notifier.answered(event.id, event.response.status, now)
  }

  /** Call it at the end of a turn: whoever watches what changed is told. */
  flush(now: Now): CoreEffect[] {
    if (this.#touched.size === 0) return []
    const numbers = [...this.#touched]
    this.#touched.clear()
    return numbers.flatMap((number) =>
      this.#list.ofNumber(number).flatMap((id) => this.#notifier.notify(id, now)),
    )
  }

  held(): Record<string, number> {
    return {
      'subscription indexes': this.#list.size,
      'subscription timers': this.#deadlines.size,
      notifications: this.#notifier.size,
      'touched numbers': this.#touched.size,
    }
  }

  nextMs(): number | null {
    return this.#deadlines.nextMs()
  }

  advance(now: Now): CoreEffect[] {
    const effects: CoreEffect[] = []
    const { monotonicMs } = now
    for (
      let due = this.#deadlines.take(monotonicMs);
      due !== null;
      due = this.#deadlines.take(monotonicMs)
    ) {
      const record = this.#list.get(due.owner)
      if (record === undefined) continue
      if (due.name === 'notify') effects.push(...this.#notifier.notify(due.owner, now))
      else effects.push(...this.#notifier.end(record, 'timeout', now))
    }
    return effects
  }

  /** A take-over: nothing leaves now; what the dead node may not have told is told by `advance`. */
  restore(now: Now): void {
    this.#list.rebuild()
    for (const { subscriptionId, expiresAtMs, toldTick } of this.#list.values()) {
      this.#expireAt(subscriptionId, expiresAtMs, now)
      if (now.tick - toldTick < uncertainTicks) this.#notifier.owe(subscriptionId)
      this.#deadlines.start(subscriptionId, 'notify', now.monotonicMs)
    }
  }

  clear(): void {
    this.#list.clear()
    this.#deadlines.clear()
    this.#notifier.clear()
    this.#touched.clear()
  }

  /** 200, then a NOTIFY in any case (RFC 6665 4.2.1.2). */
  #begin(open: OpenSubscribe, record: Subscription, now: Now): CoreEffect[] {
    const { subscriptionId, expiresAtMs } = record
    const effects = this.#accept(open, record, now)
    if (expiresAtMs <= now.wallMs) {
      return [...effects, ...this.#notifier.end(record, 'timeout', now)]
    }
    this.#expireAt(subscriptionId, expiresAtMs, now)
    this.#notifier.owe(subscriptionId)
    return [...effects, ...this.#notifier.notify(subscriptionId, now)]
  }

  #accept({ id, request }: OpenSubscribe, record: Subscription, now: Now): CoreEffect[] {
    const { options, layer } = this.#exchange
    const seconds = Math.max(0, Math.ceil((record.expiresAtMs - now.wallMs) / 1000))
    const answer = response(request, 200, {
      toTag: record.dialog.localTag,
      recordRoute: true,
      contact: [ownContact(options, record.watched)],
      headers: [{ name: 'Expires', value: String(seconds) }, allowEventsHeader],
    })
    const session = sessionOf(record.subscriptionId)
    return layer.respond(id, answer, now.monotonicMs).send.map((outgoing) => {
      return { kind: 'send', session, outgoing, afterReplication: true }
    })
  }

  /** The wall clocks of the nodes may differ; the wait is never longer than a whole one. */
  #expireAt(id: string, expiresAtMs: number, now: Now): void {
    const leftMs = Math.min(expiresAtMs - now.wallMs, limits.subscriptionSecondsMax * 1000)
    this.#deadlines.start(id, 'expiry', now.monotonicMs + Math.max(leftMs, 0))
  }

  /** @returns null when its Contact or From cannot be used. */
  #recordOf(
    { request, source }: OpenSubscribe,
    { watched, subscriber, ...wish }: Wish & { watched: string; subscriber: string },
    now: Now,
  ): Subscription | null {
    const { subscriptionId, localTag } = this.#namesOf(request)
    const opened = dialogOfInvite(request, { localTag, sdpSession: 0, fallback: source })
    if (opened === null || opened.remoteTag === null || !isReadable(opened)) return null
    const { callId, remoteTag, localUri, remoteUri, localSeq, remoteSeq } = opened
    const { routeSet, remoteTarget, destination } = opened
    const names = { callId, localTag, remoteTag, localUri, remoteUri, localSeq, remoteSeq }
    return {
      subscriptionId,
      subscriber,
      watched,
      event: wish.event.name,
      eventId: wish.eventId,
      dialog: { ...names, routeSet, remoteTarget, destination },
      expiresAtMs: now.wallMs + wish.seconds * 1000,
      told: '',
      toldTick: 0,
    }
  }

  /** Both nodes make the same from the same SUBSCRIBE; nobody else can tell them beforehand. */
  #namesOf({ callId, from, cseq }: SipRequest): { subscriptionId: string; localTag: string } {
    const { secret } = this.#exchange.options
    const text = `subscription\n${callId}\n${tagOf(from)}\n${cseq.number}`
    const digest = keyedHash('sha256', secret).update(text).digest('hex')
    return { subscriptionId: digest.slice(0, 24), localTag: digest.slice(24, 44) }
  }

  #refuse(
    { id, request }: OpenSubscribe,
    now: Now,
    status: number,
    extras: ResponseExtras = {},
  ): CoreEffect[] {
    return refuse(this.#exchange, { id, request, now }, status, extras)
  }
}
