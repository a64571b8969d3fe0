//! The transaction layer: it finds the machine a message belongs to, and does what the machine says.
//!
//! Deterministic: time is an argument, branches come from the constructor. Nothing here sends; the
//! datagrams are in the output, in the order in which they must leave.
import { assert } from '../../assert.ts'
import { limits } from '../../limits.ts'
import type { Endpoint, SipRequest, SipResponse, Via } from '../../wire/sip/message.ts'
import { response, writeSip } from '../../wire/sip/write.ts'
import { openClient, restoreClient } from './client.ts'
import { cancelOf } from './hop-requests.ts'
import { openInviteClient, restoreInviteClient } from './invite-client.ts'
import { openInviteServer, restoreInviteServer } from './invite-server.ts'
import { Call, isOpenOrSuccess, targetOf } from './layer-output.ts'
import type {
  ClientId,
  LayerCounters,
  LayerOutput,
  Outgoing,
  ServerId,
  TransactionLayerApi,
} from './layer-types.ts'
import {
  answeredTag,
  inviteOf,
  isOfRequest,
  isRefused,
  type Live,
  type Machine,
  type MachineEvent,
  respondEvent,
  responseEvent,
  stepMachine,
} from './live.ts'
import { type Effect, type Step, start } from './machine.ts'
import {
  acknowledgedIds,
  branchMark,
  cancelledId,
  clientId,
  endpointText,
  sentByText,
  serverId,
} from './match.ts'
import { Room } from './room.ts'
import { openServer, restoreServer } from './server.ts'
import { ownText, settle, textOf } from './settled.ts'
import { statelessAnswer, statelessTag } from './stateless.ts'
import { isReliable, openSuccessRepeat } from './success-repeat.ts'
import { TimerQueue } from './timer-queue.ts'
import { topViaWithSource } from './via-source.ts'

interface TransactionLayerOptions {
  /** Our address and port as they stand in Via: the service address. */
  readonly sentBy: Endpoint
  /** Those of the peer, when it has an address of its own: its requests are ours after its death. */
  readonly peerSentBy?: Endpoint | null
  /** The unique part of a branch: at least 32 bits of randomness (RFC 3261 8.1.1.7). */
  readonly newBranch: () => string
  readonly transactionsMax?: number
  readonly clientTransactionsMax?: number
}

