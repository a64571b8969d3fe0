//! One session while one event is handled: its record, which is written once at the end, and the
//! messages that this leads to. The handlers of the call machine (`machine.ts`) work on it.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { Dialog, PendingServer, SessionTimer } from '../../tables/dialog.ts'
import { type Conference, type Leg, legOf, type Member } from '../../tables/wired-conference.ts'
import type { SipHeader, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import { type ResponseExtras, response, writeSip } from '../../wire/sip/write.ts'
import { callRecordOf, withHistory, withRoleChange, withService } from '../call-record.ts'
import { ackOf, nextRequest, ownContact, type RequestParts } from '../dialog/dialog.ts'
import { counted } from '../dialog/early-dialog.ts'
import { offerIn, pendingClientOf, requestOf, type Slot } from '../dialog/pending.ts'
import { afterAnswer, isKeptBack, isSaidAlready, keptBack, numbered } from '../dialog/reliable.ts'
import { timerHeaders, timerOffer } from '../dialog/session-timer.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { allowHeader, supportedHeader } from '../registrar/capabilities.ts'
import type { LayerOutput } from '../transaction/layer-types.ts'
import { autoAnswerHeaders } from '../xip/auto-answer.ts'
import { diversionHeaders } from '../xip/diversion.ts'
import { ed137Headers } from '../xip/ed137.ts'
import { sessionHeaders } from '../xip/to-sip.ts'
import { bodyOf } from './early.ts'
import type { OpenedRequest } from './events.ts'
import type { Exchange } from './exchange.ts'
import { callForks, cancelForks } from './forks.ts'
import { refuse } from './refuse.ts'
import { isPresent, isTarget } from './sessions.ts'

type ServerSlot = 'pendingServer' | 'relayServer'
type ClientSlot = 'pendingClient' | 'relayClient'

interface InviteParts {
  readonly maxForwards?: number
  readonly headers?: readonly SipHeader[]
}

export class Call {
  readonly exchange: Exchange
  readonly now: Now
  readonly effects: CoreEffect[] = []
  #session: Conference
  readonly #wasOver: boolean
  #changed = false
  #removed = false

  constructor(exchange: Exchange, session: Conference, now: Now) {
    this.exchange = exchange
    this.now = now
    this.#session = session
    this.#wasOver = session.ended !== null
  }

  get session(): Conference {
    return this.#session
  }

  get sessionId(): string {
    return this.#session.sessionId
  }

  has(leg: Leg): boolean {
    return this.#session.members.some((one) => legOf(one) === leg)
  }

  member(leg: Leg): Member {
    const member = this.#session.members.find((one) => legOf(one) === leg)
    assert(member !== undefined, 'a leg is named by its session')
    return member
  }

  /** The other end of a two-party call. */
  far(leg: Leg): Leg {
    const { members, transfer } = this.#session
    const others = members.filter((one) => legOf(one) !== leg)
    // The target of a transfer will talk to the other party.
    const by = isTarget(this.#session, leg) ? transfer?.by : null
    const other = others.find((one) => isPresent(one) && legOf(one) !== by) ?? others[0]
    assert(other !== undefined, 'a two-party call has another end')
    return legOf(other)
  }

  dialog(leg: Leg): Dialog {
    return this.member(leg).dialog
  }

  change(patch: Partial<Conference>): void {
    this.#session = { ...this.#session, ...patch }
    this.#changed = true
  }

  /** For the call record. @param name of a service, as people know it */
  used(name: string): void {
    this.change({ history: withService(this.#session, name).history })
  }

  changeMember(leg: Leg, patch: Partial<Member>): void {
    const members = this.#session.members.map((member) =>
      legOf(member) === leg ? { ...member, ...patch } : member,
    )
    this.change({ members })
  }

  changeDialog(leg: Leg, patch: Partial<Dialog>): void {
    this.changeMember(leg, { dialog: { ...this.dialog(leg), ...patch } })
  }

  /** Writes the session; nothing of what it sends has left yet. */
  commit(): CoreEffect[] {
    const { sessions, links, timers } = this.exchange
    if (this.#removed) {
      sessions.remove(this.#session)
      links.forget(this.sessionId)
      timers.forget(this.sessionId)
    } else if (this.#changed) {
      this.#remember()
      const isSaved = sessions.save(this.#session)
      assert(isSaved, 'a session that is in its table can be replaced')
    }
    return this.effects
  }

  /** What the call record will say, in the record of the session (ADR 0026). */
  #remember(): void {
    const known = withHistory(this.#session, this.now.wallMs)
    const change = this.exchange.takenOver.take(this.sessionId)
    this.#session = change === null ? known : withRoleChange(known, change)
    const record = this.#wasOver ? null : callRecordOf(this.#session)
    if (record !== null) this.effects.push({ kind: 'call-record', record })
  }

  remove(): void {
    this.#removed = true
  }

  /** Puts a request that was taken from the network into its place. */
  accept(leg: Leg, slot: ServerSlot, opened: { id: string; pending: PendingServer }): void {
    this.exchange.links.bind(opened.id, { sessionId: this.sessionId, leg, slot })
    // A request that is refused is not counted: repeated to the other node, it is refused again.
    const { pending } = opened
    this.changeDialog(leg, { [slot]: pending, ...counted(this.dialog(leg), pending) })
  }

  /** Sends a request in the dialog of one leg, once the standby knows of it. */
  request(leg: Leg, slot: ClientSlot, parts: Omit<RequestParts, 'contact'>): void {
    // Target refresh requests (RFC 3261 12.2.1.1, RFC 6665 4.1.3).
    const refreshes = parts.method === 'INVITE' || parts.method === 'NOTIFY'
    const contact = refreshes ? this.#contact(leg) : null
    const made = nextRequest(this.dialog(leg), { ...parts, contact })
    const { layer } = this.exchange
    const to = made.dialog.destination
    const { id, request, output } = layer.request(made.request, to, this.now.monotonicMs)
    this.exchange.links.bind(id, { sessionId: this.sessionId, leg, slot })
    this.changeMember(leg, {
      dialog: { ...made.dialog, [slot]: pendingClientOf(request, to) },
    })
    this.emit(output, true)
  }

  /** An INVITE or re-INVITE with our offer, which holds when it is answered (`takeOffer`). */
  invite(leg: Leg, body: string, more: InviteParts = {}): void {
    const { maxForwards = limits.sipMaxForwards } = more
    const { trunk, dialog } = this.member(leg)
    if (dialog.early !== null) this.changeDialog(leg, { early: null })
    const headers = [
      ...(trunk?.credentials != null && dialog.remoteTag === null ? [trunk.credentials] : []),
      ...ed137Headers(sessionHeaders(this.#session)),
      ...this.#diversionHeaders(leg),
      ...(dialog.remoteTag === null ? autoAnswerHeaders(this.#session.callType) : []),
      allowHeader,
      supportedHeader,
      ...this.#timerOffer(leg),
      ...descriptionHeaders(body),
      ...(more.headers ?? []),
    ]
    const hops = Math.min(maxForwards, trunk?.hops ?? maxForwards)
    const parts = { method: 'INVITE', headers, body, maxForwards: hops }
    this.request(leg, 'pendingClient', parts)
    if (dialog.remoteTag === null) callForks(this, leg)
  }

  takeOffer(leg: Leg): void {
    const { pendingClient } = this.dialog(leg)
    if (pendingClient !== null) this.changeDialog(leg, { localSdp: offerIn(pendingClient) })
  }

  /** The ACK of a 2xx; also of each repeated one (RFC 3261 13.2.2.4). It ends the repetitions of the
   * 2xx, so the standby has to know of the answer before: else the answer would be lost with us. */
  acknowledge(leg: Leg, cseq: number): void {
    const { dialog, trunk } = this.member(leg)
    const headers = trunk?.credentials == null ? [] : [trunk.credentials]
    const ack = { ...ackOf(dialog, cseq), headers }
    const outgoing = this.exchange.layer.outside(ack, dialog.destination)
    this.emit({ send: [outgoing], events: [] }, true)
  }

  /** RFC 3261 17.1.1.3, without the transaction: it went with the node that had sent the INVITE. The
   * answer carries the Via of that INVITE. */
  acknowledgeRefusal(leg: Leg, response: SipResponse): void {
    const dialog = this.dialog(leg)
    const { via, to } = response
    const text = writeSip({ ...ackOf(dialog, response.cseq.number), via, to })
    this.emit({ send: [{ text, to: dialog.destination }], events: [] }, false)
  }

  /** Answers what waits in a place. A final answer is in the record before it leaves; that of an
   * INVITE or BYE stays there for repetitions, by this node or the other one. */
  respond(leg: Leg, slot: ServerSlot, status: number, extras: ResponseExtras = {}): void {
    const dialog = this.dialog(leg)
    const pending = dialog[slot]
    assert(pending !== null && pending.final === null, 'an answer needs an open request')
    const isFinal = status >= 200
    const isHeld = isKeptBack(pending, status)
    const given = extras.body ?? ''
    if (isSaidAlready(pending, status, given)) return
    if (isHeld && !isFinal) {
      this.changeDialog(leg, { [slot]: keptBack(pending, status, given) })
      return
    }
    const request = requestOf(pending)
    const number = numbered(pending, status, this.exchange.options.random32)
    const headers = [...(extras.headers ?? []), ...(number?.headers ?? [])]
    const body = bodyOf(this, leg, { pending, status, body: given })
    const said = { status, extras: { ...extras, headers, body }, timer: pending.timer }
    const answer = response(request, status, this.#extras(leg, request, said))
    if (isFinal && status < 300) this.#refreshed(leg, pending)
    this.changeDialog(leg, { [slot]: afterAnswer(pending, answer, number?.rseq ?? null) })
    const id = this.exchange.links.idOf({ sessionId: this.sessionId, leg, slot })
    if (id === undefined || isHeld) return
    const isGated = isFinal || number !== null
    this.emit(this.exchange.layer.respond(id, answer, this.now.monotonicMs), isGated)
  }

  /** The session was opened or refreshed now (RFC 4028 10). */
  settleTimer(leg: Leg, { intervalS, refresher }: Omit<SessionTimer, 'atMs'>): void {
    this.changeDialog(leg, { timer: { intervalS, refresher, atMs: this.now.wallMs } })
  }

  /** Answers a request that gets no place in the record. */
  refuse({ id, request }: OpenedRequest, status: number, extras: ResponseExtras = {}): void {
    const open = { id, request, now: this.now }
    this.effects.push(...refuse(this.exchange, open, status, extras))
  }

  /** 200 to a request whose place in the record is taken: repeated to the other node, it is refused. */
  answerAside({ leg, id, request, pending }: OpenedRequest, { body }: { body: string }): void {
    this.changeDialog(leg, counted(this.dialog(leg), pending))
    const headers = descriptionHeaders(body)
    const open = { id, request, now: this.now }
    const answers = refuse(this.exchange, open, 200, { headers, body })
    this.effects.push(...answers.map((answer) => ({ ...answer, afterReplication: true })))
  }

  /** CANCEL of our INVITE, now or after its first 1xx (the layer knows).
   * @param reason value of a header Reason (RFC 3326) */
  cancel(leg: Leg, reason: string | null = null): void {
    const pending = this.dialog(leg).pendingClient
    if (pending === null) return
    this.changeDialog(leg, {
      pendingClient: { ...pending, cancelled: true, cancelReason: reason },
    })
    this.cancelAgain(leg, true)
    cancelForks(this, leg, reason)
  }

  cancelAgain(leg: Leg, afterReplication: boolean): void {
    const place = { sessionId: this.sessionId, leg, slot: 'pendingClient' } as const
    const id = this.exchange.links.idOf(place)
    if (id === undefined) return
    const { layer } = this.exchange
    const reason = this.dialog(leg).pendingClient?.cancelReason ?? null
    this.emit(layer.cancel(id, this.now.monotonicMs, reason), afterReplication)
  }

  close(leg: Leg, slot: Slot): void {
    this.changeDialog(leg, { [slot]: null })
  }

  emit(output: LayerOutput, afterReplication: boolean): void {
    const session = this.sessionId
    for (const outgoing of output.send) {
      this.effects.push({ kind: 'send', session, outgoing, afterReplication })
    }
  }

  log(level: 'debug' | 'info' | 'warn', text: string, fields: Record<string, unknown> = {}): void {
    this.effects.push({ kind: 'log', level, text, fields: { session: this.sessionId, ...fields } })
  }

  /** What came from another system is told with the first INVITE. */
  #diversionHeaders(leg: Leg): readonly SipHeader[] {
    const { user: target, dialog } = this.member(leg)
    const { diversions, received } = this.#session
    const way = { target, received: dialog.remoteTag === null ? received : null }
    return diversionHeaders({ diversions: diversions ?? [], ...way }, this.exchange.commonAddress)
  }

  /** An UPDATE before the answer refreshes nothing yet. */
  #refreshed(leg: Leg, { method, timer }: PendingServer): void {
    const opens = method === 'INVITE' || this.#session.answeredAtMs !== null
    if (timer !== null && opens) this.settleTimer(leg, timer)
  }

  #timerOffer(leg: Leg): SipHeader[] {
    const { timer } = this.dialog(leg)
    if (timer === null) return timerOffer(limits.sessionTimerS)
    const refresher = timer.refresher === 'us' ? 'uac' : 'uas'
    return timerOffer(timer.intervalS, limits.sessionTimerMinS, refresher)
  }

  /** The session with the ED-137 versions of one terminal: each of a conference has its own. */
  #spokenBy(leg: Leg): Conference {
    const { seat } = this.member(leg)
    return seat === null ? this.#session : { ...this.#session, wg67Version: seat.wg67Version }
  }

  #contact(leg: Leg) {
    const { queued, members, focus, attendant, callBack, history } = this.#session
    if (focus !== null) {
      // RFC 4579 5.2.
      const contact = ownContact(this.exchange.options, focus.number)
      return { ...contact, parameters: new Map([['isfocus', null]]) }
    }
    const isAlone = members.every((one) => legOf(one) === leg)
    const own = queued?.number ?? attendant?.number ?? callBack?.number
    const number = own ?? history?.called ?? ''
    const user = isAlone ? number : this.member(this.far(leg)).user
    return ownContact(this.exchange.options, user)
  }

  #extras(
    leg: Leg,
    request: SipRequest,
    {
      status,
      extras,
      timer,
    }: { status: number; extras: ResponseExtras; timer: PendingServer['timer'] },
  ): ResponseExtras {
    const headers = [...(extras.headers ?? [])]
    if (request.method !== 'INFO') headers.push(...descriptionHeaders(extras.body ?? ''))
    // ED-137 2.3: WG67-Version on every response except 1xx.
    if (status >= 200) headers.push(...this.exchange.answerHeaders(this.#spokenBy(leg)))
    const toTag = this.dialog(leg).localTag
    const opens = request.method === 'INVITE' || request.method === 'UPDATE'
    if (!opens || status >= 300) return { ...extras, headers, toTag }
    headers.push(allowHeader, supportedHeader)
    if (status >= 200 && timer !== null) headers.push(...timerHeaders(timer))
    const contact = [this.#contact(leg)]
    return { ...extras, headers, toTag, recordRoute: true, contact }
  }
}

/** Runs work on one session and writes it. Nothing when the session is not there. */
export function withSession(
  exchange: Exchange,
  { sessionId, now }: { readonly sessionId: string; readonly now: Now },
  work: (call: Call) => void,
): CoreEffect[] {
  const session = exchange.sessions.get(sessionId)
  if (session === undefined) return []
  const call = new Call(exchange, session, now)
  work(call)
  return call.commit()
}

function descriptionHeaders(body: string): SipHeader[] {
  return body === '' ? [] : [{ name: 'Content-Type', value: 'application/sdp' }]
}
