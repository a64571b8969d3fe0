//! `vccs status`.
import { Flags } from '@oclif/core'
import { type GlobalValues, VccsCommand } from '../base-command.ts'
import { CliFailure, reportFailure } from '../failure.ts'
import { drawStatus } from '../screens/status.ts'

const watchSecondsMin = 0.2

export class Status extends VccsCommand {
  static override summary = 'Both nodes, their links, sync, media, calls and alarms.'
  static override description =
    'Shows the opinion of both nodes, and whether a switchover now would be safe. ' +
    'Exit code 0 also when the pair is degraded.'
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status -w --interval 2',
    '<%= config.bin %> status --json --node peer',
  ]
  static override flags = {
    watch: Flags.boolean({ char: 'w', description: 'Redraw until Ctrl-C.' }),
    interval: Flags.string({
      description: 'Seconds between two redraws of --watch.',
      default: '1',
      helpValue: 'SECONDS',
    }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Status)
    if (!flags.watch) {
      const status = await this.ask(flags, 'status', {})
      this.print(flags, status, (screen) => drawStatus(screen, status))
      return 0
    }
    const seconds = Number(flags.interval)
    if (!(seconds >= watchSecondsMin && seconds <= 3_600)) {
      throw new CliFailure(
        'usage',
        `--interval ${flags.interval}: ${watchSecondsMin} to 3600 seconds`,
      )
    }
    await this.#watch(flags, seconds * 1_000)
    return 0
  }

  async #watch(flags: GlobalValues, intervalMs: number): Promise<void> {
    const { stop } = this.io
    const inPlace = this.io.outIsTerminal && !flags.json
    let drawn = 0
    while (!stop.aborted) {
      // A daemon that is restarted while we watch comes back on the screen by itself.
      const text = await this.#once(flags)
      // In place and without clearing the screen: what scrolled by before stays readable.
      if (inPlace && drawn > 0) this.io.out(`\u001b[${drawn}A\u001b[0J`)
      this.io.out(text)
      drawn = text.split('\n').length - 1
      await this.io.sleep(intervalMs)
    }
  }

  async #once(flags: GlobalValues): Promise<string> {
    try {
      const status = await this.ask(flags, 'status', {})
      if (flags.json) return `${JSON.stringify(status)}\n`
      return `${drawStatus(this.screen(flags), status).join('\n')}\n`
    } catch (error) {
      let text = ''
      const collect = (piece: string) => {
        text += piece
      }
      reportFailure(error, flags.json, { ...this.io, out: collect, err: collect })
      return text
    }
  }
}
