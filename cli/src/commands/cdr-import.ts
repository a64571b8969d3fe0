//! `vccs cdr import`: call records of an XML document into the records of the pair.
import { Flags } from '@oclif/core'
import { readRecords, recordsDocument } from '../../../daemon/src/wire/record-xml.ts'
import { orderFlags, VccsCommand, word } from '../base-command.ts'
import { CliFailure } from '../failure.ts'
import { readText } from '../text-file.ts'

/** Records in one question. */
const partMax = 100
const bounds = { bytesMax: 268_435_456, elementsMax: 10_000_000 }

export class CdrImport extends VccsCommand {
  static override summary = 'Add the call records of an XML document that `cdr export` has written.'
  static override description =
    'The document is judged by its grammar (etc/vccs-records.xsd) first, and refused whole if it does not ' +
    'fit. A session that is known stays as it is. The other node gets what is new within a minute.'
  static override examples = [
    '<%= config.bin %> cdr import calls.xml --dry-run',
    '<%= config.bin %> cdr import calls.xml',
    '<%= config.bin %> cdr export --format xml | ssh vccs-c vccs cdr import -',
  ]
  static override args = { file: word('File, or - for standard input.') }
  static override flags = {
    'dry-run': Flags.boolean({
      description: 'Say how many are new, and change nothing.',
      default: false,
    }),
    operator: orderFlags.operator,
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(CdrImport)
    const { operator, 'dry-run': dryRun } = flags
    const records = readRecords(await readText(args.file), bounds)
    if (typeof records === 'string') {
      throw new CliFailure('records-invalid', `${args.file}: ${records}`)
    }
    let added = 0
    for (let from = 0; from < records.length; from += partMax) {
      const document = recordsDocument(records.slice(from, from + partMax))
      added += (await this.ask(flags, 'cdr.import', { document, dryRun, operator })).added
    }
    const result = { schema: 'vccs/cdr.import/1', dryRun, records: records.length, added }
    const known = records.length - added
    const done = dryRun ? 'would be added, nothing was changed' : 'added'
    this.print(flags, result, () => [
      `${added} of ${records.length} call records ${done}; ${known} are known`,
    ])
    return 0
  }
}
