//! `vccs calls`, `users`, `alarms` and `release-call`.
import { Flags } from '@oclif/core'
import { VccsCommand, word } from '../base-command.ts'
import { drawAlarms, drawCalls, drawUsers } from '../screens/lists.ts'

export class Calls extends VccsCommand {
  static override summary = 'The calls that are up, ringing or held.'
  static override examples = ['<%= config.bin %> calls', '<%= config.bin %> calls --json']

  async run(): Promise<number> {
    const { flags } = await this.parse(Calls)
    const result = await this.ask(flags, 'calls', {})
    this.print(flags, result, (screen) => drawCalls(screen, result))
    return 0
  }
}

export class Users extends VccsCommand {
  static override summary = 'All accounts, and where they are registered.'
  static override examples = ['<%= config.bin %> users', '<%= config.bin %> users --json']

  async run(): Promise<number> {
    const { flags } = await this.parse(Users)
    const result = await this.ask(flags, 'users', {})
    this.print(flags, result, (screen) => drawUsers(screen, result))
    return 0
  }
}

export class Alarms extends VccsCommand {
  static override summary = 'Active alarms: what, its effect, and what to do next.'
  static override examples = [
    '<%= config.bin %> alarms',
    '<%= config.bin %> alarms --history --json',
  ]
  static override flags = {
    history: Flags.boolean({ description: 'Ended alarms too, newest first.' }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Alarms)
    const result = await this.ask(flags, 'alarms', { history: flags.history })
    this.print(flags, result, (screen) => drawAlarms(screen, result))
    return 0
  }
}

export class ReleaseCall extends VccsCommand {
  static override summary = 'Hang up one call.'
  static override examples = [
    '<%= config.bin %> calls',
    '<%= config.bin %> release-call 7f3a-12 --yes',
  ]
  static override args = {
    session: word('Session, as in `vccs calls`.'),
  }
  static override flags = { yes: Flags.boolean({ description: 'Do not ask.' }) }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(ReleaseCall)
    await this.confirm(flags, `Hang up the call ${args.session}?`)
    const result = await this.ask(flags, 'release-call', { sessionId: args.session })
    this.print(flags, result, () => [`released ${result.sessionId}`])
    return 0
  }
}
