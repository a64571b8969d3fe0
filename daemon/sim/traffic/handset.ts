//! A handset with any number of calls: it says what it is told to say, as a telephone does that follows
//! RFC 3261, and tells its owner what comes. Its owner decides (`habits.ts`, `errands.ts`).
import { header, type SipRequest, type SipResponse } from '../../src/wire/sip/message.ts'
import { authorizationLine, isStale, sdpText, targetOf } from '../telephones/sip-texts.ts'
import { SipTransactions } from '../telephones/sip-transactions.ts'
import type { Timeline } from '../world/timeline.ts'
import { addressOf, password, realm, service } from './site.ts'
import { answerText, newTalk, type Request, requestText, type Talk } from './talk.ts'

/** What a handset tells its owner. */
export interface Owner {
  /** A call came and waits for an answer. */
  readonly rings: (handset: Handset, talk: Talk) => void
  /** A call of its own has an early dialog. */
  readonly waits: (handset: Handset, talk: Talk) => void
  /** Both ends may talk. */
  readonly up: (handset: Handset, talk: Talk) => void
}

interface Parts {
  readonly number: string
  readonly timeline: Timeline
  readonly owner: Owner
  readonly send: (text: string, from: Handset) => void
}

interface Asked {
  readonly body?: string
  readonly more?: readonly string[]
  readonly final?: (response: SipResponse) => void
}