export class TransactionLayer implements TransactionLayerApi {
  readonly #sentBy: Endpoint
  readonly #sentByTexts: readonly string[]
  readonly #newBranch: () => string
  readonly #transactionsMax: number
  readonly #clientTransactionsMax: number
  readonly #servers = new Room()
  readonly #clients = new Room()
  /** Repetitions of a 2xx or of a reliable 1xx, under the id of their server transaction. */
  readonly #repeats = new Room()
  readonly #timers = new TimerQueue<Live>()
  readonly #counters: LayerCounters = {
    requestsRefused: 0,
    requestsUnsent: 0,
    responsesMisrouted: 0,
  }

  constructor(options: TransactionLayerOptions) {
    this.#sentBy = options.sentBy
    this.#sentByTexts = [options.sentBy, options.peerSentBy ?? options.sentBy].map(endpointText)
    this.#newBranch = options.newBranch
    this.#transactionsMax = options.transactionsMax ?? limits.transactionsMax
    this.#clientTransactionsMax = options.clientTransactionsMax ?? limits.clientTransactionsMax
  }

  get size(): number {
    return this.#servers.size + this.#clients.size
  }

  get counters(): Readonly<LayerCounters> {
    return this.#counters
  }

  receive(message: SipRequest | SipResponse, source: Endpoint, nowMs: number): LayerOutput {
    const call = new Call(nowMs)
    if (message.kind === 'response') this.#receiveResponse(call, message, source)
    else {
      const request = topViaWithSource(message, source)
      if (request.method === 'ACK') this.#receiveAck(call, request, source)
      else this.#receiveRequest(call, request, source)
    }
    return call
  }

  request(
    request: SipRequest,
    to: Endpoint,
    nowMs: number,
  ): { id: ClientId; request: SipRequest; output: LayerOutput } {
    assert(request.method !== 'ACK', 'the ACK of a 2xx belongs to no transaction')
    const sent = { ...request, via: [this.#freshVia()] }
    const call = new Call(nowMs)
    if (this.#clients.size >= this.#clientTransactionsMax) {
      const id = this.#openUnsent(call, sent, to)
      return { id, request: sent, output: call }
    }
    const id = this.#openClient(call, sent, { to, quiet: false })
    return { id, request: sent, output: call }
  }

  outside(request: SipRequest, to: Endpoint): Outgoing {
    return { text: writeSip({ ...request, via: [this.#freshVia()] }), to }
  }

  respond(id: ServerId, answer: SipResponse, nowMs: number): LayerOutput {
    assert(answer.status >= 100 && answer.status <= 699, 'a status is 100..699')
    const call = new Call(nowMs)
    const live = this.#servers.get(id)
    if (live === undefined) return call
    const wasProceeding = live.machine.phase === 'proceeding'
    // RFC 3262 3: after a final answer the provisional one is not repeated any more.
    if (wasProceeding && answer.status >= 200) this.acknowledged(id)
    this.#run(call, live, respondEvent(live.machine, answer))
    const isOpened = live.machine.phase === 'accepted' || isReliable(answer)
    if (wasProceeding && isOpened) this.#repeat(call, live, answer)
    return call
  }

  acknowledged(id: ServerId): void {
    const live = this.#repeats.get(id)
    if (live !== undefined) this.#run(new Call(0), live, { kind: 'acknowledged' })
  }

  cancel(id: ClientId, nowMs: number, reason: string | null = null): LayerOutput {
    const call = new Call(nowMs)
    const live = this.#clients.get(id)
    if (live === undefined || inviteOf(live.machine) === null) return call
    live.cancelReason ??= reason
    this.#run(call, live, { kind: 'cancel' })
    return call
  }

  restoreServer(
    request: SipRequest,
    source: Endpoint,
    last: SipResponse | null,
    nowMs: number,
  ): ServerId {
    const stamped = topViaWithSource(request, source)
    const id = serverId(stamped)
    const call = new Call(nowMs)
    const known = this.#servers.get(id)
    if (known !== undefined && !(isRefused(known.machine) && isOpenOrSuccess(last))) {
      // The record waits for an ACK that this node has seen, or thought it had (ADR 0001).
      const waits = known.machine.phase === 'accepted' && !this.#repeats.has(id)
      if (waits && last !== null) this.#repeat(call, known, last)
      return id
    }
    if (known !== undefined) {
      // This node has refused what its peer goes on with: the session is the peer's, and so is the answer.
      this.#timers.stopAll(known)
      this.#remove(known)
    }
    const to = targetOf(stamped, source)
    if (request.method !== 'INVITE') {
      this.#open(call, this.#servers, { id, to, quiet: false, step: restoreServer(last) })
      return id
    }
    const step = restoreInviteServer(last ?? response(stamped, 100))
    const live = this.#open(call, this.#servers, { id, to, quiet: false, step })
    const isRepeated = live.machine.phase === 'accepted' || (last !== null && isReliable(last))
    if (isRepeated && last !== null) this.#repeat(call, live, last)
    return id
  }

  restoreClient(request: SipRequest, to: Endpoint, proceeding: boolean, nowMs: number): ClientId {
    const id = clientId(request)
    if (this.#clients.has(id)) return id
    const isInvite = request.method === 'INVITE'
    const restore = isInvite ? restoreInviteClient : restoreClient
    const step = restore(request, proceeding)
    this.#open(new Call(nowMs), this.#clients, { id, to, quiet: false, step })
    return id
  }

  isLive(message: SipRequest | SipResponse): boolean {
    if (message.kind === 'response') return this.#clients.has(clientId(message))
    const isCancel = message.method === 'CANCEL'
    return this.#servers.has(isCancel ? cancelledId(message) : serverId(message))
  }

  nextTimerMs(): number | null {
    const next = [this.#timers.nextMs(), this.#servers.nextMs(), this.#clients.nextMs()]
    return next.reduce((first, one) => (first === null || (one ?? first) < first ? one : first))
  }

  advance(nowMs: number): LayerOutput {
    const call = new Call(nowMs)
    this.#servers.advance(nowMs)
    this.#clients.advance(nowMs)
    // A restarted timer is later than now, so a long stall leads to one repetition, not to a burst.
    for (let due = this.#timers.take(nowMs); due !== null; due = this.#timers.take(nowMs)) {
      this.#run(call, due.owner, { kind: due.timer } as MachineEvent)
    }
    return call
  }

  clear(): void {
    this.#servers.clear()
    this.#clients.clear()
    this.#repeats.clear()
    this.#timers.clear()
  }

  #receiveResponse(call: Call, message: SipResponse, source: Endpoint): void {
    const [top, ...others] = message.via
    // RFC 3261 8.1.3.3 and 18.1.2: we are no proxy, and answer only for our own sent-by.
    const isOurs = top !== undefined && this.#sentByTexts.includes(sentByText(top))
    if (!isOurs || others.length > 0) {
      this.#counters.responsesMisrouted += 1
      return
    }
    const live = this.#clients.get(clientId(message))
    if (!isOfRequest(live, message)) this.#counters.responsesMisrouted += 1
    else if (live !== undefined) this.#run(call, live, responseEvent(live.machine, message))
    else if (message.cseq.method !== 'CANCEL') {
      call.events.push({ kind: 'stray-response', response: message, source })
    }
  }

  #receiveAck(call: Call, request: SipRequest, source: Endpoint): void {
    for (const { id, responseTag } of acknowledgedIds(request)) {
      const live = this.#servers.get(id)
      if (live === undefined) continue
      if (responseTag !== undefined && answeredTag(live) !== responseTag) continue
      this.#run(call, live, { kind: 'ack', request, source })
      return
    }
    call.events.push({ kind: 'ack', request, source })
  }

  #receiveRequest(call: Call, request: SipRequest, source: Endpoint): void {
    const id = serverId(request)
    const known = this.#servers.get(id)
    if (known !== undefined) this.#run(call, known, { kind: 'request' })
    else if (request.method === 'CANCEL') this.#receiveCancel(call, request, source)
    else if (this.#isFull()) {
      this.#counters.requestsRefused += 1
      call.send.push(statelessAnswer(request, 503, source))
    } else {
      const trying = request.method === 'INVITE' ? response(request, 100) : null
      const step = trying === null ? openServer() : openInviteServer(trying)
      this.#open(call, this.#servers, { id, to: targetOf(request, source), quiet: false, step })
      call.events.push({ kind: 'request', id, request, source })
    }
  }

  /** RFC 3261 9.2. A full layer still answers it, only without remembering: it makes room; and so is one
   * answered that cancels nothing, as everybody can send it. */
  #receiveCancel(call: Call, request: SipRequest, source: Endpoint): void {
    const id = cancelledId(request)
    const found = this.#servers.get(id)
    const invite = isOfRequest(found, request) ? found : undefined
    const status = invite === undefined ? 481 : 200
    if (invite === undefined || this.#isFull()) {
      call.send.push(statelessAnswer(request, status, source))
    } else {
      const live = this.#open(call, this.#servers, {
        id: serverId(request),
        to: targetOf(request, source),
        quiet: true,
        step: openServer(),
      })
      const tag = answeredTag(invite)
      const toTag = tag === null || tag === '' ? statelessTag(request) : tag
      const answer = response(request, status, { toTag })
      this.#run(call, live, { kind: 'respond-final', response: answer })
    }
    // A final answer has been given otherwise: the CANCEL has no effect on it.
    if (invite?.machine.phase === 'proceeding') call.events.push({ kind: 'cancel', id, request })
  }

  #isFull(): boolean {
    return this.#servers.size >= this.#transactionsMax
  }

  #openClient(call: Call, request: SipRequest, how: { to: Endpoint; quiet: boolean }): ClientId {
    const id = clientId(request)
    assert(!this.#clients.has(id), 'a branch is used once')
    const isInvite = request.method === 'INVITE'
    const step = isInvite ? openInviteClient(request) : openClient(request)
    this.#open(call, this.#clients, { id, ...how, step })
    return id
  }

  /** RFC 3261 8.1.3.1: what cannot be sent is as good as unanswered; the user has one way for both. */
  #openUnsent(call: Call, request: SipRequest, to: Endpoint): ClientId {
    this.#counters.requestsUnsent += 1
    const id = clientId(request)
    const isInvite = request.method === 'INVITE'
    const { state } = isInvite ? openInviteClient(request) : openClient(request)
    const end = start(isInvite ? 'timer-b' : 'timer-f', 0)
    this.#open(call, this.#clients, { id, to, quiet: false, step: { state, effects: [end] } })
    return id
  }

  #repeat(call: Call, { id, to }: Live, answer: SipResponse): void {
    this.#open(call, this.#repeats, { id, to, quiet: false, step: openSuccessRepeat(answer) })
  }

  #open(call: Call, room: Room, opening: Opening): Live {
    const { to, quiet, step } = opening
    const live: Live = {
      ...{ id: ownText(opening.id), room, to, quiet, machine: step.state, timers: new Map() },
      ...{ sent: null, names: null, restsUntilMs: null },
    }
    room.add(live)
    for (const effect of step.effects) this.#apply(call, live, effect)
    this.#settle(live)
    return live
  }

  #run(call: Call, live: Live, event: MachineEvent): void {
    const step = stepMachine(live.machine, event)
    live.machine = step.state
    for (const effect of step.effects) this.#apply(call, live, effect)
    if (live.machine.phase === 'terminated') this.#remove(live)
    else this.#settle(live)
  }

  #settle(live: Live): void {
    settle(live)
    if (live.room.rest(live)) this.#timers.stopAll(live)
  }

  #apply(call: Call, live: Live, effect: Effect): void {
    switch (effect.kind) {
      case 'send': {
        call.send.push({ text: textOf(live, effect.message), to: live.to })
        break
      }
      case 'send-cancel': {
        const invite = inviteOf(live.machine)
        assert(invite !== null, 'only an INVITE is cancelled')
        this.#openClient(call, cancelOf(invite, live.cancelReason), { to: live.to, quiet: true })
        break
      }
      case 'start': {
        this.#timers.start(live, effect.timer, call.nowMs + effect.afterMs)
        break
      }
      case 'stop': {
        this.#timers.stop(live, effect.timer)
        break
      }
      case 'raise': {
        if (!live.quiet) call.raise(live.id, effect.raised)
        break
      }
    }
  }

  #remove(live: Live): void {
    assert(live.timers.size === 0, 'a terminated transaction has no timer')
    live.room.remove(live)
  }

  /** Also the mark that lets the gate know our own requests when they come back. */
  #freshVia(): Via {
    const { address, port } = this.#sentBy
    const host = address.includes(':') ? `[${address}]` : address
    const branch = `${branchMark}${this.#newBranch()}`
    return { transport: 'UDP', host, port, parameters: new Map([['branch', branch]]) }
  }
}

interface Opening {
  readonly id: string
  readonly to: Endpoint
  readonly quiet: boolean
  readonly step: Step<Machine>
}
