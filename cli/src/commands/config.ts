//! `vccs config get | set | validate | apply | export | diff`: the site configuration of the pair.
import { Flags } from '@oclif/core'
import type { ConfigChange, PeerCopy } from '../../../daemon/src/control/api.ts'
import { type GlobalValues, VccsCommand, word } from '../base-command.ts'
import { CliFailure } from '../failure.ts'
import { drawChanges } from '../screens/lists.ts'
import { readText } from '../text-file.ts'

const fileArg = word('File, or - for standard input.')
const pathArg = word('Dotted path, e.g. accounts.1001.name.')
const dryRunFlag = Flags.boolean({ description: 'Show the change only.' })

interface ChangeResult {
  readonly dryRun: boolean
  readonly applied: boolean
  readonly revision: number
  readonly peer: PeerCopy | null
  readonly changes: readonly ConfigChange[]
  readonly changesTotal: number
}

const places: Readonly<Record<PeerCopy, string>> = {
  stored: ' on both nodes',
  'under-way': ' on one node, the other one does not have it yet; see: vccs sync status',
  absent: ' on one node, as the other one is not there; it gets it when it comes',
}

abstract class ConfigCommand extends VccsCommand {
  protected printChange(flags: GlobalValues, result: ChangeResult): void {
    const { dryRun, applied, revision, peer } = result
    const end = applied
      ? `applied as r${revision}${peer === null ? '' : places[peer]}`
      : `nothing was changed (r${revision}${dryRun ? ', dry run' : ''})`
    this.print(flags, result, (screen) => [...drawChanges(screen, result), end])
  }
}

export class ConfigGet extends ConfigCommand {
  static override summary = 'Print one value of the configuration.'
  static override examples = ['<%= config.bin %> config get accounts.1001']
  static override args = { path: pathArg }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConfigGet)
    const result = await this.ask(flags, 'config.get', { path: args.path })
    const { value } = result
    const simple = typeof value !== 'object' || value === null
    const text = simple ? String(value) : (await import('yaml')).stringify(value).trimEnd()
    this.print(flags, result, () => [text])
    return 0
  }
}

export class ConfigSet extends ConfigCommand {
  static override summary = 'Change one value on both nodes.'
  static override examples = [
    '<%= config.bin %> config set accounts.1001.name "Tower 1"',
    '<%= config.bin %> config set accounts.1001.twin false --dry-run',
  ]
  static override args = {
    path: pathArg,
    value: word('The value, as in the YAML file.'),
  }
  static override flags = { 'dry-run': dryRunFlag }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConfigSet)
    const { path } = args
    const value = await parseValue(args.value)
    const result = await this.ask(flags, 'config.set', { path, value, dryRun: flags['dry-run'] })
    this.printChange(flags, result)
    return 0
  }
}

async function parseValue(text: string): Promise<ConfigChange['after']> {
  const { parseYamlValue } = await import('../yaml-value.ts')
  const value = parseYamlValue(text)
  // The value is not repeated: it may be a password.
  if (value === undefined) throw new CliFailure('usage', 'VALUE is not YAML; quote it')
  return value
}

export class ConfigValidate extends ConfigCommand {
  static override summary = 'Check a site file without applying it.'
  static override description = 'Exit code 7 when the file is not valid.'
  static override examples = ['<%= config.bin %> config validate site.yaml']
  static override args = { file: fileArg }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConfigValidate)
    const text = await readText(args.file)
    const result = await this.ask(flags, 'config.validate', { text })
    this.print(flags, result, (screen) => {
      if (result.valid) return [screen.paint(screen.mark('good', `${args.file} is valid`))]
      return result.problems.flatMap(({ line, column, path, text: problem }) => {
        const place = line === null ? path : `${line}:${column ?? 1}`
        return screen.text(`${args.file}:${place}: ${problem}`, 2)
      })
    })
    return result.valid ? 0 : 7
  }
}

export class ConfigApply extends ConfigCommand {
  static override summary = 'Make a site file the configuration of both nodes.'
  static override examples = [
    '<%= config.bin %> config apply site.yaml --dry-run',
    '<%= config.bin %> config apply site.yaml',
  ]
  static override args = { file: fileArg }
  static override flags = { 'dry-run': dryRunFlag }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConfigApply)
    const text = await readText(args.file)
    const result = await this.ask(flags, 'config.apply', { text, dryRun: flags['dry-run'] })
    this.printChange(flags, result)
    return 0
  }
}

export class ConfigExport extends ConfigCommand {
  static override summary = 'Print the configuration as one site file.'
  static override examples = ['<%= config.bin %> config export > site.yaml']

  async run(): Promise<number> {
    const { flags } = await this.parse(ConfigExport)
    const result = await this.ask(flags, 'config.export', {})
    this.print(flags, result, () => [result.text.trimEnd()])
    return 0
  }
}

export class ConfigDiff extends ConfigCommand {
  static override summary = 'Compare a site file with the configuration.'
  static override description = 'Exit code 8 when there are differences.'
  static override examples = ['<%= config.bin %> config diff site.yaml']
  static override args = { file: fileArg }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ConfigDiff)
    const text = await readText(args.file)
    const result = await this.ask(flags, 'config.diff', { text })
    this.print(flags, result, (screen) => drawChanges(screen, result))
    return result.changesTotal === 0 ? 0 : 8
  }
}
