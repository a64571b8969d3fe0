//! What a terminal dials in its telephone events (RFC 4733), each digit once: from the first packet of
//! its event that came, whatever becomes of the others.
import { limits } from '../limits.ts'

/** RFC 4733 3.2, and the flash. */
const digits = '0123456789*#ABCD!'
/** ITU-T Q.24: a digit has 40 ms at least, and so has the pause after it. What is nearer is the same event
 * of a terminal that moves its time stamp with each packet. */
const apartSamples = 320
/** RFC 4733 2.5.1.3: a longer event goes on as another one, so much later. */
const segmentSamples = 0xffff
const secondTicks = 1_000 / limits.tickMs

interface EventPacket {
  readonly ssrc: number
  readonly timestamp: number
  readonly event: number
  readonly ended: boolean
}

/** The newest event of a stream. */
interface Newest {
  ssrc: number
  timestamp: number
  event: number
  ended: boolean
}

export class DigitWatch {
  /** Of the stream that is heard, and of the one before: its last packets may come late. */
  #streams: Newest[] = []
  #second = 0
  #count = 0

  /** @param tick in which the packet was read. @returns a digit that has not been told yet, or null. */
  take(packet: EventPacket, tick: number): string | null {
    const digit = digits[packet.event]
    if (digit === undefined || !this.#isNew(packet)) return null
    const second = Math.floor(tick / secondTicks)
    if (second !== this.#second) this.#count = 0
    this.#second = second
    this.#count++
    return this.#count > limits.digitsPerSecondMax ? null : digit
  }

  #isNew(packet: EventPacket): boolean {
    const { ssrc, timestamp, event, ended } = packet
    const stream = this.#streams.find((one) => one.ssrc === ssrc)
    if (stream === undefined) {
      this.#streams = [...this.#streams.slice(-1), { ssrc, timestamp, event, ended }]
      return true
    }
    const step = (timestamp - stream.timestamp) | 0
    if (step === 0) stream.ended ||= ended
    if (step <= 0) return false
    const goesOn = event === stream.event && !stream.ended && step === segmentSamples
    Object.assign(stream, { timestamp, event, ended })
    return !goesOn && step >= apartSamples
  }
}
