//! The registration of a simulated telephone: with its password, again before it expires, and again after a
//! while when it fails.
import type { SipResponse } from '../../src/wire/sip/message.ts'
import type { Random } from '../world/random.ts'
import type { Planned, Timeline } from '../world/timeline.ts'
import { authorizationLine, isStale, sipText, viaLine } from './sip-texts.ts'
import type { SipTransactions } from './sip-transactions.ts'

interface RegistrationParts {
  readonly number: string
  readonly address: string
  readonly service: string
  readonly realm: string
  readonly password: string
  readonly timeline: Timeline
  readonly random: Random
  readonly transactions: SipTransactions
  newBranch(): string
}

const expirySeconds = 3_600
const retryMs = 5_000

export class Registration {
  readonly #parts: RegistrationParts
  #cseq = 0
  #timer: Planned | null = null

  constructor(parts: RegistrationParts) {
    this.#parts = parts
  }

  now(): void {
    if (this.#timer !== null) this.#parts.timeline.cancel(this.#timer)
    this.#cseq++
    this.#send(null)
  }

  #send(authorization: string | null): void {
    const { number, address, service, transactions, newBranch } = this.#parts
    const branch = newBranch()
    const name = `<sip:${number}@${service}>`
    const lines = [
      `REGISTER sip:${service} SIP/2.0`,
      viaLine(address, branch),
      'Max-Forwards: 70',
      `From: ${name};tag=r${number}`,
      `To: ${name}`,
      `Call-ID: register-${number}`,
      `CSeq: ${this.#cseq} REGISTER`,
      `Contact: <sip:${number}@${address}:5060>`,
      `Expires: ${expirySeconds}`,
      ...(authorization === null ? [] : [authorization]),
    ]
    transactions.start(branch, 'REGISTER', sipText(lines, ''), {
      final: (response) => this.#answered(response, authorization !== null),
      silent: () => this.#later(retryMs),
    })
  }

  #answered(response: SipResponse, authorized: boolean): void {
    if (response.status === 401 && (!authorized || isStale(response))) {
      this.#cseq++
      const uri = `sip:${this.#parts.service}`
      this.#send(authorizationLine(response, this.#parts, { method: 'REGISTER', uri }))
    } else this.#later(response.status < 300 ? expirySeconds * 500 : retryMs)
  }

  #later(inMs: number): void {
    const { timeline, random } = this.#parts
    if (this.#timer !== null) timeline.cancel(this.#timer)
    this.#timer = timeline.after(inMs * random.between(1, 1.2), () => this.now())
  }
}