export class Handset {
  readonly number: string
  readonly address: string
  readonly talks = new Map<string, Talk>()
  readonly #parts: Parts
  readonly #transactions: SipTransactions
  /** Nothing comes in or goes out until then. */
  #awayUntilMs = 0
  #count = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.number = parts.number
    this.address = addressOf(parts.number)
    this.#transactions = new SipTransactions(parts.timeline, {
      send: (text) => this.#send(text),
      request: (request, key) => this.#request(request, key),
      ack: (request) => this.#ack(request),
      repeated: (response) => this.#repeated(response),
      unacknowledged: (key) => this.#unacknowledged(key),
    })
  }

  get isAway(): boolean {
    return this.#parts.timeline.nowMs < this.#awayUntilMs
  }

  /** Calls that ring or stand. */
  get live(): Talk[] {
    return [...this.talks.values()].filter(({ state }) => state !== 'over' && state !== 'ending')
  }

  /** Its cable is pulled; its calls are forgotten. */
  vanish(ms: number): void {
    this.#awayUntilMs = this.#parts.timeline.nowMs + ms
    for (const talk of this.talks.values()) talk.state = 'over'
    this.talks.clear()
  }

  /** What it has asked and remembers. */
  get asked(): number {
    return this.#transactions.held
  }

  receive(bytes: Uint8Array): void {
    if (!this.isAway) this.#transactions.receive(bytes)
  }

  /** @param body null: no offer */
  call(to: string, more: readonly string[] = [], body?: string | null): Talk {
    const talk = this.#newTalk(`c${this.#next()}-${this.number}`, to, true)
    talk.isLate = body === null
    this.#invite(talk, { more, body: body === undefined ? this.sdp(talk) : (body ?? '') })
    return talk
  }

  sdp(talk: Talk, offer = ''): string {
    return sdpText(this.address, talk, offer)
  }

  cancel(talk: Talk): void {
    if (talk.state !== 'calling' && talk.state !== 'ringing') return
    const said = {
      method: 'CANCEL',
      branch: talk.inviteBranch,
      cseq: talk.inviteSeq,
      isPlain: true,
    }
    const ignore = () => undefined
    this.#transactions.start(talk.inviteBranch, 'CANCEL', requestText(this, talk, said), {
      final: ignore,
      silent: ignore,
    })
    this.#parts.timeline.after(32_000, () => {
      if (talk.state === 'calling' || talk.state === 'ringing') this.#over(talk)
    })
  }

  /** Answers the call that rings. @param body null: no description */
  answer(talk: Talk, status: number, more: readonly string[] = [], body?: string): void {
    const { invite, serverKey } = talk
    if (invite === null || serverKey === null || talk.state !== 'ringing') return
    const withSdp = status === 183 || (status >= 200 && status < 300)
    const said = body ?? (withSdp ? this.sdp(talk, invite.body) : '')
    this.#respond(serverKey, invite, { status, more, body: said })
    if (status >= 300) this.#over(talk)
    else if (status >= 200) this.#established(talk)
  }

  /** A second answer to the same INVITE, by somebody else behind a proxy. */
  fork(talk: Talk, status: 180 | 183 | 200): void {
    const { invite, serverKey } = talk
    if (invite === null || serverKey === null) return
    const said = { status, tag: `f${this.#next()}`, body: status === 180 ? '' : this.sdp(talk) }
    this.#send(answerText(this, invite, said))
  }

  hangUp(talk: Talk): void {
    if (talk.state === 'calling' || (talk.state === 'ringing' && talk.outgoing)) this.cancel(talk)
    else if (talk.state === 'ringing') this.answer(talk, 486)
    if (talk.state !== 'up') return
    talk.state = 'ending'
    this.ask(talk, 'BYE', { final: () => this.#over(talk) })
  }

  /** A request in the dialog of the call. */
  ask(talk: Talk, method: string, { body, more, final }: Asked = {}): void {
    talk.cseq += 1
    const { cseq } = talk
    const branch = this.#branch()
    const said = { method, branch, cseq, ...(body && { body }), ...(more && { more }) }
    this.#transactions.start(branch, method, requestText(this, talk, said), {
      final: (response) => {
        if (method === 'INVITE' && response.status < 300) this.#acknowledge(talk, response)
        if (response.status === 481 || response.status === 408) this.hangUp(talk)
        final?.(response)
      },
      silent: () => this.#over(talk),
    })
  }

  /** re-INVITE or UPDATE. @param body null: no offer */
  modify(talk: Talk, method: 'INVITE' | 'UPDATE', body: string | null, more: string[] = []): void {
    if (talk.state !== 'up' || talk.busy) return
    talk.busy = true
    talk.isLate = body === null
    talk.sdpVersion += 1
    this.ask(talk, method, {
      more,
      body: body ?? '',
      final: () => {
        talk.busy = false
      },
    })
  }

  /** A request outside of calls, with the password when it is asked for. */
  outside(method: string, to: string, asked: Asked & { callId?: string } = {}): Talk {
    const talk = this.#newTalk(asked.callId ?? `o${this.#next()}-${this.number}`, to, true)
    this.talks.delete(talk.callId)
    talk.state = 'over'
    const uri = method === 'REGISTER' ? `sip:${service}` : talk.target
    talk.target = uri
    this.#askOutside(talk, method, { asked, uri, shown: null })
    return talk
  }

  #askOutside(
    talk: Talk,
    method: string,
    { asked, uri, shown }: { asked: Asked; uri: string; shown: string | null },
  ): void {
    const { more = [], body = '', final } = asked
    this.ask(talk, method, {
      body,
      more: [...more, ...(shown === null ? [] : [shown])],
      final: (response) => {
        const isAsked = response.status === 401 && (shown === null || isStale(response))
        if (!isAsked) final?.(response)
        else {
          const next = this.#credentials(response, method, uri)
          this.#askOutside(talk, method, { asked, uri, shown: next })
        }
      },
    })
  }

  #invite(talk: Talk, said: Pick<Request, 'more' | 'body'>, shown: string | null = null): void {
    talk.cseq += 1
    talk.inviteBranch = this.#branch()
    talk.inviteSeq = talk.cseq
    const { cseq, inviteBranch: branch } = talk
    const more = [...(said.more ?? []), ...(shown === null ? [] : [shown])]
    const text = requestText(this, talk, { ...said, method: 'INVITE', branch, cseq, more })
    this.#transactions.start(branch, 'INVITE', text, {
      provisional: (response) => this.#progress(talk, response),
      final: (response) => {
        const isAsked = response.status === 401 && (shown === null || isStale(response))
        if (!isAsked) this.#inviteAnswered(talk, response)
        else this.#invite(talk, said, this.#credentials(response, 'INVITE', talk.target))
      },
      silent: () => this.#over(talk),
    })
  }

  #credentials(challenge: SipResponse, method: string, uri: string): string {
    return authorizationLine(challenge, { number: this.number, realm, password }, { method, uri })
  }

  #progress(talk: Talk, response: SipResponse): void {
    if (talk.state === 'calling') talk.state = 'ringing'
    if (talk.remoteTag === '') talk.remoteTag = response.to.parameters.get('tag') ?? ''
    talk.target = targetOf(response, talk.target)
    const reliable = header(response, 'RSeq')
    if (reliable !== undefined) {
      this.ask(talk, 'PRACK', { more: [`RAck: ${reliable} ${response.cseq.number} INVITE`] })
    }
    if (talk.remoteTag !== '') this.#parts.owner.waits(this, talk)
  }

  #inviteAnswered(talk: Talk, response: SipResponse): void {
    if (response.status >= 300) {
      this.#over(talk)
      return
    }
    talk.remoteTag = response.to.parameters.get('tag') ?? ''
    talk.target = targetOf(response, talk.target)
    this.#acknowledge(talk, response)
    if (talk.state === 'over') return
    talk.refreshS = refreshOf(response)
    talk.isFocus =
      response.contact !== '*' && response.contact.some((one) => one.parameters.has('isfocus'))
    this.#established(talk)
  }

  #established(talk: Talk): void {
    talk.state = 'up'
    this.#parts.owner.up(this, talk)
  }

  #acknowledge(talk: Talk, response: SipResponse): void {
    const cseq = response.cseq.number
    const body = talk.isLate ? this.sdp(talk, response.body) : ''
    talk.isLate = false
    const said = { method: 'ACK', branch: this.#branch(), cseq, body }
    const text = requestText(this, talk, said)
    talk.acks.set(cseq, text)
    this.#send(text)
  }

  #repeated(response: SipResponse): void {
    const ack = this.talks.get(response.callId)?.acks.get(response.cseq.number)
    if (ack !== undefined) this.#send(ack)
  }

  #request(request: SipRequest, key: string): void {
    const talk = this.talks.get(request.callId)
    const isInDialog = request.to.parameters.has('tag')
    if (request.method === 'INVITE' && !isInDialog) {
      this.#ring(request, key)
      return
    }
    if (request.method === 'CANCEL') {
      this.#respond(key, request, { status: 200 })
      if (talk?.state === 'ringing' && !talk.outgoing) this.answer(talk, 487)
      return
    }
    if (talk === undefined) {
      const isKnown = request.method === 'NOTIFY' || !isInDialog
      this.#respond(key, request, { status: isKnown ? 200 : 481 })
      return
    }
    this.#inDialog(talk, request, key)
  }

  #inDialog(talk: Talk, request: SipRequest, key: string): void {
    const { method, body } = request
    if (method === 'INVITE' && talk.busy) {
      this.#respond(key, request, { status: 491 })
      return
    }
    const isOffer = method === 'INVITE' || (method === 'UPDATE' && body !== '')
    this.#respond(key, request, { status: 200, body: isOffer ? this.sdp(talk, body) : '' })
    if (method === 'INVITE') {
      talk.invite = request
      talk.serverKey = key
      talk.target = targetOf(request, talk.target)
    }
    if (method !== 'BYE') return
    if (talk.serverKey !== null) this.#transactions.confirm(talk.serverKey)
    this.#over(talk)
  }

  #ring(request: SipRequest, key: string): void {
    const talk = this.#newTalk(request.callId, request.from.uri.user ?? '', false)
    talk.remoteTag = request.from.parameters.get('tag') ?? ''
    talk.target = targetOf(request, talk.target)
    talk.state = 'ringing'
    talk.invite = request
    talk.serverKey = key
    this.#parts.owner.rings(this, talk)
  }

  #ack(request: SipRequest): void {
    const talk = this.talks.get(request.callId)
    if (talk?.serverKey && request.cseq.number === talk.invite?.cseq.number) {
      this.#transactions.confirm(talk.serverKey)
    }
  }

  #unacknowledged(key: string): void {
    for (const talk of this.talks.values()) if (talk.serverKey === key) this.hangUp(talk)
  }

  #respond(
    key: string,
    request: SipRequest,
    said: { status: number; body?: string; more?: readonly string[] },
  ): void {
    const tag = this.talks.get(request.callId)?.localTag ?? `x${this.number}`
    this.#transactions.answer(key, answerText(this, request, { ...said, tag }), said.status)
  }

  #over(talk: Talk): void {
    talk.state = 'over'
    // Messages that are repeated still find it for a while.
    this.#parts.timeline.after(40_000, () => {
      if (this.talks.get(talk.callId) === talk) this.talks.delete(talk.callId)
    })
  }

  #newTalk(callId: string, remoteUser: string, outgoing: boolean): Talk {
    const localTag = `t${this.number}-${this.#next()}`
    const target = `sip:${remoteUser}@${service}`
    const talk = newTalk({ callId, localTag, remoteUser, target, outgoing })
    this.talks.set(callId, talk)
    return talk
  }

  #send(text: string): void {
    if (!this.isAway) this.#parts.send(text, this)
  }

  #branch(): string {
    return `z9hG4bK${this.number}-${this.#next()}`
  }

  #next(): number {
    this.#count += 1
    return this.#count
  }
}

/** Seconds after which this side has to refresh; 0: the other one does, or nobody. */
function refreshOf(response: SipResponse): number {
  const value = header(response, 'Session-Expires') ?? ''
  return /refresher=uac/.test(value) ? Number.parseInt(value, 10) : 0
}
