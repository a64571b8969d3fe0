//! Mutated SIP messages at the price of a copy: the places of a good message are found once, and a mutated one is
//! put together from it in one buffer. What is decided follows from the seed and the number of the message.
import { pieces } from './mutations.ts'

/** Longest message that is made: more than a datagram that the switch reads. */
const bytesMax = 80_000
/** Of a line that grows; now and then one is longer than any limit. */
const growthMax = 3_000
const growthFarMax = 70_000

interface Span {
  readonly from: number
  readonly to: number
}

/** A good message, and its places. */
interface Template {
  readonly bytes: Buffer
  /** Lines of the head with their line ends, without the start line. */
  readonly headers: readonly Span[]
  /** Lines of the body with their line ends. */
  readonly lines: readonly Span[]
  /** Runs of letters and digits. */
  readonly tokens: readonly Span[]
  /** Runs of digits. */
  readonly numbers: readonly Span[]
  readonly bodyFrom: number
}

/** Replaces a span. */
interface Edit extends Span {
  readonly by: Buffer
}

const nothing = Buffer.alloc(0)
const injected = pieces.map((piece) => Buffer.from(piece, 'latin1'))
const extremes = [
  ...['0', '-1', '1', '65535', '65536', '2147483647', '2147483648', '4294967295', '4294967296'],
  ...['99999999999999999999', '00000000000000000000001', '1e9', '0x10', '', '255', '256', '699'],
].map((text) => Buffer.from(text))

export class ByteMutator {
  readonly #templates: readonly Template[]
  readonly #out = Buffer.alloc(bytesMax)
  #state = 0

  /** @param texts good messages, latin1. */
  constructor(texts: readonly string[]) {
    this.#templates = texts.map(templateOf)
  }

  /** Each header and each line of a body of each message removed, doubled, emptied, without its colon and blank: all of them.
   * The buffer of one is that of the next. */
  *everyLine(): Generator<Buffer> {
    for (const template of this.#templates) {
      for (const span of [...template.headers, ...template.lines]) {
        for (let way = 0; way < lineWays; way++) {
          for (const fit of [true, false])
            yield this.#made(template, [lineEdit(template, span, way)], fit)
        }
      }
    }
  }

