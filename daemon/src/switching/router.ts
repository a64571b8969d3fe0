//! From the transaction layer to the services: each event finds its session, or is answered or
//! dropped here.
import { legOf } from '../tables/wired-conference.ts'
import type { Endpoint, SipRequest, SipResponse } from '../wire/sip/message.ts'
import { response } from '../wire/sip/write.ts'
import { deliver } from './deliver.ts'
import type { Dialled } from './dialled.ts'
import { tagOf } from './dialog/dialog.ts'
import { isOfDialog, remoteSeqOf } from './dialog/early-dialog.ts'
import { pendingServerOf } from './dialog/pending.ts'
import type { CoreEffect, Now } from './effects.ts'
import { admission } from './registrar/admission.ts'
import { gate } from './registrar/gate.ts'
import { answerOptions } from './registrar/options.ts'
import { applyUserChanges, type RegisterOutcome, register } from './registrar/registrar.ts'
import { answer, repeated, silence } from './responses.ts'
import { forwardByOptions } from './services/forward-options.ts'
import { onUnpracked } from './services/prack.ts'
import { lookAtLines } from './services/queue.ts'
import type { Subscriptions } from './subscription/subscriptions.ts'
import type { Outgoing, TransactionEvent } from './transaction/layer-types.ts'
import { statelessAnswer, statelessResponse, statelessTag } from './transaction/stateless.ts'
import { topViaWithSource } from './transaction/via-source.ts'
import { type Call, withSession } from './wired/call.ts'
import type { Exchange } from './wired/exchange.ts'
import type { Link } from './wired/links.ts'
import { refuse } from './wired/refuse.ts'
import type { LegName } from './wired/sessions.ts'
import { setUp } from './wired/setup.ts'
import type { CallTimer } from './wired/timers.ts'
import { versionHeaders } from './xip/ed137.ts'

/** `registered`: what a REGISTER that passes has come to. */
type Judgement =
  | { readonly kind: 'pass'; readonly registered: RegisterOutcome | null }
  | { readonly kind: 'refused'; readonly outgoing: Outgoing }

const passed: Judgement = { kind: 'pass', registered: null }

function refused(outgoing: Outgoing): Judgement {
  return { kind: 'refused', outgoing }
}

type Incoming = Extract<TransactionEvent, { kind: 'request' }>

export class Router {
  readonly dropped: Record<string, number> = {}
  readonly #exchange: Exchange
  readonly #subscriptions: Subscriptions
  readonly #touched: ReadonlySet<string>

  /** @param touched numbers of which something changed */
  constructor(exchange: Exchange, subscriptions: Subscriptions, touched: ReadonlySet<string>) {
    this.#exchange = exchange
    this.#subscriptions = subscriptions
    this.#touched = touched
  }

  drop(reason: string): CoreEffect[] {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1
    return []
  }

  /** A request of a dialog that is not here. */
  isOfUnknownDialog(message: SipRequest): boolean {
    if (message.method === 'ACK') return false
    const { sessions } = this.#exchange
    const toTag = tagOf(message.to)
    if (this.#subscriptions.knows(message)) return false
    if (toTag !== null) return sessions.leg(message.callId, toTag) === undefined
    return message.method === 'CANCEL' && sessions.ofCallId(message.callId) === undefined
  }

  /** What a new request comes to before a transaction is opened for it. RFC 3261 8.2.7: who is not known
   * is told so without one, so that strangers cannot fill the memory. */
  atTheDoor(request: SipRequest, source: Endpoint, now: Now): Judgement {
    const { layer, options, addresses } = this.#exchange
    // An ACK is never answered, and what a CANCEL means is the layer's to know.
    if (request.method === 'ACK' || request.method === 'CANCEL' || layer.isLive(request))
      return passed
    const stamped = topViaWithSource(request, source)
    const sentBys = addresses.map((address) => ({ address, port: options.sipPort }))
    const verdict = gate(stamped, sentBys)
    if (verdict.kind === 'refuse') return refused(statelessResponse(verdict.response, source))
    const toTag = tagOf(request.to)
    if (request.method === 'REGISTER') return this.#registration(stamped, source, now)
    if (toTag !== null) {
      if (this.#leg(request, toTag) !== undefined) return passed
      const extras = { headers: versionHeaders(request) }
      if (!this.#subscriptions.knows(request)) {
        return refused(statelessAnswer(request, 481, source, extras))
      }
    }
    const { tables } = options
    const refusal = admission({ request, source }, { ...this.#exchange, tables }, now.wallMs)
    if (refusal === null) return passed
    return refused(statelessAnswer(request, refusal.status, source, refusal))
  }

  /** @param registered what the REGISTER in the event came to */
  transaction(
    event: TransactionEvent,
    now: Now,
    registered: RegisterOutcome | null = null,
  ): CoreEffect[] {
    const { trunkProber } = this.#exchange
    const told = this.#subscriptions.answered(event, now) ?? trunkProber.answered(event, now)
    if (told !== null) return told
    switch (event.kind) {
      case 'request':
        return this.#request(event, now, registered)
      case 'ack':
        return this.#ack(event.request, now)
      case 'cancel':
        return this.#linked(event.id, now, (call, { leg }) => deliver(call, 'cancel', { leg }))
      case 'unacknowledged':
        return this.#linked(event.id, now, (call, { leg }) => {
          if (!onUnpracked(call, leg)) deliver(call, 'unacknowledged', { leg })
        })
      case 'timeout':
        return this.#linked(event.id, now, silence)
      case 'response': {
        const { response } = event
        if (this.#exchange.links.find(event.id) === undefined) return this.#stray(response, now)
        return this.#linked(event.id, now, (call, link) => answer(call, link, response))
      }
      case 'stray-response':
        return this.#stray(event.response, now)
    }
  }

  timer(due: CallTimer, now: Now): CoreEffect[] {
    return this.#session(due.sessionId, now, (call) => {
      if (!('leg' in due)) deliver(call, due.timer, {})
      else if (due.leg !== '' && !call.has(due.leg)) return
      else if (due.timer === 'member-gone') deliver(call, due.timer, due)
      else this.#exchange.services.find(({ name }) => name === due.service)?.timer?.(call, due.leg)
    })
  }

  release(sessionId: string, now: Now): CoreEffect[] {
    return this.#session(sessionId, now, (call) => deliver(call, 'release', {}))
  }

  digit({ mediaId, digit, mark }: Dialled, now: Now): CoreEffect[] {
    const found = this.#memberOfMedia(mediaId)
    if (found === undefined) return []
    const leg = legOf(found.member)
    return this.#session(found.sessionId, now, (call) =>
      deliver(call, 'digit', { leg, digit, mark }),
    )
  }

