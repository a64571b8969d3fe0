//! Frames of the bus: four bytes of length (big endian, of what follows), one byte of version, JSON.
import { limits } from '../limits.ts'
import { type BusMessage, busMessageSchema, busVersion } from './messages.ts'

const headerBytes = 5
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeBusFrame(message: BusMessage): Uint8Array {
  const body = encoder.encode(JSON.stringify(message))
  const frame = new Uint8Array(headerBytes + body.length)
  new DataView(frame.buffer).setUint32(0, body.length + 1)
  frame[4] = busVersion
  frame.set(body, headerBytes)
  return frame
}

type BusFrameError = 'too-long' | 'version' | 'not-json' | 'not-a-message'

/** Collects bytes of one stream and gives whole messages. After an error the stream is lost and its
 * connection must be closed: a frame boundary cannot be found again. */
export class BusFrameReader {
  #held: Uint8Array = new Uint8Array(0)

  /** @returns the messages completed by `bytes`, or the error that ends the stream. */
  push(bytes: Uint8Array): BusMessage[] | BusFrameError {
    const all = new Uint8Array(this.#held.length + bytes.length)
    all.set(this.#held)
    all.set(bytes, this.#held.length)
    const messages: BusMessage[] = []
    let at = 0
    while (all.length - at >= headerBytes) {
      const length = new DataView(all.buffer, at).getUint32(0)
      if (length < 1 || length > limits.busFrameBytesMax) return 'too-long'
      if (all.length - at < 4 + length) break
      if (all[at + 4] !== busVersion) return 'version'
      const message = parseBody(all.subarray(at + headerBytes, at + 4 + length))
      if (typeof message === 'string') return message
      messages.push(message)
      at += 4 + length
    }
    this.#held = all.slice(at)
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
