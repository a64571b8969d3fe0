//! `vccs why`.
import { Flags } from '@oclif/core'
import { VccsCommand } from '../base-command.ts'
import { drawWhy } from '../screens/reasons.ts'

export class Why extends VccsCommand {
  static override summary = 'Why this node has its role: the decisions, newest first.'
  static override examples = [
    '<%= config.bin %> why',
    '<%= config.bin %> why --if "net-b down"',
    '<%= config.bin %> why --if "net-a and net-b down"',
    '<%= config.bin %> why --if "paused, peer dead"',
  ]
  static override flags = {
    if: Flags.string({
      description: 'Ask what would follow, e.g. "net-b down", "only private up", "media dead".',
      helpValue: 'QUESTION',
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Why)
    const result = await this.ask(flags, 'why', flags.if === undefined ? {} : { if: flags.if })
    this.print(flags, result, (screen) => drawWhy(screen, result))
    return 0
  }
}
