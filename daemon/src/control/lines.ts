//! Cuts the bytes of one control connection into lines. Pure; bounded by what the caller allows.

const lineFeed = 0x0a
const decoder = new TextDecoder('utf-8', { fatal: true })

/** One line without its line feed; null: it is not UTF-8. */
export type Line = string | null

export class LineReader {
  readonly #bytesMax: number
  #chunks: Uint8Array[] = []
  #heldBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes of the line that is not complete yet. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** @returns the lines completed by `bytes`, or `too-long`; then the stream is lost. */
  push(bytes: Uint8Array): Line[] | 'too-long' {
    const lines: Line[] = []
    let at = 0
    for (;;) {
      const end = bytes.indexOf(lineFeed, at)
      const part = bytes.subarray(at, end === -1 ? bytes.length : end)
      if (this.#heldBytes + part.length > this.#bytesMax) return 'too-long'
      if (end === -1) {
        if (part.length > 0) this.#hold(part)
        return lines
      }
      lines.push(this.#take(part))
      at = end + 1
    }
  }

  #hold(part: Uint8Array): void {
    // A copy: the chunk of the socket may be a view of a much larger pool.
    this.#chunks.push(part.slice())
    this.#heldBytes += part.length
    // A client that sends byte by byte must not cost an object for each byte.
    if (this.#chunks.length > 256) this.#chunks = [join(this.#chunks, this.#heldBytes)]
  }

  #take(last: Uint8Array): Line {
    const whole = join([...this.#chunks, last], this.#heldBytes + last.length)
    this.#chunks = []
    this.#heldBytes = 0
    try {
      return decoder.decode(whole)
    } catch {
      return null
    }
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
