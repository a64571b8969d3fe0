//! The last SIP messages in one piece of memory that V8's garbage collector does not look at. As objects, each of
//! them lived for some seconds and was garbage then: the most expensive age there is for that collector.
import type { Endpoint } from '../wire/sip/message.ts'

export interface RingMessage {
  readonly atMs: number
  readonly direction: 'in' | 'out'
  readonly peer: Endpoint
  readonly text: string
}

interface RingLimits {
  readonly messages: number
  readonly bytes: number
}

/** One byte says how long it is. */
const addressLengthMax = 255

/** Messages have numbers from 0 on. The oldest ones go when there is no room for the next one. */
export class MessageRing {
  readonly #limits: RingLimits
  /** Address of the peer and message, one message behind the other. */
  readonly #bytes: Buffer
  /** Of message n, at n modulo their length. */
  readonly #atMs: Float64Array
  readonly #begin: Uint32Array
  readonly #addressLength: Uint8Array
  readonly #length: Uint32Array
  readonly #port: Uint16Array
  readonly #isOut: Uint8Array
  #end = 0
  /** The first one that is kept. */
  #oldest = 0
  /** Behind the last one that was written. */
  #free = 0

  constructor(limits: RingLimits) {
    this.#limits = limits
    // Not the pool of small buffers; what was never written to takes no memory of the machine.
    this.#bytes = Buffer.allocUnsafeSlow(limits.bytes)
    this.#atMs = new Float64Array(limits.messages)
    this.#begin = new Uint32Array(limits.messages)
    this.#addressLength = new Uint8Array(limits.messages)
    this.#length = new Uint32Array(limits.messages)
    this.#port = new Uint16Array(limits.messages)
    this.#isOut = new Uint8Array(limits.messages)
  }

  /** Number of the first one that is kept. */
  get oldest(): number {
    return this.#oldest
  }

  /** Number of the next one. */
  get end(): number {
    return this.#end
  }

  /** Copies it. One that is larger than the ring, or comes from no address of a network, is not kept. */
  add(direction: 'in' | 'out', bytes: Uint8Array, peer: Endpoint, atMs: number): void {
    const { address, port } = peer
    const length = address.length + bytes.length
    if (length > this.#limits.bytes || address.length > addressLengthMax) return
    const begin = this.#makeRoom(length)
    const index = this.#end % this.#limits.messages
    this.#bytes.write(address, begin, 'latin1')
    this.#bytes.set(bytes, begin + address.length)
    this.#atMs[index] = atMs
    this.#begin[index] = begin
    this.#addressLength[index] = address.length
    this.#length[index] = length
    this.#port[index] = port
    this.#isOut[index] = direction === 'out' ? 1 : 0
    this.#free = begin + length
    this.#end += 1
  }

  /** Message `number`; null when it is not kept. */
  at(number: number): RingMessage | null {
    if (number < this.#oldest || number >= this.#end) return null
    const index = number % this.#limits.messages
    const begin = this.#begin[index] ?? 0
    const text = begin + (this.#addressLength[index] ?? 0)
    return {
      atMs: this.#atMs[index] ?? 0,
      direction: this.#isOut[index] === 1 ? 'out' : 'in',
      peer: {
        address: this.#bytes.toString('latin1', begin, text),
        port: this.#port[index] ?? 0,
      },
      text: this.#bytes.toString('utf8', text, begin + (this.#length[index] ?? 0)),
    }
  }

  /** @returns where `length` bytes may be written; what stood there is forgotten. */
  #makeRoom(length: number): number {
    if (this.#end - this.#oldest >= this.#limits.messages) this.#oldest += 1
    let begin = this.#free
    if (begin + length > this.#limits.bytes) {
      // Behind the last one is no room for it: those that stand there are the oldest ones.
      while (this.#oldest < this.#end && this.#beginOfOldest() >= begin) this.#oldest += 1
      begin = 0
    }
    for (; this.#oldest < this.#end; this.#oldest += 1) {
      const oldest = this.#beginOfOldest()
      if (oldest < begin || oldest >= begin + length) break
    }
    return begin
  }

  #beginOfOldest(): number {
    return this.#begin[this.#oldest % this.#limits.messages] ?? 0
  }
}