  /** Message `number` of a seed; its bytes are good until the next one. */
  make(seed: number, number: number): Buffer {
    this.#state =
      Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b) ^ Math.floor(number / 2 ** 32)
    const template = this.#pick(this.#templates)
    const edits = [this.#edit(template)]
    if (this.#below(10) < 3) edits.push(this.#edit(template))
    if (this.#below(10) < 1) edits.push(this.#edit(template))
    edits.sort((a, b) => a.from - b.from)
    return this.#made(template, edits, this.#below(4) > 0)
  }

  #edit(template: Template): Edit {
    const { bytes, headers, lines, tokens, numbers } = template
    switch (this.#below(12)) {
      case 0:
      case 1:
        return lineEdit(template, this.#pick(headers), this.#below(lineWays))
      case 2:
        return lineEdit(
          template,
          this.#pick(lines.length > 0 ? lines : headers),
          this.#below(lineWays),
        )
      case 3:
        return this.#moved(template)
      case 4:
      case 5: {
        const { from, to } = this.#pick(tokens)
        const at = from + this.#below(to - from + 1)
        return { from: at, to: at, by: this.#pick(injected) }
      }
      case 6:
        return { ...this.#pick(tokens), by: this.#pick(injected) }
      case 7: {
        const other = this.#pick(tokens)
        return { ...this.#pick(tokens), by: bytes.subarray(other.from, other.to) }
      }
      case 8:
        return { ...this.#pick(numbers), by: this.#pick(extremes) }
      case 9:
        return this.#grown(template)
      default:
        return this.#byte(bytes)
    }
  }

  /** One line is put where another one is, which stays. */
  #moved({ bytes, headers, lines }: Template): Edit {
    const line = this.#pick(this.#below(2) === 0 || lines.length === 0 ? headers : lines)
    const { from } = this.#pick(headers)
    return { from, to: from, by: bytes.subarray(line.from, line.to) }
  }

  /** A token many times, or many bytes of one kind. */
  #grown({ bytes, tokens }: Template): Edit {
    const { from, to } = this.#pick(tokens)
    const most = this.#below(500) === 0 ? growthFarMax : growthMax
    const length = this.#below(1 + this.#below(most))
    const kind = this.#below(6)
    const fill = kind < 4 ? Buffer.from([' ', '"', ',a', ';a=\\"'][kind] ?? '') : nothing
    const by = fill.length > 0 ? fill : bytes.subarray(from, Math.min(to + 1, bytes.length))
    return { from: to, to, by: Buffer.alloc(length, by) }
  }

  #byte(bytes: Buffer): Edit {
    const from = this.#below(bytes.length)
    const old = bytes[from] ?? 0
    switch (this.#below(6)) {
      case 0:
        return { from, to: from, by: Buffer.of(this.#below(256)) }
      case 1:
        return { from, to: from + 1, by: nothing }
      case 2:
        return { from, to: from + 1, by: Buffer.of(this.#below(256)) }
      case 3:
        return { from, to: Math.min(bytes.length, from + 1 + this.#below(64)), by: nothing }
      case 4:
        return this.#below(8) > 0 ? { from, to: from, by: Buffer.of(old) } : cutAt(bytes, from)
      default:
        return { from, to: from + 1, by: Buffer.of(old ^ (1 << this.#below(8))) }
    }
  }

  /** @param fit its Content-Length is made right, so that the body is looked at. */
  #made({ bytes, bodyFrom }: Template, edits: readonly Edit[], fit: boolean): Buffer {
    const out = this.#out
    let at = 0
    let read = 0
    let bodyAt = bodyFrom
    for (const { from, to, by } of edits) {
      // Two edits of one place: what the first left counts.
      if (from < read || at + (from - read) + by.length + bytes.length - from > bytesMax) continue
      at += bytes.copy(out, at, read, from)
      at += by.copy(out, at)
      read = to
      if (to <= bodyFrom) bodyAt += by.length - (to - from)
    }
    at += bytes.copy(out, at, read)
    if (fit && bodyAt <= at) writeLength(out, bodyAt, at - bodyAt)
    return out.subarray(0, at)
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T
  }

  /** mulberry32. @returns 0 .. most - 1 */
  #below(most: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * most)
  }
}

/** Content-Length is the last header, in this many digits. */
const lengthDigits = 6
const lengthName = 'Content-Length: '

/** @param bodyAt where the body begins in `out`. */
function writeLength(out: Buffer, bodyAt: number, length: number): void {
  const from = bodyAt - 4 - lengthDigits
  if (out.toString('latin1', Math.max(0, from - 2), from) !== ': ') return
  out.write(String(length).padStart(lengthDigits, '0'), from, 'latin1')
}

const lineWays = 6

function lineEdit({ bytes }: Template, { from, to }: Span, way: number): Edit {
  const colon = bytes.subarray(from, to).findIndex((code) => code === 0x3a || code === 0x3d)
  const valueFrom = from + (colon < 0 ? to - from - 2 : colon + 1)
  switch (way) {
    case 0:
      return { from, to, by: nothing }
    case 1:
      return { from, to: from, by: bytes.subarray(from, to) }
    case 2:
      return { from: valueFrom, to: to - 2, by: nothing }
    case 3:
      return { from: Math.max(from, valueFrom - 1), to: to - 2, by: nothing }
    case 4:
      return { from, to: to - 2, by: nothing }
    default:
      return { from: valueFrom, to: valueFrom, by: Buffer.from('\r\n ') }
  }
}

function cutAt(bytes: Buffer, from: number): Edit {
  return { from, to: bytes.length, by: nothing }
}

function templateOf(text: string): Template {
  const blank = text.indexOf('\r\n\r\n')
  const kept = text
    .slice(0, blank)
    .split('\r\n')
    .filter((line) => !line.startsWith(lengthName))
  const body = text.slice(blank + 4)
  const length = String(body.length).padStart(lengthDigits, '0')
  const head = `${[...kept, `${lengthName}${length}`].join('\r\n')}\r\n\r\n`
  const bytes = Buffer.from(head + body, 'latin1')
  const [, ...headers] = linesOf(head.slice(0, -2), 0)
  return {
    bytes,
    headers,
    lines: linesOf(body, head.length),
    tokens: spansOf(bytes, /[A-Za-z0-9._+-]+/g),
    numbers: spansOf(bytes, /[0-9]+/g),
    bodyFrom: head.length,
  }
}

function linesOf(text: string, offset: number): Span[] {
  const spans: Span[] = []
  for (const { 0: line, index } of text.matchAll(/[^\r\n]*\r\n/g)) {
    spans.push({ from: offset + index, to: offset + index + line.length })
  }
  return spans
}

function spansOf(bytes: Buffer, what: RegExp): Span[] {
  const found = bytes.toString('latin1').matchAll(what)
  return [...found].map(({ 0: text, index }) => ({ from: index, to: index + text.length }))
}
