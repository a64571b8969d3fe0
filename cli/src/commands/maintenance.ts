//! `vccs pause`, `resume`, `reinit` and `drill`.
import { Flags } from '@oclif/core'
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import type { Operation } from '../../../daemon/src/control/operation-schema.ts'
import { reasonsAgainst } from '../../../daemon/src/oam/drill.ts'
import { type OrderValues, orderFlags, VccsCommand } from '../base-command.ts'
import { CliFailure, instead } from '../failure.ts'
import {
  drawDrillPlan,
  drawDrillReport,
  drawPaused,
  drawProgress,
  drawReinit,
} from '../screens/maintenance.ts'

const yesFlag = { yes: Flags.boolean({ description: 'Do not ask.' }) }

abstract class PauseCommand extends VccsCommand {
  protected async execute(flags: OrderValues, verb: 'pause' | 'resume'): Promise<number> {
    const result = await this.order(flags, verb, {})
    this.print(flags, result, (screen) => drawPaused(screen, result))
    return 0
  }
}

export class Pause extends PauseCommand {
  static override summary = 'Maintenance: no role changes by itself until `vccs resume`.'
  static override description =
    'Holds on both nodes and over restarts. While paused, nobody takes over when the primary dies: ' +
    'only `vccs switchover` and `vccs failover` move the role.'
  static override examples = [
    '<%= config.bin %> pause --yes --reason "firmware of the LAN switches"',
  ]
  static override flags = { ...yesFlag, ...orderFlags }

  async run(): Promise<number> {
    const { flags } = await this.parse(Pause)
    await this.confirm(flags, 'Pause the pair? Nobody takes over while it is paused.')
    return this.execute(flags, 'pause')
  }
}

export class Resume extends PauseCommand {
  static override summary = 'End of maintenance: the pair decides by itself again.'
  static override examples = ['<%= config.bin %> resume']
  static override flags = { ...orderFlags }

  async run(): Promise<number> {
    const { flags } = await this.parse(Resume)
    return this.execute(flags, 'resume')
  }
}

export class Reinit extends VccsCommand {
  static override summary = 'Empty the tables of the standby and fill them again from the primary.'
  static override description =
    'For a standby whose records are not trusted. Until it is full again there is no redundancy. ' +
    'Refused on a primary (exit code 3).'
  static override examples = [
    '<%= config.bin %> reinit --dry-run',
    '<%= config.bin %> reinit --yes --node peer --reason "records differ"',
  ]
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Show what would be emptied; nothing is changed.' }),
    ...yesFlag,
    ...orderFlags,
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Reinit)
    if (flags['dry-run']) {
      const plan = await this.#plan(flags)
      this.print(flags, plan, (screen) => drawReinit(screen, plan))
      return 0
    }
    if (!flags.yes && this.io.interactive && !flags.json) {
      const { node, records } = await this.#plan(flags)
      const question = `Empty the ${records} records of ${node}? There is no redundancy meanwhile.`
      await this.confirm(flags, question)
    } else {
      await this.confirm(flags, 'Empty the standby?')
    }
    const begun = await this.order(flags, 'reinit', { dryRun: false })
    const operation = await this.outcome(flags, begun.op ?? '', (one) => this.#progress(flags, one))
    this.print(
      flags,
      { schema: 'vccs/op/1', node: begun.node, operations: [operation] },
      (screen) => drawProgress(screen, operation),
    )
    return operation.state === 'done' ? 0 : 1
  }

  #plan(flags: OrderValues): Promise<ResultOf<'reinit'>> {
    return this.ask(flags, 'reinit', { dryRun: true })
  }

  #progress(flags: OrderValues, operation: Operation): void {
    if (flags.json) return
    for (const line of drawProgress(this.screen(flags), operation)) this.io.err(`${line}\n`)
  }
}

const notYet = 'Remove the reasons given; `vccs drill --dry-run` shows each check.'

export class Drill extends VccsCommand {
  static override summary = 'Move the role away and back, measure it, and write a report.'
  static override description =
    'Refused when anything is not well (exit code 3). The report is kept on the node that was asked, ' +
    'in stateDirectory/drills; `vccs op ID --json` holds it too.'
  static override examples = [
    '<%= config.bin %> drill --dry-run',
    '<%= config.bin %> drill --yes --reason "monthly drill"',
  ]
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Checks only; nothing is changed.' }),
    ...yesFlag,
    ...orderFlags,
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Drill)
    if (flags['dry-run']) {
      const plan = await this.ask(flags, 'drill', { dryRun: true })
      this.print(flags, plan, (screen) => drawDrillPlan(screen, plan))
      return plan.safe ? 0 : 3
    }
    if (!flags.yes && this.io.interactive && !flags.json) {
      const plan = await this.ask(flags, 'drill', { dryRun: true })
      this.io.err(`${drawDrillPlan(this.screen(flags), plan).join('\n')}\n`)
      const reasons = reasonsAgainst(plan.checks)
      if (!plan.safe) throw new CliFailure('refused-unsafe', reasons.join('; '), notYet)
      await this.confirm(flags, 'Move the primary role away and back now?')
    } else {
      await this.confirm(flags, 'Move the role away and back?')
    }
    const ordered = this.order(flags, 'drill', { dryRun: false })
    const { op } = await ordered.catch(instead(notYet))
    return this.#report(flags, op ?? '')
  }

  async #report(flags: OrderValues, id: string): Promise<number> {
    let told = ''
    const { report, detail } = await this.outcome(flags, id, ({ progress }) => {
      if (flags.json || progress === null || progress.what === told) return
      told = progress.what
      this.io.err(`${progress.done} of ${progress.of} ${progress.what}\n`)
    })
    if (report === null) throw new CliFailure('operation-failed', detail)
    this.print(flags, report, (screen) => drawDrillReport(screen, report))
    return report.outcome === 'passed' ? 0 : report.outcome === 'refused' ? 3 : 1
  }
}
