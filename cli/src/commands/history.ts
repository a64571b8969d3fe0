//! `vccs history` and `vccs op`.
import { Args, Flags } from '@oclif/core'
import { VccsCommand } from '../base-command.ts'
import { CliFailure } from '../failure.ts'
import { drawHistory, drawOperation, drawOperations } from '../screens/reasons.ts'

export class History extends VccsCommand {
  static override summary = 'Changes of the role of this node, who ordered them, and their effect.'
  static override description = 'Each node remembers its own, also over restarts.'
  static override examples = [
    '<%= config.bin %> history',
    '<%= config.bin %> history -n 100 --json --node peer',
  ]
  static override flags = {
    lines: Flags.integer({
      char: 'n',
      description: 'How many, the newest first.',
      default: 20,
      min: 1,
      max: 500,
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(History)
    const result = await this.ask(flags, 'history', { lines: flags.lines })
    this.print(flags, result, (screen) => drawHistory(screen, result))
    return 0
  }
}

export class Op extends VccsCommand {
  static override summary = 'What came of an operation, by its number; or the last operations.'
  static override description =
    'Either node can be asked. Exit code: 0 done, 1 failed, 3 refused, 6 running or unknown.'
  static override examples = ['<%= config.bin %> op', '<%= config.bin %> op 3f2a1c --json']
  static override args = {
    id: Args.string({ description: 'Number that was printed as `op`.', ignoreStdin: true }),
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Op)
    if (args.id === undefined) {
      const result = await this.ask(flags, 'op', {})
      this.print(flags, result, (screen) => drawOperations(screen, result.operations))
      return 0
    }
    if (!/^[0-9a-f]{4,16}$/.test(args.id)) {
      throw new CliFailure('usage', `"${args.id}" is not the number of an operation, e.g. 3f2a1c`)
    }
    const result = await this.ask(flags, 'op', { id: args.id })
    const [operation] = result.operations
    if (operation === undefined) throw new CliFailure('operation-unknown', `No op ${args.id}`)
    this.print(flags, result, (screen) => drawOperation(screen, operation))
    return exitCodes[operation.state]
  }
}

const exitCodes = { done: 0, failed: 1, refused: 3, running: 6, unknown: 6 } as const
