//! `vccs sync status`, `verify` and `failures`.
import { Flags } from '@oclif/core'
import { VccsCommand } from '../base-command.ts'
import { drawFailures, drawSyncStatus, drawVerify } from '../screens/sync.ts'

export class SyncStatus extends VccsCommand {
  static override summary = 'How tables and rows are replicated, and what was repaired.'
  static override examples = [
    '<%= config.bin %> sync status',
    '<%= config.bin %> sync status --node peer',
  ]

  async run(): Promise<number> {
    const { flags } = await this.parse(SyncStatus)
    const result = await this.ask(flags, 'sync.status', {})
    this.print(flags, result, (screen) => drawSyncStatus(screen, result))
    return 0
  }
}

export class SyncVerify extends VccsCommand {
  static override summary = 'Compare tables and rows of both nodes now.'
  static override description = 'Exit code 8 when they differ.'
  static override examples = ['<%= config.bin %> sync verify']

  async run(): Promise<number> {
    const { flags } = await this.parse(SyncVerify)
    const result = await this.ask(flags, 'sync.verify', {})
    this.print(flags, result, (screen) => drawVerify(screen, result))
    return result.equal ? 0 : 8
  }
}

export class SyncFailures extends VccsCommand {
  static override summary = 'The failure log: changes of the peer that could not be made here.'
  static override examples = [
    '<%= config.bin %> sync failures',
    '<%= config.bin %> sync failures -n 200 --node peer',
  ]
  static override flags = {
    lines: Flags.integer({
      char: 'n',
      description: 'How many.',
      default: 50,
      min: 1,
      max: 1_000,
      helpValue: 'COUNT',
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(SyncFailures)
    const result = await this.ask(flags, 'sync.failures', { lines: flags.lines })
    this.print(flags, result, (screen) => drawFailures(screen, result))
    return 0
  }
}
