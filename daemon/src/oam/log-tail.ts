//! The last lines of the log in memory, and those who follow them. Times are given.
import { type LogLine, logLevels } from '../control/api.ts'
import { limits } from '../limits.ts'

type LogLevel = (typeof logLevels)[number]

interface LogEntry {
  readonly level: LogLevel
  /** Unit or process that wrote it. */
  readonly unit: string
  readonly text: string
  readonly fields: Readonly<Record<string, unknown>>
}

interface LogQuery {
  /** At most this many, the newest. */
  readonly lines: number
  /** This level and the more severe ones. */
  readonly level: LogLevel
  /** Only lines with a higher sequence number. */
  readonly after?: number | undefined
}

type Listener = (line: LogLine) => void

const textMax = 2_000
const fieldsMax = 32

export class LogTail {
  readonly #keep: number
  /** A ring: line n is at n modulo its length. */
  readonly #ring: LogLine[] = []
  readonly #followers = new Map<Listener, LogLevel>()
  #count = 0

  constructor(keep: number = limits.logLinesKept) {
    this.#keep = keep
  }

  push(entry: LogEntry, atMs: number): LogLine {
    this.#count += 1
    const line: LogLine = {
      sequence: this.#count,
      at: new Date(atMs).toISOString(),
      level: entry.level,
      unit: entry.unit,
      text: entry.text.slice(0, textMax),
      fields: plainFields(entry.fields),
    }
    this.#ring[this.#count % this.#keep] = line
    for (const [listener, level] of this.#followers) if (isWanted(line, level)) listener(line)
    return line
  }

  /** The newest lines that fit the query, oldest first. */
  last({ lines, level, after = 0 }: LogQuery): LogLine[] {
    const found: LogLine[] = []
    const oldest = Math.max(after, this.#count - this.#keep)
    for (let at = this.#count; at > oldest && found.length < lines; at -= 1) {
      const line = this.#ring[at % this.#keep]
      if (line !== undefined && isWanted(line, level)) found.push(line)
    }
    return found.reverse()
  }

  /** @returns the function that ends it. The listener must not throw and must not log. */
  follow(level: LogLevel, listener: Listener): () => void {
    this.#followers.set(listener, level)
    return () => this.#followers.delete(listener)
  }
}

function isWanted(line: LogLine, level: LogLevel): boolean {
  return logLevels.indexOf(line.level) >= logLevels.indexOf(level)
}

/** Copies, so that a later change of an object does not change history; nested values as text. */
function plainFields(fields: Readonly<Record<string, unknown>>): LogLine['fields'] {
  const plain: LogLine['fields'] = {}
  for (const [key, value] of Object.entries(fields).slice(0, fieldsMax)) {
    if (value === undefined) continue
    plain[key] = plainValue(value)
  }
  return plain
}

function plainValue(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'string') return value.slice(0, textMax)
  if (value instanceof Error) return value.message.slice(0, textMax)
  if (typeof value !== 'object') return String(value)
  try {
    return (JSON.stringify(value) ?? '').slice(0, textMax)
  } catch {
    return '(not shown: it refers to itself)'
  }
}
