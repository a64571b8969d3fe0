//! Runs a transcript: commands, `----`, what the layer did. See `daemon/test/data/transaction/`.
//!
//!   recv METHOD [branch] [to-tag]     a request from the telephone
//!   answer cN STATUS                  the far side answers our request cN
//!   respond sN STATUS                 the user answers request sN
//!   request METHOD [to-tag]           the user sends a request
//!   cancel cN | acked sN | clear | size | counters
//!   restore-server METHOD branch [STATUS] | restore-client METHOD [proceeding [to-tag]]
//!   run MS                            virtual time passes
import { TransactionLayer } from '../../src/switching/transaction/layer.ts'
import type { LayerOutput, TransactionEvent } from '../../src/switching/transaction/layer-types.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import { answer, parsed, phone, request, service } from './transaction-messages.ts'

export class Transcript {
  readonly #layer: TransactionLayer
  /** Requests that the layer has shown or sent, under their short names. */
  readonly #requests = new Map<string, { id: string; request: SipRequest }>()
  #nowMs = 0
  #branches = 0
  #lines: string[] = []

  constructor(transactionsMax: number, clientTransactionsMax = 100) {
    const newBranch = (): string => {
      this.#branches += 1
      return String(this.#branches)
    }
    this.#layer = new TransactionLayer({
      sentBy: service,
      newBranch,
      transactionsMax,
      clientTransactionsMax,
    })
  }

  /** Carries out the lines of one block and gives back what happened. */
  run(block: string): string {
    this.#lines = []
    for (const line of block.split('\n')) {
      if (line !== '' && !line.startsWith('#')) this.#command(line.split(' '))
    }
    return this.#lines.join('\n')
  }

  #command([verb, name = '', ...rest]: string[]): void {
    const layer = this.#layer
    const now = this.#nowMs
    switch (verb) {
      case 'recv': {
        const [branch = 'a', toTag] = rest
        const message = this.#phoneRequest(name, branch, toTag)
        this.#show(layer.receive(message, phone, now))
        break
      }
      case 'answer': {
        const [status, tag] = rest
        const message = answer(this.#known(name).request, Number(status), tag)
        this.#show(layer.receive(message, phone, now))
        break
      }
      case 'respond': {
        const { id, request } = this.#known(name)
        this.#show(layer.respond(id, answer(request, Number(rest[0]), 'own'), now))
        break
      }
      case 'request': {
        const sent = layer.request(request(name, rest[0] ? { toTag: rest[0] } : {}), phone, now)
        this.#name('c', sent.id, sent.request)
        this.#show(sent.output)
        break
      }
      case 'cancel':
        this.#show(layer.cancel(this.#known(name).id, now))
        break
      case 'acked':
        layer.acknowledged(this.#known(name).id)
        break
      case 'clear':
        layer.clear()
        break
      case 'size':
        this.#say(`size ${layer.size}`)
        break
      case 'counters':
        this.#say(JSON.stringify(layer.counters))
        break
      case 'run':
        this.#pass(Number(name))
        break
      default:
        this.#restore(verb ?? '', name, rest)
        break
    }
  }

  #restore(verb: string, method: string, rest: string[]): void {
    if (verb === 'restore-server') {
      const [branch = 'a', status] = rest
      const message = this.#phoneRequest(method, branch)
      const last = status === undefined ? null : answer(message, Number(status), 'own')
      const id = this.#layer.restoreServer(message, phone, last, this.#nowMs)
      this.#name('s', id, message)
      return
    }
    if (verb !== 'restore-client') throw new Error(`no command ${verb}`)
    this.#branches += 1
    const branch = `z9hG4bK-vccs-${this.#branches}`
    const [phase, toTag] = rest
    const via = `SIP/2.0/UDP 192.0.2.1:5060;branch=${branch}`
    const sent = request(method, toTag === undefined ? { via } : { via, toTag })
    const proceeding = phase === 'proceeding'
    this.#name('c', this.#layer.restoreClient(sent, phone, proceeding, this.#nowMs), sent)
  }

  #phoneRequest(method: string, branch: string, toTag?: string): SipRequest {
    const legacy = branch.startsWith('old')
    const parts = { branch: legacy ? branch : `z9hG4bK-${branch}`, callId: branch }
    return request(method, toTag === undefined ? parts : { ...parts, toTag })
  }

  #pass(ms: number): void {
    const end = this.#nowMs + ms
    for (let next = this.#layer.nextTimerMs(); next !== null; next = this.#layer.nextTimerMs()) {
      if (next > end) break
      this.#nowMs = next
      this.#show(this.#layer.advance(next))
    }
    this.#nowMs = end
  }

  #show({ send, events }: LayerOutput): void {
    for (const { text } of send) {
      const message = parsed(text)
      const { method } = message.cseq
      const what = message.kind === 'request' ? method : `${message.status} ${method}`
      this.#say(`send ${what} ${message.via[0]?.parameters.get('branch')}`)
    }
    for (const event of events) this.#say(this.#eventText(event))
  }

  #eventText(event: TransactionEvent): string {
    switch (event.kind) {
      case 'request':
        return `request ${event.request.method} ${this.#name('s', event.id, event.request)}`
      case 'ack':
        return `ack ${event.request.callId}`
      case 'stray-response':
        return `stray ${event.response.status} ${event.response.cseq.method}`
      case 'response':
        return `response ${event.response.status} ${this.#short(event.id)}`
      default:
        return `${event.kind} ${this.#short(event.id)}`
    }
  }

  #name(letter: string, id: string, message: SipRequest): string {
    const count = [...this.#requests.keys()].filter((name) => name.startsWith(letter)).length
    const name = `${letter}${count + 1}`
    this.#requests.set(name, { id, request: message })
    return name
  }

  #short(id: string): string {
    const found = [...this.#requests].find(([, entry]) => entry.id === id)
    return found?.[0] ?? id
  }

  #known(name: string): { id: string; request: SipRequest } {
    const found = this.#requests.get(name)
    if (found === undefined) throw new Error(`no transaction ${name}`)
    return found
  }

  #say(text: string): void {
    this.#lines.push(`${this.#nowMs} ${text}`)
  }
}
