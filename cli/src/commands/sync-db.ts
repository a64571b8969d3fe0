//! `vccs sync-db`: differences first, then the repair.
import { Flags } from '@oclif/core'
import { orderFlags, VccsCommand } from '../base-command.ts'
import { drawDifferences, drawRepair } from '../screens/sync.ts'

export class SyncDb extends VccsCommand {
  static override summary = 'Compare the databases of the pair, and repair the standby.'
  static override description = 'With --dry-run: exit code 8 when there are differences.'
  static override examples = [
    '<%= config.bin %> sync-db --dry-run',
    '<%= config.bin %> sync-db --yes',
  ]
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Show the differences only.' }),
    yes: Flags.boolean({ description: 'Do not ask.' }),
    ...orderFlags,
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(SyncDb)
    if (flags['dry-run']) {
      const found = await this.ask(flags, 'sync-db', { dryRun: true })
      this.print(flags, found, (screen) => drawDifferences(screen, found))
      return found.differences === 0 ? 0 : 8
    }
    if (!flags.yes && this.io.interactive && !flags.json) {
      const found = await this.ask(flags, 'sync-db', { dryRun: true })
      this.io.out(`${drawDifferences(this.screen(flags), found).join('\n')}\n`)
      if (found.differences === 0) return 0
      await this.confirm(flags, `Write the rows of ${found.from} to ${found.to}?`)
    } else {
      await this.confirm(flags, 'Repair?')
    }
    const result = await this.order(flags, 'sync-db', { dryRun: false })
    this.print(flags, result, (screen) => [
      ...(flags.yes ? drawDifferences(screen, result) : []),
      ...drawRepair(screen, result),
    ])
    return (result.repair?.failed ?? 0) === 0 ? 0 : 1
  }
}