  /** The last press of a key that was done for a leg. */
  lastDigit(mediaId: string): string | null {
    return this.#memberOfMedia(mediaId)?.member.lastDigit ?? null
  }

  #memberOfMedia(mediaId: string) {
    const { sessions, options } = this.#exchange
    const session = sessions.get(options.tables.wiredMedia.get(mediaId)?.sessionId ?? '')
    const member = session?.members.find((one) => one.mediaId === mediaId)
    return session === undefined || member === undefined
      ? undefined
      : { sessionId: session.sessionId, member }
  }

  /** What follows from what is committed: looked at by the services, and done in other sessions. */
  followUp(now: Now): CoreEffect[] {
    const { sessions, services, followUps } = this.#exchange
    // A telephone that registers again may be one that calls wait for.
    lookAtLines(this.#exchange, this.#touched)
    const effects: CoreEffect[] = []
    for (let turn = 0; turn < followUpsMax; turn++) {
      for (const change of sessions.takeChanges()) {
        for (const { changed } of services) {
          effects.push(...(changed?.(this.#exchange, change, now) ?? []))
        }
      }
      const next = followUps.shift()
      if (next === undefined) return effects
      effects.push(...next(now))
    }
    followUps.length = 0
    return [...effects, { kind: 'log', level: 'warn', text: 'follow-ups without end', fields: {} }]
  }

  #session(sessionId: string, now: Now, work: (call: Call) => void): CoreEffect[] {
    return withSession(this.#exchange, { sessionId, now }, work)
  }

  #linked(id: string, now: Now, work: (call: Call, link: Link) => void): CoreEffect[] {
    const link = this.#exchange.links.find(id)
    if (link === undefined) return []
    return this.#session(link.sessionId, now, (call) => work(call, link))
  }

  #request(incoming: Incoming, now: Now, registered: RegisterOutcome | null): CoreEffect[] {
    const { id, request, source } = incoming
    switch (request.method) {
      case 'REGISTER':
        return registered === null ? [] : this.#register(incoming, registered, now)
      case 'OPTIONS':
        return this.#options(incoming, now)
      case 'SUBSCRIBE':
        return this.#subscribe(incoming, now)
      default: {
        const toTag = tagOf(request.to)
        if (toTag !== null) return this.#inDialog(incoming, toTag, now)
        if (request.method === 'INVITE') return setUp(this.#exchange, { id, request, source, now })
        // A REFER is taken in a call only: it can do there what its sender can do by itself.
        const status = request.method === 'REFER' ? 403 : 481
        return refuse(this.#exchange, { id, request, now }, status)
      }
    }
  }

  /** What it sets is on the standby before it is confirmed. */
  #options({ id, request, source }: Incoming, now: Now): CoreEffect[] {
    const more = versionHeaders(request)
    const set = forwardByOptions(this.#exchange, { request, source }, now)
    const toTag = statelessTag(request)
    const answer =
      set === null
        ? answerOptions(request, more)
        : response(request, set.status, { ...set, headers: [...more, ...set.headers], toTag })
    const { send } = this.#exchange.layer.respond(id, answer, now.monotonicMs)
    const session = set === null ? '' : `user:${request.from.uri.user ?? ''}`
    const afterReplication = set !== null
    return send.map((outgoing) => ({ kind: 'send', session, outgoing, afterReplication }))
  }

  #registration(request: SipRequest, source: Endpoint, now: Now): Judgement {
    const { digest, options, addresses } = this.#exchange
    const { user, phoneBook } = options.tables
    const context = {
      tables: {
        get: (number: string) => user.get(number),
        phoneBook: (number: string) => phoneBook.get(number),
      },
      digest,
      domains: [...addresses, options.realm],
    }
    const outcome = register({ request, source }, context, now.wallMs)
    if (outcome.response.status === 200) return { kind: 'pass', registered: outcome }
    return refused(statelessResponse(outcome.response, source))
  }

  /** Table 1 first: the standby knows of a registration before the terminal relies on it. */
  #register({ id, request }: Incoming, outcome: RegisterOutcome, now: Now): CoreEffect[] {
    const { layer, options } = this.#exchange
    const { user } = options.tables
    const isStored = applyUserChanges(user, outcome.changes)
    const toTag = statelessTag(request)
    const answer = isStored ? outcome.response : response(request, 503, { toTag })
    const { send } = layer.respond(id, answer, now.monotonicMs)
    const session = `user:${request.to.uri.user ?? ''}`
    const afterReplication = outcome.changes.length > 0
    return send.map((outgoing) => ({ kind: 'send', session, outgoing, afterReplication }))
  }

  #subscribe(incoming: Incoming, now: Now): CoreEffect[] {
    const { request } = incoming
    const toTag = tagOf(request.to)
    if (toTag === null) return this.#subscriptions.open(incoming, now)
    return this.#subscriptions.refresh(incoming, now) ?? this.#inDialog(incoming, toTag, now)
  }

  #inDialog({ id, request, source }: Incoming, toTag: string, now: Now): CoreEffect[] {
    const open = { id, request, now }
    const found = this.#leg(request, toTag)
    if (found === undefined) return refuse(this.#exchange, open, 481)
    const name = requestNames.get(request.method)
    if (name === undefined) return refuse(this.#exchange, open, 405)
    const pending = pendingServerOf(request, source)
    if (pending === null) return refuse(this.#exchange, open, 513)
    const { leg } = found
    return this.#session(found.sessionId, now, (call) => {
      const remoteSeq = remoteSeqOf(call.dialog(leg), request)
      // RFC 3261 12.2.2: out of order.
      if (remoteSeq !== null && request.cseq.number <= remoteSeq) {
        call.refuse({ leg, id, request, pending }, 500)
        return
      }
      deliver(call, name, { leg, id, request, pending })
    })
  }

  #ack(request: SipRequest, now: Now): CoreEffect[] {
    const found = this.#leg(request, tagOf(request.to))
    if (found === undefined) return this.drop('stray-ack')
    const { sessionId, leg } = found
    return this.#session(sessionId, now, (call) => deliver(call, 'ack', { leg, request }))
  }

  /** The leg of a request: Call-ID and both tags (RFC 3261 12), also in an early dialog. */
  #leg(request: SipRequest, toTag: string | null): LegName | undefined {
    const { sessions } = this.#exchange
    const found = sessions.leg(request.callId, toTag)
    const member = sessions.memberOf(found)
    return member !== undefined && isOfDialog(member.dialog, request) ? found : undefined
  }

  /** No transaction of ours: after a take-over, a 2xx whose ACK was lost with the other node. */
  #stray(response: SipResponse, now: Now): CoreEffect[] {
    const found = this.#exchange.sessions.leg(response.callId, tagOf(response.from))
    if (found === undefined) return this.drop('stray-response')
    const { sessionId, leg } = found
    return this.#session(sessionId, now, (call) => repeated(call, leg, response))
  }
}

/** One event can lead to others; a circle of them is a fault. */
const followUpsMax = 1_000

type RequestName =
  | 'reinvite'
  | 'bye'
  | 'info'
  | 'refer'
  | 'update'
  | 'prack'
  | 'notify'
  | 'subscribe'

const requestNames: ReadonlyMap<string, RequestName> = new Map<string, RequestName>([
  ['INVITE', 'reinvite'],
  ['BYE', 'bye'],
  ['INFO', 'info'],
  ['REFER', 'refer'],
  ['UPDATE', 'update'],
  ['PRACK', 'prack'],
  ['NOTIFY', 'notify'],
  ['SUBSCRIBE', 'subscribe'],
])
