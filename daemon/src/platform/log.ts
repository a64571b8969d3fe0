//! The structured log: one JSON object a line, to the standard output (which the journal of systemd
//! collects) or to a file. Written in the background, so that a slow disk does not stop a unit;
//! `flush` writes what is held before a process ends or crashes.
import { openSync } from 'node:fs'
import { destination, type Logger, pino, stdTimeFunctions } from 'pino'
import { limits } from '../limits.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Values beside the text. Never a secret, never a whole message of a terminal above `debug`. */
export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  debug(text: string, fields?: LogFields): void
  info(text: string, fields?: LogFields): void
  warn(text: string, fields?: LogFields): void
  error(text: string, fields?: LogFields): void
  /** The same log with fields that every line of it carries. */
  child(fields: LogFields): Log
  /** Writes everything held, synchronously. Call it last, also when crashing. */
  flush(): void
}

interface LogOptions {
  readonly level: LogLevel
  /** Null: standard output. */
  readonly file: string | null
  /** Name of the node. */
  readonly node: string
  readonly unit: 'supervisor' | 'switch' | 'media' | 'pair'
}

/** Lines of one turn of the loop are written together after it, at the latest when there are so many: a
 * line that is given out in the background at once would be out of reach of `flush`. */
const chunkBytes = 8_192
/** Each write is work for another thread, and a change of threads: lines of information that follow each other
 * faster are written together. */
const pauseMs = 50

/** @throws when the file cannot be opened. */
export function openLog(options: LogOptions): Log {
  const fd = options.file === null ? 1 : openSync(options.file, 'a', 0o640)
  const held = { minLength: chunkBytes, maxLength: limits.logBytesHeldMax }
  const out = destination({ fd, sync: false, ...held })
  // A log that nobody reads any more (closed pipe, full disk) must not end a voice switch.
  out.on('error', () => undefined)
  const logger = pino(
    {
      level: options.level,
      base: { node: options.node, unit: options.unit, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'text',
    },
    out,
  )
  const writer = new Writer(() => {
    // It throws when nothing can be written any more; the lines are then held.
    try {
      out.flush()
    } catch {}
  })
  return wrap(logger, {
    writeSoon: (isUrgent) => writer.writeSoon(isUrgent),
    flush: () => {
      try {
        out.flushSync()
      } catch {
        // Nothing is left that could be told where.
      }
    },
  })
}

/** The same log; `listener` hears every line of `info` and above, too. It must not log. */
export function withListener(
  log: Log,
  listener: (level: LogLevel, text: string, fields: LogFields) => void,
): Log {
  const write =
    (level: 'info' | 'warn' | 'error') =>
    (text: string, fields: LogFields = {}) => {
      log[level](text, fields)
      listener(level, text, fields)
    }
  return { ...log, info: write('info'), warn: write('warn'), error: write('error') }
}

/** Writes after the present turn of the loop, and what comes then after a pause. */
class Writer {
  readonly #write: () => void
  #isDue = false
  #hasMore = false
  #pause: NodeJS.Timeout | null = null

  constructor(write: () => void) {
    this.#write = write
  }

  writeSoon(isUrgent: boolean): void {
    if (this.#isDue) return
    if (this.#pause !== null && !isUrgent) {
      this.#hasMore = true
      return
    }
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#hasMore = false
      this.#write()
      this.#pause ??= setTimeout(() => this.#afterPause(), pauseMs)
    })
  }

  #afterPause(): void {
    this.#pause = null
    if (this.#hasMore) this.writeSoon(false)
  }
}

interface Output {
  /** @param isUrgent without a pause */
  writeSoon(isUrgent: boolean): void
  flush(): void
}

function wrap(logger: Logger, output: Output): Log {
  const write =
    (level: LogLevel) =>
    (text: string, fields: LogFields = {}) => {
      if (!logger.isLevelEnabled(level)) return
      logger[level](fields, text)
      output.writeSoon(level === 'warn' || level === 'error')
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(logger.child({ ...fields }), output),
    flush: output.flush,
  }
}

/** A broken invariant or an unexpected exception ends the process, so that the peer takes over; the
 * reason is written first. */
export function dieLoudly(log: Log): void {
  const die = (reason: unknown) => {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    log.error('fatal', { error: error.message, stack: error.stack })
    log.flush()
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
}
