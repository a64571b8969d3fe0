//! Every line of the switch unit goes to the structured log and to the tail that `vccs log` reads.
import type { BusMessageOf } from '../bus/messages.ts'
import { LogTail } from '../oam/log-tail.ts'
import { wallMs } from '../platform/clock.ts'
import type { Log, LogFields, LogLevel } from '../platform/log.ts'

export interface LogHub extends Log {
  readonly tail: LogTail
  /** A line that another unit of this node reports over the bus. */
  fromUnit(unit: 'pair' | 'media', line: BusMessageOf<'unit-log'>): void
}

export function makeLogHub(log: Log): LogHub {
  const tail = new LogTail()
  const write = (level: LogLevel) => (text: string, fields?: LogFields) => {
    log[level](text, fields)
    tail.push({ level, unit: 'switch', text, fields: fields ?? {} }, wallMs())
  }
  return {
    tail,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => log.child(fields),
    flush: () => log.flush(),
    fromUnit: (unit, { level, text, fields }) => {
      // The voice loop of media writes no file of its own.
      if (unit === 'media') log[level](text, { ...fields, of: 'media' })
      tail.push({ level, unit, text, fields }, wallMs())
    },
  }
}
