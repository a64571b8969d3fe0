//! A simulated telephone: it registers, calls, answers, holds and hangs up with real SIP texts. One call
//! at a time. What it does and when is decided by `callers.ts`; what it saw goes to `calls.ts`.
import type { SipRequest, SipResponse } from '../../src/wire/sip/message.ts'
import { nameAddressText, viaText } from '../../src/wire/sip/write.ts'
import type { Random } from '../world/random.ts'
import type { Timeline } from '../world/timeline.ts'
import type { Call } from './calls.ts'
import { type Leg, newLeg } from './phone-leg.ts'
import { Registration } from './registration.ts'
import { authorizationLine, isStale, sdpText, sipText, targetOf, viaLine } from './sip-texts.ts'
import { SipTransactions } from './sip-transactions.ts'

export type PhoneEvent =
  /** A call came: it rings here. */
  | 'rings'
  /** The caller has its 200. */
  | 'answered'
  /** The callee has its ACK. */
  | 'confirmed'
  | 'hold-done'
  /** The switch says BYE. */
  | 'switch-bye'
  /** The BYE of this telephone is answered, whatever the status. */
  | 'bye-done'
  /** The own INVITE was refused, or nobody answered. */
  | 'refused'
  | 'cancelled'
  /** A request in the dialog failed: the switch does not know the call, or is silent. */
  | 'broken'

interface PhoneOutlets {
  send(text: string): void
  event(phone: Telephone, event: PhoneEvent, detail: string): void
}

interface PhoneOptions {
  readonly number: string
  readonly address: string
  readonly service: string
  readonly realm: string
  readonly password: string
  readonly timeline: Timeline
  readonly random: Random
}

const giveUpMs = 32_000

export class Telephone {
  readonly number: string
  readonly address: string
  readonly #options: PhoneOptions
  readonly #out: PhoneOutlets
  readonly #transactions: SipTransactions
  #leg: Leg | null = null
  #count = 0
  readonly #registration: Registration

