//! `vccs cdr`: call records, listed, shown one by one, and exported whole.

import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import type { ParamsOf, ResultOf } from '../../../daemon/src/control/api.ts'
import type { RecordItem } from '../../../daemon/src/control/call-schema.ts'
import { recordsEnd, recordsHead } from '../../../daemon/src/wire/record-xml.ts'
import { type GlobalValues, VccsCommand, word } from '../base-command.ts'
import { csvLine } from '../csv.ts'
import { CliFailure } from '../failure.ts'
import { momentOf } from '../moments.ts'
import { recordXml } from '../record-xml.ts'
import { csvHead, csvValues, drawRecord, drawRecords } from '../screens/cdr.ts'

/** Records in one question. */
const pageMax = 200

const filterFlags = {
  since: Flags.string({
    description: 'Calls that ended since then: 2h (ago), a date, or a time (UTC).',
    helpValue: 'MOMENT',
  }),
  until: Flags.string({ description: 'Calls that ended before then.', helpValue: 'MOMENT' }),
  party: Flags.string({ description: 'A number that took part.', helpValue: 'NUMBER' }),
  kind: Flags.string({
    description:
      'Type, call type, priority, a service that was used, or a trunk, e.g. urgent, hold.',
    helpValue: 'WORD',
  }),
  cause: Flags.string({
    description: 'A SIP status, or a part of the Reason, e.g. 486, cause=1001.',
    helpValue: 'CAUSE',
  }),
  answered: Flags.boolean({ description: 'Answered calls only, or the others.', allowNo: true }),
}

interface Filters extends GlobalValues {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly party?: string | undefined
  readonly kind?: string | undefined
  readonly cause?: string | undefined
  readonly answered?: boolean | undefined
}

abstract class CdrCommand extends VccsCommand {
  /** The records that pass, page by page, at most `limit`. */
  protected async *pages(
    flags: Filters,
    order: { readonly oldestFirst: boolean; readonly limit: number },
  ): AsyncGenerator<ResultOf<'cdr'>> {
    const params = this.#params(flags)
    let left = order.limit
    for (let after: ParamsOf<'cdr'>['after']; left > 0; ) {
      const limit = Math.min(left, pageMax)
      const { oldestFirst } = order
      const answer = await this.ask(flags, 'cdr', { ...params, oldestFirst, limit, after })
      yield answer
      left -= answer.records.length
      if (answer.next === null || answer.records.length === 0) return
      after = answer.next
    }
  }

  #params(flags: Filters): ParamsOf<'cdr'> {
    const { since, until, party, kind, cause, answered } = flags
    const nowMs = this.io.nowMs()
    return {
      ...(since === undefined ? {} : { since: momentOf('since', since, nowMs) }),
      ...(until === undefined ? {} : { until: momentOf('until', until, nowMs) }),
      ...(party === undefined ? {} : { party }),
      ...(kind === undefined ? {} : { kind }),
      ...(cause === undefined ? {} : { cause }),
      ...(answered === undefined ? {} : { answered }),
    }
  }
}

export class Cdr extends CdrCommand {
  static override summary = 'Call records, the newest first: who, when, how long, how it ended.'
  static override examples = [
    '<%= config.bin %> cdr',
    '<%= config.bin %> cdr --since 2h --party 1001 --no-answered',
    '<%= config.bin %> cdr --kind urgent --cause cause=1001 --json',
  ]
  static override flags = {
    ...filterFlags,
    limit: Flags.integer({
      char: 'n',
      description: 'How many, the newest first.',
      default: 20,
      min: 1,
      max: 10_000,
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Cdr)
    const records: RecordItem[] = []
    let last: ResultOf<'cdr'> | null = null
    for await (const page of this.pages(flags, { oldestFirst: false, limit: flags.limit })) {
      records.push(...page.records)
      last = page
    }
    if (last === null) throw new CliFailure('internal', 'no answer')
    const result = { ...last, records }
    this.print(flags, result, (screen) => drawRecords(screen, result))
    return 0
  }
}

export class CdrShow extends VccsCommand {
  static override summary =
    'One call record: its parties, services, end, and the voice of each leg.'
  static override examples = [
    '<%= config.bin %> cdr show 7f3a12ab',
    '<%= config.bin %> cdr show 7f3a12ab --json',
  ]
  static override args = { id: word('Session, or the beginning of it, as in `vccs cdr`.') }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(CdrShow)
    const result = await this.ask(flags, 'cdr.show', { sessionId: args.id })
    this.print(flags, result, (screen) => drawRecord(screen, result.record))
    return 0
  }
}

