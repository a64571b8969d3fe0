//! Runs one command line: finds the command, runs it through oclif, prints failures, gives the code.
import { join } from 'node:path'
import { type Interfaces, run, settings } from '@oclif/core'
import { CliFailure, reportFailure } from './failure.ts'
import { withIo } from './io.ts'
import { nearest } from './suggest.ts'
import type { Io } from './terminal.ts'

export interface Installation {
  /** Directory of `commands`; an `oclif.manifest.json` there saves time. */
  readonly root: string
  /** File with the table of commands, seen from `root`. */
  readonly commands: string
  readonly version: string
}

/** @returns the exit code. */
export async function runCli(
  argv: readonly string[],
  installation: Installation,
  io: Io,
): Promise<number> {
  const words = arrange(argv)
  try {
    const unknown = findUnknown(words, await commandTable(installation))
    if (unknown !== null) throw unknown
    const result = await withIo(io, () => run(words, loadOptions(installation)))
    return typeof result === 'number' ? result : 0
  } catch (error) {
    return reportFailure(error, wantsJson(words), io)
  }
}

export function loadOptions({ root, commands, version }: Installation): Interfaces.LoadOptions {
  // Off: oclif would look for another TypeScript than ours, and find stale files.
  settings.enableAutoTranspile = false
  return { root, pjson: packageOf(commands, version) }
}

function packageOf(commands: string, version: string): Interfaces.PJSON {
  return {
    name: 'vccs',
    version,
    description:
      'Ask and operate a pair of vccs nodes, from either of them. Exit codes: docs/errors.md.',
    type: 'module',
    oclif: {
      bin: 'vccs',
      commands: { strategy: 'explicit', target: commands, identifier: 'COMMANDS' },
      topicSeparator: ' ',
      topics: {
        call: { description: 'One call: what it consists of, its messages, and its end.' },
        config: { description: 'The site configuration of the pair.' },
        sync: { description: 'What is replicated: its state, a comparison, the failure log.' },
      },
    },
  } as unknown as Interfaces.PJSON
}

/** Command, written with blanks, to whether it takes arguments. */
type CommandTable = ReadonlyMap<string, boolean>

async function commandTable({ root, commands }: Installation): Promise<CommandTable> {
  const { COMMANDS } = (await import(join(root, commands))) as {
    COMMANDS: Record<string, { readonly args: object }>
  }
  const rows = Object.entries(COMMANDS).map(([id, { args }]) => {
    return [id.replace(':', ' '), Object.keys(args).length > 0] as const
  })
  return new Map(rows)
}

const valueFlags = ['--socket', '--node']
const otherFlags = ['--json', '--color', '--no-color']
const helpFlags = ['--help', '--version']

/** oclif wants the command first: global flags before it are moved behind it, and `help status`
 * becomes `status --help`. */
function arrange(argv: readonly string[]): string[] {
  const before: string[] = []
  let at = 0
  for (; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    if (otherFlags.includes(word) || valueFlags.some((flag) => word.startsWith(`${flag}=`))) {
      before.push(word)
    } else if (valueFlags.includes(word) && at + 1 < argv.length) {
      before.push(word, argv[at + 1] ?? '')
      at += 1
    } else break
  }
  const rest = argv.slice(at)
  if (rest[0] === 'help') return [...rest.slice(1), '--help']
  if (rest.length === 0) return rest
  const end = rest.indexOf('--')
  if (end === -1) return [...rest, ...before]
  return [...rest.slice(0, end), ...before, ...rest.slice(end)]
}

/** oclif shows help and leaves with 0 for an unknown word behind a topic, and takes a surplus word
 * for a part of the command's name; a script must not go on, and a person wants to know. */
function findUnknown(words: readonly string[], table: CommandTable): CliFailure | null {
  const [first, second] = words
  if (first === undefined || helpFlags.includes(first)) return null
  if (first.startsWith('-')) {
    const near = nearest(first, [...otherFlags, ...valueFlags, ...helpFlags])
    const next = near === null ? 'See vccs --help.' : `Did you mean ${near}?`
    return new CliFailure('usage', `There is no flag ${first}`, next)
  }
  const names = [...table.keys()]
  const isTopic = names.some((name) => name.startsWith(`${first} `))
  const hasSecond = second !== undefined && !second.startsWith('-')
  if (isTopic && !hasSecond) return null
  const given = isTopic ? `${first} ${second}` : first
  if (!table.has(given)) {
    const suggestion = nearest(given, names)
    const next = suggestion === null ? 'See vccs --help.' : `Did you mean \`vccs ${suggestion}\`?`
    return new CliFailure('usage', `There is no command "${given}"`, next)
  }
  const surplus = words[isTopic ? 2 : 1]
  if (table.get(given) === true || surplus === undefined || surplus.startsWith('-')) return null
  return new CliFailure('usage', `Unexpected argument: ${surplus}`)
}

function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return words.slice(0, end === -1 ? words.length : end).includes('--json')
}
