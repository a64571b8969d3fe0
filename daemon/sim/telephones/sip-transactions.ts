//! The transactions of a simulated telephone: RFC 3261 17 on UDP, written apart from those of the switch.
import type { SipMessage, SipRequest, SipResponse } from '../../src/wire/sip/message.ts'
import { parseSip } from '../../src/wire/sip/parse.ts'
import type { Planned, Timeline } from '../world/timeline.ts'

const t1Ms = 500
const t2Ms = 4_000
const giveUpMs = 64 * t1Ms
/** A finished transaction is remembered for repeated messages. */
const rememberedMs = 40_000
/** An INVITE whose final answer never comes, as its caller has vanished, is forgotten: longer than anybody
 * rings, or waits in a queue. */
const proceedingMsMax = 600_000

interface ClientHandlers {
  provisional?(response: SipResponse): void
  final(response: SipResponse): void
  /** No answer at all for 64 T1. */
  silent(): void
}

interface Client {
  readonly text: string
  readonly method: string
  readonly handlers: ClientHandlers
  answered: boolean
  /** ACK of a refusal, said again to each repetition. */
  ack: string | null
  timer: Planned | null
}

interface Server {
  /** The last answer, said again to each repetition of the request. */
  answer: string | null
  /** A final answer to an INVITE is repeated until its ACK. */
  repeat: Planned | null
  readonly method: string
}

interface TransactionUser {
  send(text: string): void
  request(request: SipRequest, key: string): void
  /** An ACK that belongs to no refusal. */
  ack(request: SipRequest): void
  /** A 2xx to an INVITE, repeated: its ACK was lost. */
  repeated(response: SipResponse): void
  /** Nobody acknowledged the final answer of an INVITE. */
  unacknowledged(key: string): void
}

export class SipTransactions {
  readonly #timeline: Timeline
  readonly #user: TransactionUser
  readonly #clients = new Map<string, Client>()
  readonly #servers = new Map<string, Server>()
  /** Messages that nobody could read. */
  malformed = 0

  constructor(timeline: Timeline, user: TransactionUser) {
    this.#timeline = timeline
    this.#user = user
  }

  /** What it has asked and remembers. */
  get held(): number {
    return this.#clients.size
  }

  receive(bytes: Uint8Array): void {
    const message = parseSip(bytes)
    if (message.kind === 'malformed') this.malformed++
    else if (message.kind === 'response') this.#response(message)
    else this.#request(message)
  }

  /** Sends a request and repeats it until it is answered. */
  start(branch: string, method: string, text: string, handlers: ClientHandlers): void {
    const client: Client = { text, method, handlers, answered: false, ack: null, timer: null }
    const key = `${branch} ${method}`
    this.#clients.set(key, client)
    this.#user.send(text)
    const untilMs = this.#timeline.nowMs + giveUpMs
    const repeat = (intervalMs: number) => {
      client.timer = this.#timeline.after(intervalMs, () => {
        if (this.#timeline.nowMs >= untilMs) {
          this.#clients.delete(key)
          handlers.silent()
          return
        }
        this.#user.send(text)
        const next = method === 'INVITE' ? 2 * intervalMs : Math.min(2 * intervalMs, t2Ms)
        repeat(Math.min(next, untilMs - this.#timeline.nowMs))
      })
    }
    repeat(t1Ms)
  }

  /** Answers a request. @param key as `request` was given it. */
  answer(key: string, text: string, status: number): void {
    const server = this.#servers.get(key)
    if (server === undefined) return
    server.answer = text
    this.#user.send(text)
    if (server.method !== 'INVITE' || status < 200) return
    const untilMs = this.#timeline.nowMs + giveUpMs
    const repeat = (intervalMs: number) => {
      server.repeat = this.#timeline.after(intervalMs, () => {
        if (this.#timeline.nowMs >= untilMs) {
          this.#user.unacknowledged(key)
          return
        }
        this.#user.send(text)
        repeat(Math.min(2 * intervalMs, t2Ms))
      })
    }
    repeat(t1Ms)
  }

  /** The ACK of the final answer came. */
  confirm(key: string): void {
    const server = this.#servers.get(key)
    if (server?.repeat) this.#timeline.cancel(server.repeat)
  }

  #request(request: SipRequest): void {
    const branch = branchOf(request)
    if (request.method === 'ACK') {
      const server = this.#servers.get(`${branch} INVITE`)
      if (server === undefined) this.#user.ack(request)
      else this.confirm(`${branch} INVITE`)
      return
    }
    const key = `${branch} ${request.method}`
    const known = this.#servers.get(key)
    if (known !== undefined) {
      if (known.answer !== null) this.#user.send(known.answer)
      return
    }
    this.#servers.set(key, { answer: null, repeat: null, method: request.method })
    this.#timeline.after(rememberedMs + giveUpMs, () => this.#servers.delete(key))
    this.#user.request(request, key)
  }

  #response(response: SipResponse): void {
    const key = `${branchOf(response)} ${response.cseq.method}`
    const client = this.#clients.get(key)
    if (client === undefined) return
    if (response.status < 200) {
      if (client.answered) return
      // RFC 3261 17.1.2.2: other requests are repeated on, at T2; those of an INVITE end.
      if (client.method === 'INVITE') {
        if (client.timer) this.#timeline.cancel(client.timer)
        client.timer = this.#timeline.after(proceedingMsMax, () => this.#clients.delete(key))
      }
      client.handlers.provisional?.(response)
      return
    }
    if (client.answered) {
      if (client.ack !== null) {
        // A 2xx of another primary after a refusal is for nobody: it is not acknowledged.
        if (response.status >= 300) this.#user.send(client.ack)
      } else if (client.method === 'INVITE' && response.status < 300) this.#user.repeated(response)
      return
    }
    client.answered = true
    if (client.timer) this.#timeline.cancel(client.timer)
    this.#timeline.after(rememberedMs, () => this.#clients.delete(key))
    if (client.method === 'INVITE' && response.status >= 300) {
      client.ack = ackOfRefusal(client.text, response)
      this.#user.send(client.ack)
    }
    client.handlers.final(response)
  }
}

function branchOf(message: SipMessage): string {
  return message.via[0]?.parameters.get('branch') ?? ''
}

/** RFC 3261 17.1.1.3: the request line and headers of the INVITE, To of the answer, no body. */
function ackOfRefusal(invite: string, response: SipResponse): string {
  const [head = ''] = invite.split('\r\n\r\n')
  const tag = response.to.parameters.get('tag')
  const lines = head.split('\r\n').filter((line) => !/^(Content|Authorization|Contact)/.test(line))
  return `${lines
    .map((line) => {
      if (line.startsWith('INVITE ')) return line.replace('INVITE', 'ACK')
      if (line.startsWith('CSeq:')) return line.replace('INVITE', 'ACK')
      if (line.startsWith('To:') && !line.includes(';tag=') && tag) return `${line};tag=${tag}`
      return line
    })
    .join('\r\n')}\r\nContent-Length: 0\r\n\r\n`
}
