//! `vccs switchover` (planned, refused when not safe) and `vccs failover` (forced).
import { Flags } from '@oclif/core'
import type { ResultOf } from '../../../daemon/src/control/api.ts'
import { type OrderValues, orderFlags, VccsCommand } from '../base-command.ts'
import { CliFailure, instead } from '../failure.ts'
import { drawPlan, drawSwitched } from '../screens/operations.ts'
import { drawStatus } from '../screens/status.ts'

interface Values extends OrderValues {
  readonly yes: boolean
}

const nobodyElse =
  'Bring the other node back first: `vccs status` and `vccs why` say what it lacks.'

abstract class RoleCommand extends VccsCommand {
  protected plan(flags: Values, force: boolean): Promise<ResultOf<'switchover'>> {
    const params = { dryRun: true, reason: flags.reason, force }
    return this.ask(flags, 'switchover', params)
  }

  protected async execute(flags: Values, force: boolean): Promise<number> {
    const ordered = this.order(flags, 'switchover', { dryRun: false, force })
    const result = await (force ? ordered.catch(instead(nobodyElse)) : ordered)
    this.print(flags, result, (screen) => drawSwitched(screen, result))
    if (!flags.json) await this.#printAfter(flags)
    return result.done ? 0 : 1
  }

  /** What is true afterwards; that it cannot be shown does not make the operation a failure. */
  async #printAfter(flags: Values): Promise<void> {
    try {
      const status = await this.#settled(flags)
      const lines = drawStatus(this.screen(flags), status)
      this.io.out(`\n${lines.join('\n')}\n`)
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error
      this.io.err(`The state afterwards is not known: ${error.info.message}. See: vccs status\n`)
    }
  }

  async #settled(flags: Values): Promise<ResultOf<'status'>> {
    // A peer that does not answer makes each look a slow one.
    const endMs = this.io.nowMs() + settleMsMax
    for (let look = 0, calm = 0; ; look += 1) {
      const status = await this.ask(flags, 'status', {})
      calm = status.degraded.length + status.disagreements.length === 0 ? calm + 1 : 0
      if (calm >= calmLooks || look * lookMs >= settleMsMax) return status
      if (this.io.nowMs() >= endMs) return status
      await this.io.sleep(lookMs)
    }
  }
}

/** Both nodes tell the new roles, and the new standby has caught up, a moment after the role has moved.
 * What is printed last is the pair as it stays, not that moment. */
const settleMsMax = 2_000
/** What heartbeats say may be older than the change; the next two are not. */
const calmLooks = 5
const lookMs = 50

export class Switchover extends RoleCommand {
  static override summary = 'Hand the primary role to the standby, without loss.'
  static override description =
    'Planned: everything is replicated first, and it is refused (exit code 3) when calls would be lost.'
  static override examples = [
    '<%= config.bin %> switchover --dry-run',
    '<%= config.bin %> switchover --yes --reason "PSU swap on vccs-a"',
  ]
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Checks and plan only; nothing is changed.' }),
    yes: Flags.boolean({ description: 'Do not ask.' }),
    ...orderFlags,
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Switchover)
    if (flags['dry-run']) {
      const plan = await this.plan(flags, false)
      this.print(flags, plan, (screen) => [...drawPlan(screen, plan), '(nothing was changed)'])
      return plan.safe ? 0 : 3
    }
    if (!flags.yes && this.io.interactive && !flags.json) {
      const plan = await this.plan(flags, false)
      this.io.err(`${drawPlan(this.screen(flags), plan).join('\n')}\n`)
      const failed = plan.checks.filter(({ outcome }) => outcome === 'failed')
      if (!plan.safe) {
        throw new CliFailure('refused-unsafe', failed.map(({ detail }) => detail).join('; '))
      }
      await this.confirm(flags, `Switch primary from ${plan.from} to ${plan.to}?`)
    } else {
      await this.confirm(flags, 'Switch the primary?')
    }
    return this.execute(flags, false)
  }
}

export class Failover extends RoleCommand {
  static override summary = 'Force the role to move, although calls may be lost.'
  static override description =
    'For a pair that cannot switch over safely. Asks for the name of the node that shall serve.'
  static override examples = [
    '<%= config.bin %> failover --reason "vccs-a has a bad disk"',
    '<%= config.bin %> failover --yes --reason "drill 7"',
  ]
  static override flags = {
    yes: Flags.boolean({ description: 'Do not ask.' }),
    ...orderFlags,
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Failover)
    if (!flags.yes && this.io.interactive && !flags.json) {
      const plan = await this.plan(flags, true)
      this.io.err(`${drawPlan(this.screen(flags), plan).join('\n')}\n`)
      const message = `Calls may be lost. Type "${plan.to}" to make it primary by force:`
      await this.confirm(flags, { type: plan.to, message })
    } else {
      await this.confirm(flags, 'Force the role to move?')
    }
    return this.execute(flags, true)
  }
}
