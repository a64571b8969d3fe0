//! Frames of the bus: four bytes of length (big endian, of what follows), one byte of version, JSON.
import { limits } from '../limits.ts'
import { type BusMessage, busMessageSchema, busVersion } from './messages.ts'

const headerBytes = 5
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeBusFrame(message: BusMessage): Uint8Array {
  const body = JSON.stringify(message)
  const length = Buffer.byteLength(body)
  const frame = Buffer.allocUnsafe(headerBytes + length)
  frame.writeUInt32BE(length + 1)
  frame[4] = busVersion
  frame.write(body, headerBytes)
  return frame
}

/** One behind the other. */
export function encodeBusFrames(messages: readonly BusMessage[]): Uint8Array {
  return Buffer.concat(messages.map(encodeBusFrame))
}

type BusFrameError = 'too-long' | 'version' | 'not-json' | 'not-a-message'

/** Collects bytes of one stream and gives whole messages. After an error the stream is lost and its
 * connection must be closed: a frame boundary cannot be found again. */
export class BusFrameReader {
  #held: Uint8Array = new Uint8Array(0)

  /** @returns the messages completed by `bytes`, or the error that ends the stream. */
  push(bytes: Uint8Array): BusMessage[] | BusFrameError {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    const messages: BusMessage[] = []
    let at = 0
    while (all.length - at >= headerBytes) {
      const length = new DataView(all.buffer, all.byteOffset + at).getUint32(0)
      if (length < 1 || length > limits.busFrameBytesMax) return 'too-long'
      if (all.length - at < 4 + length) break
      if (all[at + 4] !== busVersion) return 'version'
      const message = parseBody(all.subarray(at + headerBytes, at + 4 + length))
      if (typeof message === 'string') return message
      messages.push(message)
      at += 4 + length
    }
    // A copy: the place of `bytes` is the reader's of the socket.
    this.#held = new Uint8Array(all.subarray(at))
    return messages
  }
}

function parseBody(body: Uint8Array): BusMessage | BusFrameError {
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(body))
  } catch {
    return 'not-json'
  }
  const parsed = busMessageSchema.safeParse(value)
  return parsed.success ? parsed.data : 'not-a-message'
}
