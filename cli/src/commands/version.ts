//! `vccs version`.
import { VccsCommand } from '../base-command.ts'
import { CliFailure } from '../failure.ts'

export class Version extends VccsCommand {
  static override summary = 'Versions of this command and of the daemon.'
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json']

  async run(): Promise<number> {
    const { flags } = await this.parse(Version)
    const cli = { version: this.config.version, runtime: process.version }
    let daemon: { node: string; version: string; runtime: string } | null = null
    let problem: string | null = null
    try {
      const { node, version, runtime } = await this.ask(flags, 'version', {})
      daemon = { node, version, runtime }
    } catch (error) {
      // The version of the command is known without a daemon, and asked for when there is none.
      if (!(error instanceof CliFailure)) throw error
      problem = error.info.message
    }
    this.print(flags, { schema: 'vccs/versions/1', cli, daemon, problem }, () => [
      `vccs    ${cli.version}  (Node ${cli.runtime})`,
      daemon === null
        ? `daemon  unknown: ${problem}`
        : `daemon  ${daemon.version}  (${daemon.node}, Node ${daemon.runtime})`,
    ])
    return 0
  }
}