type Format = 'csv' | 'json' | 'xml'

/** What stands before and behind the records. */
const frames: Readonly<Record<Format, { readonly begin: string; readonly end: string }>> = {
  csv: { begin: csvLine(csvHead), end: '' },
  json: { begin: '{"schema":"vccs/cdr.export/1","records":[', end: ']}\n' },
  xml: { begin: recordsHead, end: recordsEnd },
}

export class CdrExport extends CdrCommand {
  static override summary =
    'All call records that pass the filters, the oldest first, as CSV, JSON or XML.'
  static override description =
    'However many there are, a page is held in memory. A file is there when it is whole. In CSV, text that a ' +
    'spreadsheet would take for a formula has an apostrophe before it.'
  static override examples = [
    '<%= config.bin %> cdr export --since 2026-03-01 --output march.csv',
    '<%= config.bin %> cdr export --format json --party 1001 > calls.json',
    '<%= config.bin %> cdr export --format xml --output calls.xml',
  ]
  static override flags = {
    ...filterFlags,
    format: Flags.option({
      description: 'CSV (RFC 4180), one JSON object, or one XML document.',
      options: ['csv', 'json', 'xml'] as const,
      default: 'csv' as Format,
    })(),
    output: Flags.string({
      char: 'o',
      description: 'File to write; standard output when not given.',
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(CdrExport)
    const { output } = flags
    // With --json standard output holds JSON, whatever is exported.
    const format = output === undefined && flags.json ? 'json' : flags.format
    if (output === undefined) {
      await this.#write(flags, format, async (text) => {
        this.io.out(text)
        await this.io.drained()
      })
      return 0
    }
    const count = await this.#toFile(flags, format, output)
    const result = { schema: 'vccs/cdr.export/1', file: output, format, records: count }
    this.print(flags, result, () => [`${count} call records in ${output}`])
    return 0
  }

  async #toFile(flags: Filters, format: Format, path: string): Promise<number> {
    const part = `${path}.part`
    let file: FileHandle | null = null
    try {
      const opened = await open(part, 'w', 0o600)
      file = opened
      const count = await this.#write(flags, format, (text) => opened.writeFile(text))
      await opened.sync()
      await opened.close()
      await rename(part, path)
      return count
    } catch (error) {
      await file?.close().catch(() => undefined)
      await rm(part, { force: true })
      if (error instanceof CliFailure) throw error
      const detail = `${path} cannot be written: ${(error as Error).message}`
      throw new CliFailure('operation-failed', detail, 'Give another --output, or free the disk.')
    }
  }

  /** @returns how many records. */
  async #write(
    flags: Filters,
    format: Format,
    put: (text: string) => Promise<void>,
  ): Promise<number> {
    let count = 0
    const order = { oldestFirst: true, limit: Number.MAX_SAFE_INTEGER }
    for await (const { records } of this.pages(flags, order)) {
      if (count === 0) await put(frames[format].begin)
      const lines = records.map((record, index) => {
        if (format === 'csv') return csvLine(csvValues(record))
        if (format === 'xml') return recordXml(record)
        return `${count + index === 0 ? '' : ','}${JSON.stringify(record)}`
      })
      await put(lines.join(''))
      count += records.length
    }
    await put(frames[format].end)
    return count
  }
}
