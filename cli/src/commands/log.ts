//! `vccs log`.
import { Flags } from '@oclif/core'
import type { LogLine } from '../../../daemon/src/control/api.ts'
import { type GlobalValues, VccsCommand } from '../base-command.ts'
import { follow } from '../client.ts'
import { drawLogLine } from '../screens/lists.ts'

type Level = LogLine['level']
const levels: readonly Level[] = ['debug', 'info', 'warn', 'error']
const pollMs = 1_000

interface Values extends GlobalValues {
  readonly level: Level
}

export class Log extends VccsCommand {
  static override summary = 'The newest lines of the log of the daemon.'
  static override description =
    'With --json: without --follow one object, with it one object a line (NDJSON).'
  static override examples = [
    '<%= config.bin %> log -n 100 --level warn',
    '<%= config.bin %> log -f',
    '<%= config.bin %> log -f --json --node peer',
  ]
  static override flags = {
    follow: Flags.boolean({ char: 'f', description: 'Go on with new lines until Ctrl-C.' }),
    lines: Flags.integer({
      char: 'n',
      description: 'How many lines at first.',
      default: 50,
      min: 0,
      max: 1_000,
    }),
    level: Flags.option({
      description: 'This level and the more severe ones.',
      options: levels,
      default: 'info' as Level,
    })(),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Log)
    const { lines, level } = flags
    if (!flags.follow) {
      const result = await this.ask(flags, 'log', { lines, level })
      this.print(flags, result, (screen) => result.lines.map((line) => drawLogLine(screen, line)))
    } else if (flags.node === 'peer') {
      await this.#poll(flags, lines)
    } else {
      const { stop } = this.io
      const params = { follow: true, lines, level }
      await follow(this.target(flags), params, { onLine: (line) => this.#write(flags, line), stop })
    }
    return 0
  }

  /** Streams do not cross the pair channel; asking for what is newer comes to the same. */
  async #poll(flags: Values, lines: number): Promise<void> {
    const { stop } = this.io
    let { lines: found } = await this.ask(flags, 'log', { lines, level: flags.level })
    let after = 0
    while (!stop.aborted) {
      for (const line of found) this.#write(flags, line)
      after = found.at(-1)?.sequence ?? after
      await this.io.sleep(pollMs)
      if (stop.aborted) return
      const params = { lines: 1_000, level: flags.level, after }
      found = (await this.ask(flags, 'log', params)).lines
    }
  }

  #write(flags: Values, line: LogLine): void {
    if (flags.json) this.io.out(`${JSON.stringify({ schema: 'vccs/log-line/1', ...line })}\n`)
    else this.io.out(`${drawLogLine(this.screen(flags), line)}\n`)
  }
}
