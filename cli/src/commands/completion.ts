//! `vccs completion bash|zsh`.
import { VccsCommand, word } from '../base-command.ts'
import { bashScript, type Completable, zshScript } from '../completion-script.ts'

export class Completion extends VccsCommand {
  static override summary = 'Print the completion script of a shell.'
  static override examples = [
    'eval "$(<%= config.bin %> completion bash)"',
    '<%= config.bin %> completion zsh > ~/.zfunc/_vccs',
  ]
  static override args = {
    shell: word('The shell.', ['bash', 'zsh']),
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Completion)
    const commands: Completable[] = this.config.commands.map((command) => ({
      words: command.id.split(':'),
      summary: command.summary ?? '',
      flags: Object.values(command.flags).map((flag) => ({
        names: [
          ...(flag.type === 'boolean' && flag.allowNo ? [`--no-${flag.name}`] : []),
          `--${flag.name}`,
          ...(flag.char === undefined ? [] : [`-${flag.char}`]),
        ],
        takesValue: flag.type === 'option',
        values: flag.type === 'option' ? [...(flag.options ?? [])] : [],
      })),
      values: Object.values(command.args).flatMap((arg) => [...(arg.options ?? [])]),
      takesFile: Object.keys(command.args).includes('file'),
    }))
    const script = args.shell === 'bash' ? bashScript(commands) : zshScript(commands)
    this.print(flags, { schema: 'vccs/completion/1', shell: args.shell, script }, () => [
      script.trimEnd(),
    ])
    return 0
  }
}