  constructor(options: PhoneOptions, outlets: PhoneOutlets) {
    this.#options = options
    this.#out = outlets
    this.number = options.number
    this.address = options.address
    this.#transactions = new SipTransactions(options.timeline, {
      send: (text) => outlets.send(text),
      request: (request, key) => this.#request(request, key),
      ack: (request) => this.#ack(request),
      repeated: (response) => this.#repeated(response),
      unacknowledged: (key) => this.#unacknowledged(key),
    })
    this.#registration = new Registration({
      ...options,
      transactions: this.#transactions,
      newBranch: () => this.#branch(),
    })
  }

  get leg(): Readonly<Leg> | null {
    return this.#leg
  }

  get idle(): boolean {
    return this.#leg === null
  }

  receive(bytes: Uint8Array): void {
    this.#transactions.receive(bytes)
  }

  /** Registers now, and again in time. */
  register(): void {
    this.#registration.now()
  }

  call(to: string, call: Call): void {
    this.#leg = {
      ...this.#newLeg(`c${this.#next()}-${this.number}`, to, true),
      call,
    }
    this.#invite(this.#leg, null)
  }

  /** Answers the call that rings here. */
  accept(): void {
    const leg = this.#leg
    if (leg?.state !== 'ringing' || leg.invite === null || leg.serverKey === null) return
    leg.state = 'accepted'
    this.#respond(leg.serverKey, leg.invite, 200, sdpText(this.address, leg))
  }

  /** Refuses the call that rings here. */
  refuse(): void {
    const leg = this.#leg
    if (leg?.state !== 'ringing' || leg.invite === null || leg.serverKey === null) return
    this.#respond(leg.serverKey, leg.invite, 486)
    this.#end(leg, 'refused', '486')
  }

  /** Gives up the call that is not answered yet; once, and when the first answer has come (RFC 3261 9.1). */
  cancel(): void {
    const leg = this.#leg
    if (leg === null || !leg.outgoing || leg.cancelled) return
    if (leg.state === 'calling') leg.givenUp = true
    if (leg.state !== 'ringing') return
    leg.cancelled = true
    const text = this.#text('CANCEL', leg, {
      branch: leg.inviteBranch,
      cseq: leg.cseq,
      to: 'plain',
    })
    this.#transactions.start(leg.inviteBranch, 'CANCEL', text, {
      final: () => undefined,
      silent: () => undefined,
    })
    // RFC 3261 9.1: a cancelled INVITE without a final answer is given up.
    this.#options.timeline.after(giveUpMs, () => this.#end(leg, 'cancelled', 'silent'))
  }

  /** Puts the call on hold, or takes it back. @returns false when it cannot now. */
  hold(): boolean {
    const leg = this.#leg
    if (leg?.state !== 'up' || leg.busy) return false
    leg.direction = leg.direction === 'sendrecv' ? 'sendonly' : 'sendrecv'
    leg.sdpVersion++
    leg.busy = true
    leg.cseq++
    const branch = this.#branch()
    const text = this.#text('INVITE', leg, {
      branch,
      cseq: leg.cseq,
      body: sdpText(this.address, leg),
    })
    this.#transactions.start(branch, 'INVITE', text, {
      final: (response) => this.#holdAnswered(leg, response),
      silent: () => this.#end(leg, 'broken', 'no answer to a re-INVITE'),
    })
    return true
  }

  hangUp(): void {
    const leg = this.#leg
    if (leg === null || (leg.state !== 'up' && leg.state !== 'accepted')) return
    leg.state = 'ending'
    leg.cseq++
    const branch = this.#branch()
    this.#transactions.start(branch, 'BYE', this.#text('BYE', leg, { branch, cseq: leg.cseq }), {
      final: ({ status }) => this.#end(leg, status < 300 ? 'bye-done' : 'broken', `BYE ${status}`),
      silent: () => this.#end(leg, 'broken', 'no answer to a BYE'),
    })
  }

  /** The handset falls silent for good: no message leaves about the call. */
  forget(): void {
    this.#leg = null
  }

  #invite(leg: Leg, authorization: string | null): void {
    leg.cseq++
    leg.inviteBranch = this.#branch()
    const more = authorization === null ? [] : [authorization]
    const parts = {
      branch: leg.inviteBranch,
      cseq: leg.cseq,
      body: sdpText(this.address, leg),
      more,
    }
    this.#transactions.start(leg.inviteBranch, 'INVITE', this.#text('INVITE', leg, parts), {
      provisional: () => {
        if (leg.state !== 'calling' || this.#leg !== leg) return
        leg.state = 'ringing'
        if (leg.givenUp) this.cancel()
      },
      final: (response) => this.#inviteAnswered(leg, response, authorization !== null),
      silent: () => this.#end(leg, 'refused', 'silent'),
    })
  }

  #credentials(leg: Leg, challenge: SipResponse): string {
    const { realm, password, service } = this.#options
    const uri = `sip:${leg.remoteUser}@${service}`
    const who = { number: this.number, realm, password }
    return authorizationLine(challenge, who, { method: 'INVITE', uri })
  }

  #inviteAnswered(leg: Leg, response: SipResponse, authorized: boolean): void {
    if (response.status === 401 && (!authorized || isStale(response))) {
      this.#invite(leg, this.#credentials(leg, response))
      return
    }
    if (response.status >= 300) {
      this.#end(leg, response.status === 487 ? 'cancelled' : 'refused', String(response.status))
      return
    }
    leg.remoteTag = response.to.parameters.get('tag') ?? ''
    leg.target = targetOf(response, leg.target)
    leg.state = 'up'
    this.#acknowledge(leg, response)
    this.#out.event(this, 'answered', '')
  }

  #holdAnswered(leg: Leg, response: SipResponse): void {
    leg.busy = false
    if (response.status < 300) {
      this.#acknowledge(leg, response)
      this.#out.event(this, 'hold-done', leg.direction)
      return
    }
    leg.direction = leg.direction === 'sendrecv' ? 'sendonly' : 'sendrecv'
    if (response.status !== 481 && response.status !== 408) return
    if (this.#leg !== leg || leg.state === 'ending') return
    this.#out.event(this, 'broken', `re-INVITE ${response.status}`)
    this.hangUp()
  }

  #acknowledge(leg: Leg, response: SipResponse): void {
    const cseq = response.cseq.number
    const text = this.#text('ACK', leg, { branch: this.#branch(), cseq })
    leg.acks.set(cseq, text)
    this.#out.send(text)
  }

  #repeated(response: SipResponse): void {
    const ack = this.#leg?.callId === response.callId && this.#leg.acks.get(response.cseq.number)
    if (ack) this.#out.send(ack)
  }

  #request(request: SipRequest, key: string): void {
    const leg = this.#leg
    const isMine = leg !== null && leg.callId === request.callId
    switch (request.method) {
      case 'INVITE': {
        const isInDialog = request.to.parameters.has('tag')
        if (isMine && isInDialog) this.#reinvite(leg, request, key)
        else if (isInDialog) this.#respond(key, request, 481)
        else if (leg !== null) this.#respond(key, request, 486)
        else this.#ring(request, key)
        return
      }
      case 'CANCEL': {
        this.#respond(key, request, 200)
        if (!isMine || leg.state !== 'ringing' || leg.invite === null || !leg.serverKey) return
        this.#respond(leg.serverKey, leg.invite, 487)
        this.#end(leg, 'cancelled', 'CANCEL')
        return
      }
      case 'BYE': {
        this.#respond(key, request, isMine ? 200 : 481)
        if (!isMine) return
        if (leg.serverKey !== null) this.#transactions.confirm(leg.serverKey)
        this.#end(leg, 'switch-bye', '')
        return
      }
      default:
        this.#respond(key, request, isMine || !request.to.parameters.has('tag') ? 200 : 481)
    }
  }

  #ring(request: SipRequest, key: string): void {
    const user = request.from.uri.user ?? ''
    const leg = this.#newLeg(request.callId, user, false)
    leg.remoteTag = request.from.parameters.get('tag') ?? ''
    leg.target = targetOf(request, leg.target)
    leg.state = 'ringing'
    leg.serverKey = key
    leg.invite = request
    this.#leg = leg
    this.#respond(key, request, 180)
    this.#out.event(this, 'rings', user)
  }

  #reinvite(leg: Leg, request: SipRequest, key: string): void {
    if (leg.busy) {
      this.#respond(key, request, 491)
      return
    }
    leg.serverKey = key
    leg.invite = request
    leg.target = targetOf(request, leg.target)
    this.#respond(key, request, 200, sdpText(this.address, leg, request.body))
  }

  #ack(request: SipRequest): void {
    const leg = this.#leg
    if (leg === null || leg.callId !== request.callId || leg.serverKey === null) return
    if (request.cseq.number !== leg.invite?.cseq.number) return
    this.#transactions.confirm(leg.serverKey)
    if (leg.state !== 'accepted') return
    leg.state = 'up'
    this.#out.event(this, 'confirmed', '')
  }

  #unacknowledged(key: string): void {
    const leg = this.#leg
    if (leg === null || leg.serverKey !== key) return
    this.#out.event(this, 'broken', 'no ACK')
    this.hangUp()
  }

  #end(leg: Leg, event: PhoneEvent, detail: string): void {
    if (this.#leg !== leg) return
    this.#out.event(this, event, detail)
    this.#leg = null
  }

  #newLeg(callId: string, remoteUser: string, outgoing: boolean): Leg {
    const localTag = `t${this.number}-${this.#next()}`
    const target = `sip:${remoteUser}@${this.#options.service}`
    return newLeg({ callId, localTag, remoteUser, target, outgoing })
  }

  #text(
    method: string,
    leg: Leg,
    parts: { branch: string; cseq: number; body?: string; more?: string[]; to?: 'plain' },
  ): string {
    const { service } = this.#options
    const plain = parts.to === 'plain' || leg.remoteTag === ''
    const uri = parts.to === 'plain' ? `sip:${leg.remoteUser}@${service}` : leg.target
    const body = parts.body ?? ''
    const lines = [
      `${method} ${uri} SIP/2.0`,
      viaLine(this.address, parts.branch),
      'Max-Forwards: 70',
      `From: <sip:${this.number}@${service}>;tag=${leg.localTag}`,
      `To: <sip:${leg.remoteUser}@${service}>${plain ? '' : `;tag=${leg.remoteTag}`}`,
      `Call-ID: ${leg.callId}`,
      `CSeq: ${parts.cseq} ${method}`,
      `Contact: <sip:${this.number}@${this.address}:5060>`,
      ...(parts.more ?? []),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
    ]
    return sipText(lines, body)
  }

  #respond(key: string, request: SipRequest, status: number, body = ''): void {
    const tag = this.#leg?.callId === request.callId ? this.#leg.localTag : `x${this.number}`
    const to = nameAddressText(request.to)
    const lines = [
      `SIP/2.0 ${status} Said`,
      ...request.via.map((via) => `Via: ${viaText(via)}`),
      `From: ${nameAddressText(request.from)}`,
      `To: ${request.to.parameters.has('tag') ? to : `${to};tag=${tag}`}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${request.cseq.number} ${request.cseq.method}`,
      `Contact: <sip:${this.number}@${this.address}:5060>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
    ]
    this.#transactions.answer(key, sipText(lines, body), status)
  }

  #branch(): string {
    return `z9hG4bK${this.number}-${this.#next()}-${this.#options.random.u32().toString(16)}`
  }

  #next(): number {
    this.#count++
    return this.#count
  }
}
