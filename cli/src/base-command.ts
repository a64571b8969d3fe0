//! What every command of `vccs` has: the global flags, the way to the daemon, and the way out.
import { Args, Command, Flags } from '@oclif/core'
import type { ParamsOf, ResultOf, Verb } from '../../daemon/src/control/api.ts'
import type { Operation } from '../../daemon/src/control/operation-schema.ts'
import { ask, type Target } from './client.ts'
import { CliFailure } from './failure.ts'
import { currentIo } from './io.ts'
import { Screen } from './screens/screen.ts'
import type { Io } from './terminal.ts'

const defaultSocket = '/run/vccs/control.sock'

/** Between two questions for an operation, and how many may go wrong one after the other. */
const pollMs = 250
const pollFailuresMax = 20

const globalFlags = {
  json: Flags.boolean({ description: 'Print JSON with a schema, also for failures.' }),
  socket: Flags.string({
    description: 'Control socket of the daemon.',
    env: 'VCCS_SOCKET',
    default: defaultSocket,
    helpValue: 'PATH',
  }),
  node: Flags.option({
    description: 'Ask this node, or its peer through it.',
    options: ['self', 'peer'] as const,
    default: 'self' as const,
  })(),
  color: Flags.boolean({
    description: 'Colour on a terminal (off with NO_COLOR too).',
    allowNo: true,
    default: true,
  }),
}

/** A required word. Not from standard input: oclif would eat the lines of a `while read` loop. */
export function word(description: string, options?: readonly string[]) {
  const allowed = options === undefined ? {} : { options: [...options] }
  return Args.string({ description, required: true, ignoreStdin: true, ...allowed })
}

/** What every command has that is recorded as an operation. */
export const orderFlags = {
  reason: Flags.string({
    description: 'Why; kept in the history.',
    default: '',
    helpValue: 'TEXT',
  }),
  operator: Flags.string({
    description: 'Who, when several people share this user.',
    env: 'SUDO_USER',
    default: '',
    helpValue: 'NAME',
  }),
}

export interface OrderValues extends GlobalValues {
  readonly reason: string
  readonly operator: string
}

type OrderVerb = Extract<Verb, 'switchover' | 'sync-db' | 'pause' | 'resume' | 'reinit' | 'drill'>

export interface GlobalValues {
  readonly json: boolean
  readonly socket: string
  readonly node: 'self' | 'peer'
  readonly color: boolean
}

/** `run` gives the exit code; failures are thrown as `CliFailure` and printed by `cli.ts`. */
export abstract class VccsCommand extends Command {
  static override baseFlags = globalFlags
  static override examples: Command.Example[] = []

  protected readonly io: Io = currentIo()

  abstract override run(): Promise<number>

  /** Instead of oclif's: it would set exit codes and print stacks of its own. */
  protected override catch(error: Error): Promise<void> {
    throw error
  }

  protected target({ socket, node }: GlobalValues): Target {
    return { socket, node }
  }

  protected ask<V extends Verb>(
    flags: GlobalValues,
    verb: V,
    params: ParamsOf<V>,
  ): Promise<ResultOf<V>> {
    return ask(this.target(flags), verb, params)
  }

  /** As `ask`, recorded with reason and operator. Its number is printed at once, so that the outcome can
   * be asked for when this connection is lost. */
  protected order<V extends OrderVerb>(
    flags: OrderValues,
    verb: V,
    params: Omit<ParamsOf<V>, 'reason' | 'operator' | 'announce'>,
  ): Promise<ResultOf<V>> {
    const { reason, operator } = flags
    const all = { ...params, reason, operator, announce: true } as ParamsOf<V>
    return ask(this.target(flags), verb, all, (id) => {
      if (!flags.json) this.io.err(`op ${id}\n`)
    })
  }

  /** Asks for the operation until it has ended; a daemon that is away for a moment is asked again. */
  protected async outcome(
    flags: GlobalValues,
    id: string,
    onProgress: (operation: Operation) => void,
  ): Promise<Operation> {
    let failures = 0
    for (;;) {
      try {
        const [operation] = (await this.ask(flags, 'op', { id })).operations
        failures = 0
        if (operation !== undefined && operation.state !== 'running') return operation
        if (operation !== undefined) onProgress(operation)
      } catch (error) {
        failures += 1
        if (!(error instanceof CliFailure) || failures >= pollFailuresMax) {
          const next = `Run \`vccs op ${id}\`, on either node.`
          throw new CliFailure('timed-out', `The outcome of op ${id} is not known yet`, next)
        }
      }
      await this.io.sleep(pollMs)
      if (this.io.stop.aborted) {
        throw new CliFailure('timed-out', `op ${id} goes on`, `Run \`vccs op ${id}\`.`)
      }
    }
  }

  protected screen(flags: GlobalValues): Screen {
    const { env, outIsTerminal, columns } = this.io
    const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
    return new Screen({
      colour: flags.color && outIsTerminal && !env.NO_COLOR && env.TERM !== 'dumb',
      unicode: /utf-?8/i.test(locale),
      columns,
    })
  }

  /** Prints the result as JSON, or as the screen that `draw` makes of it. */
  protected print<T extends object>(
    flags: GlobalValues,
    result: T,
    draw: (screen: Screen) => string[],
  ): void {
    if (flags.json) this.io.out(`${JSON.stringify(result)}\n`)
    else for (const line of draw(this.screen(flags))) this.io.out(`${line}\n`)
  }

  /** Asks for a confirmation, unless --yes was given. Throws `needs-yes` when nobody can be asked. */
  protected async confirm(
    flags: GlobalValues & { readonly yes: boolean },
    question: string | { readonly type: string; readonly message: string },
  ): Promise<void> {
    if (flags.yes) return
    if (!this.io.interactive || flags.json) {
      const again = ['vccs', ...(this.id ?? '').split(':'), ...this.argv, '--yes'].map(quote)
      const next = `Run: ${again.join(' ')}`
      throw new CliFailure('needs-yes', 'Refused: there is no terminal to confirm on', next)
    }
    if (typeof question === 'string') {
      if (await this.io.confirm(question)) return
    } else if ((await this.io.input(question)) === question.type) return
    throw new CliFailure('not-confirmed', 'Not confirmed; nothing was changed')
  }
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
