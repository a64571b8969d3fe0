//! Bencode as far as the control protocol of rtpengine needs it: text and dictionaries.

export function encodeBencode(value: string | Readonly<Record<string, string>>): string {
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`
  const entries = Object.entries(value).map(
    ([key, text]) => `${encodeBencode(key)}${encodeBencode(text)}`,
  )
  return `d${entries.join('')}e`
}

/** The texts of a dictionary; other values in it are skipped. Latin-1 text, where one character is one
 * byte. */
export function decodeBencode(text: string): Map<string, string> {
  const found = new Map<string, string>()
  const reader = new Reader(text)
  reader.expect('d')
  while (!reader.at('e')) {
    const key = reader.text()
    const value = reader.value()
    if (value !== null) found.set(key, value)
  }
  return found
}

class Reader {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  at(mark: string): boolean {
    return this.#text[this.#position] === mark
  }

  expect(mark: string): void {
    if (!this.at(mark)) throw new Error(`bencode: no "${mark}" at ${this.#position}`)
    this.#position += 1
  }

  text(): string {
    const colon = this.#text.indexOf(':', this.#position)
    const length = Number(this.#text.slice(this.#position, colon))
    if (colon < 0 || !Number.isInteger(length)) {
      throw new Error(`bencode: no text at ${this.#position}`)
    }
    this.#position = colon + 1 + length
    return this.#text.slice(colon + 1, this.#position)
  }

  /** Null for what is no text. */
  value(): string | null {
    if (this.at('i')) {
      this.#position = this.#text.indexOf('e', this.#position) + 1
      return null
    }
    if (!this.at('l') && !this.at('d')) return this.text()
    this.#position += 1
    while (!this.at('e')) this.value()
    this.#position += 1
    return null
  }
}
